using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.DeleteTopicsRequest;
using static Milena.Protocol.Messages.DeleteTopicsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>DeleteTopics (20).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// DeleteTopics (20): deletes by name or, from v6 on, by id; both for one topic are too much. Who may not describe a topic
    /// does not learn its name, nor whether it is there. Answers come in the order of the request.
    /// </summary>
    public Decision<DeleteTopicsResponse, IMetadataRecord> DeleteTopics(
        MetadataImage image, DeleteTopicsRequest request, ControllerContext context)
    {
        DeleteTopicState[] topics = [.. request.TopicNames.Select(name => new DeleteTopicState { Name = name }), .. request.Topics];
        if (!config.GetBool("delete.topic.enable"))
            return new(new DeleteTopicsResponse { Responses = [.. topics.Select(topic => Refused(topic.Name, topic.TopicId, DeletionDisabled(context.Version)))] });

        var chosen = topics.Select(topic => (Topic: topic, Found: Resolve(image, topic))).ToArray();
        var timesNamed = chosen.CountBy(choice => choice.Topic.Name ?? $"\n{choice.Topic.TopicId}").ToDictionary();
        var timesMeant = chosen.Where(choice => choice.Found is not null).CountBy(choice => choice.Found!.Id).ToDictionary();

        var results = new List<DeletableTopicResult>();
        var records = new List<IMetadataRecord>();
        foreach (var (topic, found) in chosen.DistinctBy(choice => (choice.Topic.Name, choice.Topic.TopicId)))
        {
            var isNamedTwice = timesNamed[topic.Name ?? $"\n{topic.TopicId}"] > 1;
            var error = CheckDeletion(topic, found, isNamedTwice, found is not null && timesMeant[found.Id] > 1, context);
            if (!error.IsError && !context.TakeMutations(found!.Partitions.Count))
                error = ApiError.Throttled;
            if (!error.IsError)
                records.Add(new RemoveTopicRecord { TopicId = found!.Id });
            results.Add(error.IsError ? Refused(VisibleName(topic, found, context), topic.TopicId, error) : Deleted(found!));
        }

        return records.Count <= RecordsPerRequestMax
            ? new(new DeleteTopicsResponse { Responses = [.. results] }, [.. records])
            : new(new DeleteTopicsResponse { Responses = [.. results.Select(result => Refused(result.Name, result.TopicId, TooManyRecords))] });
    }

    private static TopicImage? Resolve(MetadataImage image, DeleteTopicState topic)
    {
        TopicImage? found = null;
        if (topic.Name is { } name && topic.TopicId == Uuid.Zero)
            image.Topics.TryGet(name, out found);
        else if (topic.Name is null)
            image.Topics.TryGet(topic.TopicId, out found);
        return found;
    }

    private static ApiError CheckDeletion(
        DeleteTopicState topic, TopicImage? found, bool isNamedTwice, bool isMeantTwice, ControllerContext context)
    {
        var isById = topic.Name is null;
        if (isById && topic.TopicId == Uuid.Zero)
            return new ApiError(ErrorCode.InvalidRequest, "Neither topic name nor id were specified.");
        if (!isById && topic.TopicId != Uuid.Zero)
            return new ApiError(ErrorCode.InvalidRequest, "You may not specify both topic name and topic id.");
        if (isNamedTwice)
            return new ApiError(ErrorCode.InvalidRequest, isById ? "Duplicate topic id." : "Duplicate topic name.");
        if (isById && found is null)
            return new ApiError(ErrorCode.UnknownTopicId, $"There is no topic with the id {topic.TopicId}.");
        var name = topic.Name ?? found!.Name;
        if (!isById && !context.Access.MayDescribe(name))
            return ApiError.NotAuthorized;
        if (found is null)
            return new ApiError(ErrorCode.UnknownTopicOrPartition, $"There is no topic with the name '{name}'.");
        if (!context.Access.MayDelete(name))
            return ApiError.NotAuthorized;
        return isMeantTwice
            ? new ApiError(ErrorCode.InvalidRequest, "The provided topic name maps to an ID that was already supplied.")
            : ApiError.None;
    }

    private static string? VisibleName(DeleteTopicState topic, TopicImage? found, ControllerContext context) =>
        topic.Name ?? (found is not null && context.Access.MayDescribe(found.Name) ? found.Name : null);

    // Versions before 3 have no code for it.
    private static ApiError DeletionDisabled(short version) => version < 3
        ? new ApiError(ErrorCode.InvalidRequest, "Topic deletion is disabled.")
        : new ApiError(ErrorCode.TopicDeletionDisabled, "Topic deletion is disabled.");

    private static DeletableTopicResult Deleted(TopicImage topic) => new() { Name = topic.Name, TopicId = topic.Id };

    private static DeletableTopicResult Refused(string? name, Uuid id, ApiError error) => new()
    {
        Name = name,
        TopicId = id,
        ErrorCode = error.Code,
        ErrorMessage = error.Message,
    };
}
