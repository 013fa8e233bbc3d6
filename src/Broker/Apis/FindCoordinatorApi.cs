using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>FindCoordinator (10): the broker that coordinates a group or a transactional id.</summary>
/// <remarks>
/// v1 asks for groups (0) or transactions (1), v4 for several keys, v6 for share groups (2). Not served: share groups, which are
/// told INVALID_REQUEST and why: clients would go on asking if they were told to wait. The topic of the groups or transactions is
/// created on the way, and the answer waits for it within a bound.
/// </remarks>
internal sealed class FindCoordinatorApi(
    MetadataCache metadata, GroupCoordinator groups, TransactionCoordinator transactions, TopicAutoCreation creation)
    : IApi<FindCoordinatorRequest, FindCoordinatorResponse>
{
    private const sbyte GroupKey = 0;
    private const sbyte TransactionKey = 1;
    private const sbyte ShareKey = 2;
    private const short SeveralKeysFrom = 4;

    public static VersionRange Versions => new(0, 6);

    public async ValueTask<FindCoordinatorResponse?> Handle(FindCoordinatorRequest request, RequestContext context)
    {
        RequestLimits.Check(request.CoordinatorKeys.Length);
        var topic = TopicOf(request.KeyType);
        if (topic is not null && !metadata.Image.Topics.TryGet(topic, out _))
            await creation.Create([topic], context.Aborted);
        if (context.Version >= SeveralKeysFrom)
        {
            return new FindCoordinatorResponse
            {
                Coordinators = [.. request.CoordinatorKeys.Select(key => Find(key, request.KeyType, context))],
            };
        }

        var found = Find(request.Key, request.KeyType, context);
        return new FindCoordinatorResponse
        {
            ErrorCode = found.ErrorCode,
            ErrorMessage = found.ErrorMessage,
            NodeId = found.NodeId,
            Host = found.Host,
            Port = found.Port,
        };
    }

    private FindCoordinatorResponse.Coordinator Find(string key, sbyte keyType, RequestContext context)
    {
        if (keyType is < GroupKey or > ShareKey)
            return NotFound(key, ErrorCode.InvalidRequest, $"there is no coordinator of type {keyType}");
        if (TopicOf(keyType) is not { } topic)
            return NotFound(key, ErrorCode.InvalidRequest, "share groups are not served yet");

        var image = metadata.Image;
        var number = keyType == TransactionKey ? transactions.PartitionFor(key) : groups.PartitionFor(key);
        var partition = image.Topics.FindPartition(new Common.TopicPartition(topic, number));
        if (partition is not { HasLeader: true }
            || !TopicAnswers.IsAlive(image, partition.Leader, context.ListenerName))
            return NotFound(key, ErrorCode.CoordinatorNotAvailable, null);
        var endpoint = image.Brokers[partition.Leader].EndpointOf(context.ListenerName)!;
        return new() { Key = key, NodeId = partition.Leader, Host = endpoint.Host, Port = endpoint.Port, ErrorMessage = null };
    }

    // The topic that keeps what the coordinators of this kind know; null for a kind that is not served.
    private static string? TopicOf(sbyte keyType) => keyType switch
    {
        GroupKey => TopicNames.ConsumerOffsets,
        TransactionKey => TopicNames.TransactionState,
        _ => null,
    };

    private static FindCoordinatorResponse.Coordinator NotFound(string key, ErrorCode error, string? message) => new()
    {
        Key = key,
        NodeId = PartitionImage.NoLeader,
        Port = -1,
        ErrorCode = error,
        ErrorMessage = message ?? error.Message(),
    };
}
