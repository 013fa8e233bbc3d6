using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

public sealed partial class GroupCoordinator
{
    /// <summary>The first version in which clients name themselves.</summary>
    private const short FirstVersionWithClientMadeIds = 1;

    /// <summary>
    /// ConsumerGroupHeartbeat v0 and v1: a member of the consumer protocol joins, goes on or leaves, and is told what to own.
    /// Topics that the client may not describe are the broker's to refuse.
    /// </summary>
    public ValueTask<ConsumerGroupHeartbeatResponse> ConsumerGroupHeartbeat(
        ConsumerGroupHeartbeatRequest request, GroupClient client, short version)
    {
        if (Check(request, version) is { } fault)
            return new(ConsumerTurn.Refuse(ErrorCode.InvalidRequest, fault));
        if (request.ServerAssignor is { } wished && parts.Assignors.All(assignor => assignor.Name != wished))
        {
            return new(ConsumerTurn.Refuse(
                ErrorCode.UnsupportedAssignor,
                $"ServerAssignor {wished} is not supported. Supported assignors: {string.Join(", ", parts.Assignors.Select(assignor => assignor.Name))}."));
        }
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return new(ConsumerTurn.Refuse(unavailable));

        var call = new ConsumerHeartbeat(
            request.MemberId.Length > 0 ? request.MemberId : memberIds.NextUuid().ToString(),
            request.MemberEpoch,
            request.InstanceId,
            request.RackId,
            client,
            request.RebalanceTimeoutMs,
            request.SubscribedTopicNames is { } names ? EmbeddedProtocol.Sorted(names) : (ImmutableArray<string>?)null,
            request.SubscribedTopicRegex,
            request.ServerAssignor,
            request.TopicPartitions is { } owned
                ? PartitionSet.Of(owned.SelectMany(topic => topic.Partitions.Select(partition => new TopicIdPartition(topic.TopicId, partition))))
                : null);
        return shard.Turn(request.GroupId, scene => scene.Heartbeat(call), static error => ConsumerTurn.Refuse(error));
    }

    // What makes a request one that no group could answer, in Kafka's order; null if it is well-formed.
    private static string? Check(ConsumerGroupHeartbeatRequest request, short version)
    {
        if (request.GroupId.Length == 0)
            return "GroupId can't be empty.";
        if (request.InstanceId is "")
            return "InstanceId can't be empty.";
        if (request.RackId is "")
            return "RackId can't be empty.";
        if (request.MemberId.Length == 0 && (version >= FirstVersionWithClientMadeIds || request.MemberEpoch != ConsumerMember.JoiningEpoch))
            return "MemberId can't be empty.";

        switch (request.MemberEpoch)
        {
            case ConsumerMember.JoiningEpoch when request.RebalanceTimeoutMs == -1:
                return "RebalanceTimeoutMs must be provided in first request.";
            case ConsumerMember.JoiningEpoch when request.TopicPartitions is not { Length: 0 }:
                return "TopicPartitions must be empty when (re-)joining.";
            case ConsumerMember.JoiningEpoch when request.SubscribedTopicNames is null && string.IsNullOrEmpty(request.SubscribedTopicRegex):
                return "Either SubscribedTopicNames or SubscribedTopicRegex must be set in first request.";
            case ConsumerMember.AwayEpoch when request.InstanceId is null:
                return "InstanceId can't be null.";
            case < ConsumerMember.AwayEpoch:
                return $"MemberEpoch is {request.MemberEpoch}, but must be greater than or equal to -2.";
            default:
                return null;
        }
    }
}
