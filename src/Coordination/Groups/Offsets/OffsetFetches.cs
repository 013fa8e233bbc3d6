using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// OffsetFetch. A group, topic or partition without an offset is not an error: the answer is offset -1. The shapes of version 8 and
/// later (many groups) serve the older ones (one group) too.
/// </summary>
internal static class OffsetFetches
{
    private const long NoOffset = -1;

    /// <summary>The first version with more than one group.</summary>
    public const short FirstVersionWithGroups = 8;

    /// <summary>The first version that has a place for an error of the whole group.</summary>
    private const short FirstVersionWithGroupError = 2;

    /// <summary>The first version that names topics by their ids.</summary>
    private const short FirstVersionWithTopicIds = 10;

    /// <summary>The groups that a request asks for, whatever its version.</summary>
    public static OffsetFetchRequest.OffsetFetchRequestGroup[] GroupsOf(OffsetFetchRequest request, short version) =>
        version >= FirstVersionWithGroups
            ? request.Groups
            :
            [
                new()
                {
                    GroupId = request.GroupId,
                    Topics = request.Topics is null ? null : Array.ConvertAll(request.Topics, topic =>
                        new OffsetFetchRequest.OffsetFetchRequestTopics
                        {
                            Name = topic.Name,
                            PartitionIndexes = topic.PartitionIndexes,
                        }),
                },
            ];

    /// <summary>The answer for one group.</summary>
    public static OffsetFetchResponse.OffsetFetchResponseGroup Fetch(
        GroupsState state, OffsetFetchRequest.OffsetFetchRequestGroup asked, short version, bool requireStable, IGroupTopics topics)
    {
        var byId = version >= FirstVersionWithTopicIds;
        if (state.Find(asked.GroupId) is ConsumerGroup group && group.CheckFetch(asked.MemberId, asked.MemberEpoch) is not ErrorCode.None and var error)
            return Refuse(asked, version, error);
        return new()
        {
            GroupId = asked.GroupId,
            Topics = asked.Topics is null
                ? [.. AllTopics(state, asked.GroupId, byId, requireStable, topics)]
                : Array.ConvertAll(asked.Topics, topic => Topic(state, asked.GroupId, topic, byId, requireStable, topics)),
        };
    }

    /// <summary>The answer for one group that cannot be served.</summary>
    public static OffsetFetchResponse.OffsetFetchResponseGroup Refuse(
        OffsetFetchRequest.OffsetFetchRequestGroup asked, short version, ErrorCode error) => new()
        {
            GroupId = asked.GroupId,
            ErrorCode = error,
            Topics = version >= FirstVersionWithGroupError ? [] : Array.ConvertAll(asked.Topics ?? [], topic =>
                new OffsetFetchResponse.OffsetFetchResponseTopics
                {
                    Name = topic.Name,
                    Partitions = Array.ConvertAll(topic.PartitionIndexes, partition => Partition(partition, null, error)),
                }),
        };

    /// <summary>The response in the shape of its version.</summary>
    public static OffsetFetchResponse Respond(OffsetFetchResponse.OffsetFetchResponseGroup[] groups, short version) =>
        version >= FirstVersionWithGroups
            ? new() { Groups = groups }
            : new()
            {
                ErrorCode = groups[0].ErrorCode,
                Topics = Array.ConvertAll(groups[0].Topics, topic => new OffsetFetchResponse.OffsetFetchResponseTopic
                {
                    Name = topic.Name,
                    Partitions = Array.ConvertAll(topic.Partitions, partition =>
                        new OffsetFetchResponse.OffsetFetchResponsePartition
                        {
                            PartitionIndex = partition.PartitionIndex,
                            CommittedOffset = partition.CommittedOffset,
                            CommittedLeaderEpoch = partition.CommittedLeaderEpoch,
                            Metadata = partition.Metadata,
                            ErrorCode = partition.ErrorCode,
                        }),
                }),
            };

    private static OffsetFetchResponse.OffsetFetchResponseTopics Topic(
        GroupsState state, string groupId, OffsetFetchRequest.OffsetFetchRequestTopics topic, bool byId, bool requireStable, IGroupTopics topics)
    {
        var name = byId ? topics.TopicName(topic.TopicId) : topic.Name;
        return new()
        {
            Name = topic.Name,
            TopicId = topic.TopicId,
            Partitions = Array.ConvertAll(topic.PartitionIndexes, partition =>
            {
                if (name is null)
                    return Partition(partition, null, ErrorCode.UnknownTopicId);
                var key = new OffsetKey(groupId, name, partition);
                if (requireStable && state.Offsets.HasPending(key))
                    return Partition(partition, null, ErrorCode.UnstableOffsetCommit);
                var offset = state.Offsets.Find(key);
                return Partition(partition, offset is null || offset.IsOfOtherTopic(topic.TopicId) ? null : offset, ErrorCode.None);
            }),
        };
    }

    private static IEnumerable<OffsetFetchResponse.OffsetFetchResponseTopics> AllTopics(
        GroupsState state, string groupId, bool byId, bool requireStable, IGroupTopics topics)
    {
        foreach (var (name, partitions) in state.Offsets.Of(groupId))
        {
            var topicId = byId ? topics.TopicId(name) : Uuid.Zero;
            if (byId && topicId == Uuid.Zero)
                continue; // deleted, its offsets about to be: there is nothing to call it by
            yield return new()
            {
                Name = name,
                TopicId = topicId,
                Partitions = [.. partitions.Select(entry =>
                    requireStable && state.Offsets.HasPending(new OffsetKey(groupId, name, entry.Key))
                        ? Partition(entry.Key, null, ErrorCode.UnstableOffsetCommit)
                        : Partition(entry.Key, entry.Value, ErrorCode.None))],
            };
        }
    }

    private static OffsetFetchResponse.OffsetFetchResponsePartitions Partition(int partition, CommittedOffset? offset, ErrorCode error) =>
        new()
        {
            PartitionIndex = partition,
            CommittedOffset = offset?.Offset ?? NoOffset,
            CommittedLeaderEpoch = offset?.LeaderEpoch ?? -1,
            Metadata = offset?.Metadata ?? "",
            ErrorCode = error,
        };
}
