using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.CreatePartitionsRequest;
using static Milena.Protocol.Messages.CreatePartitionsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>CreatePartitions (37).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// CreatePartitions (37): adds partitions until each topic has the count asked for, with as many replicas as the topic's first
    /// partition. A reassignment that is under way does not stand in the way.
    /// </summary>
    public Decision<CreatePartitionsResponse, IMetadataRecord> CreatePartitions(
        MetadataImage image, CreatePartitionsRequest request, ControllerContext context)
    {
        var added = request.Topics.Sum(topic => AddedPartitions(image, topic));
        if (added > PartitionsPerRequestMax)
            return new(new CreatePartitionsResponse { Results = [.. request.Topics.Select(topic => Result(topic.Name, TooManyPartitions))] });

        var records = new List<IMetadataRecord>();
        var results = new List<CreatePartitionsTopicResult>();
        foreach (var topics in request.Topics.GroupBy(topic => topic.Name, StringComparer.Ordinal))
        {
            var error = topics.Count() > 1
                ? new ApiError(ErrorCode.InvalidRequest, "Duplicate topic name.")
                : CreatePartitions(image, topics.First(), context, records);
            results.Add(Result(topics.Key, error));
        }

        var response = new CreatePartitionsResponse { Results = [.. results] };
        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    private static long AddedPartitions(MetadataImage image, CreatePartitionsTopic topic) =>
        image.Topics.TryGet(topic.Name, out var found) ? Math.Max(topic.Count - found.Partitions.Count, 0) : 0;

    private static ApiError CreatePartitions(
        MetadataImage image, CreatePartitionsTopic topic, ControllerContext context, List<IMetadataRecord> records)
    {
        if (!context.Access.MayAlter(topic.Name))
            return ApiError.NotAuthorized;
        if (topic.Name == TopicNames.ClusterMetadata || !image.Topics.TryGet(topic.Name, out var found))
            return new ApiError(ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition.Message());
        var count = found.Partitions.Count;
        if (topic.Count == count)
            return new ApiError(ErrorCode.InvalidPartitions, $"Topic already has {count} partition(s).");
        if (topic.Count < count)
        {
            return new ApiError(
                ErrorCode.InvalidPartitions,
                $"The topic {topic.Name} currently has {count} partition(s); {topic.Count} would not be an increase.");
        }

        var added = topic.Count - count;
        if (topic.Assignments is { } assigned && assigned.Length != added)
        {
            return new ApiError(
                ErrorCode.InvalidReplicaAssignment,
                $"Attempted to add {added} additional partition(s), but only {assigned.Length} assignment(s) were specified.");
        }

        var replicationFactor = found.Partitions[0].Replicas.Length;
        var error = topic.Assignments is { } assignments
            ? NewPartitions.Assigned(image, assignments.Select((assignment, i) => (count + i, assignment.BrokerIds)), replicationFactor, out var partitions)
            : NewPartitions.Placed(image, UsableBrokers(image), count, added, replicationFactor, context.Random, out partitions);
        if (error.IsError)
            return error;
        if (!context.TakeMutations(added))
            return ApiError.Throttled;
        records.AddRange(partitions.Select(pair => pair.Value.ToRecord(found.Id, pair.Key, image.Features.MetadataVersion)));
        return ApiError.None;
    }

    private static CreatePartitionsTopicResult Result(string name, ApiError error) => new()
    {
        Name = name,
        ErrorCode = error.Code,
        ErrorMessage = error.Message,
    };
}
