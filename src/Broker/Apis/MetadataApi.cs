using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Quotas;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>Metadata (3): brokers, topics, partitions and their leaders, as seen from the client's listener.</summary>
/// <remarks>
/// v1 tells "all topics" (null) from none (empty), v4 lets the client forbid auto-creation, v5 lists offline replicas, v7
/// leader epochs, v8 to v10 authorised operations, v10 topic ids and v12 topics asked for by id.
/// A topic that is created on the way is answered once it has its leaders, within a bound: Kafka answers at once with an
/// error that newcomers take for a failure.
/// </remarks>
internal sealed class MetadataApi(MetadataCache metadata, TopicAutoCreation creation, ClientQuotas quotas, string clusterId)
    : IApi<MetadataRequest, MetadataResponse>
{
    private const ErrorCode Unknown = ErrorCode.UnknownTopicOrPartition;
    private const short NullMeansAllFrom = 1;
    private const short ClientMayForbidCreationFrom = 4;
    private const short KnowsListenersFrom = 6;
    private const short NamelessTopicsFrom = 12;

    public static VersionRange Versions => new(0, 13);

    public ValueTask<MetadataResponse?> Handle(MetadataRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics?.Length ?? 0);
        var image = metadata.Image;
        if (AsksForAll(request, context.Version))
        {
            var all = image.Topics.ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal);
            return new(Answer(request, context, [.. all.Select(topic => Describe(image, topic, request, context))]));
        }

        if (!IsWellFormed(request.Topics!, context.Version))
            return new(Answer(request, context, [.. request.Topics!.Select(topic => Refused(topic, context.Version))]));
        var ids = request.Topics!.Select(topic => topic.TopicId).Where(id => id != Uuid.Zero).Distinct().ToArray();
        if (ids.Length > 0)
            return new(Answer(request, context, [.. ids.Select(id => ById(image, id, request, context))])); // and no names beside

        var names = request.Topics!.Select(topic => topic.Name!).Distinct().ToArray();
        var mayCreate = context.Version < ClientMayForbidCreationFrom || request.AllowAutoTopicCreation;
        var missing = names.Where(name => !image.Topics.TryGet(name, out _)).ToArray();
        return missing.Length > 0 && mayCreate && creation.IsEnabled
            ? Create(names, missing, request, context)
            : new(Answer(request, context, [.. names.Select(name => ByName(image, name, Unknown, request, context))]));
    }

    private async ValueTask<MetadataResponse?> Create(string[] names, string[] missing, MetadataRequest request, RequestContext context)
    {
        var mutations = quotas.Mutations(context);
        var errors = await creation.Create(missing, context.Aborted, mutations.TryTake);
        context.Throttle(mutations.ThrottleMs);
        var image = metadata.Image;
        return Answer(
            request, context, [.. names.Select(name => ByName(image, name, errors.GetValueOrDefault(name, Unknown), request, context))]);
    }

    /// <summary>Before v12 topics are asked for by name alone; from then on by id or by name, but never by neither.</summary>
    private static bool IsWellFormed(MetadataRequest.MetadataRequestTopic[] topics, short version) => version < NamelessTopicsFrom
        ? topics.All(topic => topic.Name is not null && topic.TopicId == Uuid.Zero)
        : topics.All(topic => topic.Name is not null || topic.TopicId != Uuid.Zero);

    private static MetadataResponse.MetadataResponseTopic Refused(MetadataRequest.MetadataRequestTopic topic, short version) => new()
    {
        ErrorCode = ErrorCode.InvalidRequest,
        Name = topic.Name ?? (version < NamelessTopicsFrom ? "" : null),
        TopicId = topic.TopicId,
    };

    private static bool AsksForAll(MetadataRequest request, short version) =>
        request.Topics is null || (version < NullMeansAllFrom && request.Topics.Length == 0);

    private MetadataResponse Answer(MetadataRequest request, RequestContext context, MetadataResponse.MetadataResponseTopic[] topics)
    {
        var image = metadata.Image;
        var alive = image.Brokers.Values.Where(broker => TopicAnswers.IsAlive(image, broker.Id, context.ListenerName)).ToArray();
        return new MetadataResponse
        {
            ClusterId = clusterId,
            ControllerId = alive.Length > 0 ? alive[0].Id : -1, // any broker: it forwards what the controller is asked
            Brokers =
            [
                .. alive.Select(broker => (broker, Endpoint: broker.EndpointOf(context.ListenerName)!)).Select(item =>
                    new MetadataResponse.MetadataResponseBroker
                    {
                        NodeId = item.broker.Id,
                        Host = item.Endpoint.Host,
                        Port = item.Endpoint.Port,
                        Rack = item.broker.Rack,
                    }),
            ],
            Topics = topics,
            ClusterAuthorizedOperations = request.IncludeClusterAuthorizedOperations
                ? TopicAnswers.AllClusterOperations
                : TopicAnswers.OperationsNotAsked,
        };
    }

    private static MetadataResponse.MetadataResponseTopic ById(
        MetadataImage image, Uuid id, MetadataRequest request, RequestContext context) =>
        image.Topics.TryGet(id, out var topic)
            ? Describe(image, topic, request, context)
            : new()
            {
                ErrorCode = ErrorCode.UnknownTopicId,
                TopicId = id,
                Name = context.Version >= NamelessTopicsFrom ? null : "",
            };

    private static MetadataResponse.MetadataResponseTopic ByName(
        MetadataImage image, string name, ErrorCode whenMissing, MetadataRequest request, RequestContext context)
    {
        if (image.Topics.TryGet(name, out var topic))
            return Describe(image, topic, request, context);
        var error = TopicNames.Violation(name) is null ? whenMissing : ErrorCode.InvalidTopicException;
        return new() { ErrorCode = error, Name = name, IsInternal = TopicNames.IsInternal(name) };
    }

    private static MetadataResponse.MetadataResponseTopic Describe(
        MetadataImage image, TopicImage topic, MetadataRequest request, RequestContext context) => new()
    {
        Name = topic.Name,
        TopicId = topic.Id,
        IsInternal = TopicNames.IsInternal(topic.Name),
        TopicAuthorizedOperations = request.IncludeTopicAuthorizedOperations
            ? TopicAnswers.AllTopicOperations
            : TopicAnswers.OperationsNotAsked,
        Partitions = [.. topic.Partitions.Select(pair => Describe(image, pair.Key, pair.Value, context))],
    };

    private static MetadataResponse.MetadataResponsePartition Describe(
        MetadataImage image, int number, PartitionImage partition, RequestContext context)
    {
        var error = TopicAnswers.LeaderError(image, partition, context.ListenerName, context.Version >= KnowsListenersFrom);
        var offline = TopicAnswers.Offline(image, partition, context.ListenerName);
        if (context.Version == 0 && error == ErrorCode.None && offline.Length > 0)
            error = ErrorCode.ReplicaNotAvailable;
        return new()
        {
            ErrorCode = error,
            PartitionIndex = number,
            LeaderId = error is ErrorCode.None or ErrorCode.ReplicaNotAvailable ? partition.Leader : PartitionImage.NoLeader,
            LeaderEpoch = partition.LeaderEpoch,
            ReplicaNodes = [.. partition.Replicas],
            IsrNodes = [.. partition.Isr],
            OfflineReplicas = offline,
        };
    }
}
