using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>FindCoordinator (10): the broker that coordinates a group.</summary>
/// <remarks>
/// v1 asks for groups (0) or transactions (1), v4 for several keys, v6 for share groups (2). Not served: transactions and share
/// groups, which are told INVALID_REQUEST and why: clients would go on asking if they were told to wait. The topic of the groups is
/// created on the way, and the answer waits for it within a bound.
/// </remarks>
internal sealed class FindCoordinatorApi(MetadataCache metadata, GroupCoordinator groups, TopicAutoCreation creation)
    : IApi<FindCoordinatorRequest, FindCoordinatorResponse>
{
    private const sbyte GroupKey = 0;
    private const sbyte ShareKey = 2;
    private const short SeveralKeysFrom = 4;

    public static VersionRange Versions => new(0, 6);

    public async ValueTask<FindCoordinatorResponse?> Handle(FindCoordinatorRequest request, RequestContext context)
    {
        RequestLimits.Check(request.CoordinatorKeys.Length);
        if (request.KeyType == GroupKey && !metadata.Image.Topics.TryGet(TopicNames.ConsumerOffsets, out _))
            await creation.Create([TopicNames.ConsumerOffsets], context.Aborted);
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
        if (keyType != GroupKey)
            return NotFound(key, ErrorCode.InvalidRequest, "transactions and share groups are not served yet");

        var image = metadata.Image;
        var partition = image.Topics.FindPartition(new Common.TopicPartition(TopicNames.ConsumerOffsets, groups.PartitionFor(key)));
        if (partition is not { HasLeader: true }
            || !TopicAnswers.IsAlive(image, partition.Leader, context.ListenerName))
            return NotFound(key, ErrorCode.CoordinatorNotAvailable, null);
        var endpoint = image.Brokers[partition.Leader].EndpointOf(context.ListenerName)!;
        return new() { Key = key, NodeId = partition.Leader, Host = endpoint.Host, Port = endpoint.Port, ErrorMessage = null };
    }

    private static FindCoordinatorResponse.Coordinator NotFound(string key, ErrorCode error, string? message) => new()
    {
        Key = key,
        NodeId = PartitionImage.NoLeader,
        Port = -1,
        ErrorCode = error,
        ErrorMessage = message ?? error.Message(),
    };
}
