using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>The ways in which offsets go: asked for, with their group, with their topic, by age.</summary>
internal static class OffsetRemovals
{
    /// <summary>OffsetDelete: only offsets that no member is using.</summary>
    public static Decision<OffsetDeleteResponse, GroupEvent> Delete(GroupsState state, OffsetDeleteRequest request, IGroupTopics topics)
    {
        if (state.Find(request.GroupId) is not { } group)
            return new(new OffsetDeleteResponse { ErrorCode = ErrorCode.GroupIdNotFound });
        var isConsumerGroup = group.ProtocolTypeName == ClassicGroup.ConsumerProtocolType;
        if (group is ClassicGroup { State: not ClassicGroupState.Empty } && !isConsumerGroup)
            return new(new OffsetDeleteResponse { ErrorCode = ErrorCode.NonEmptyGroup });

        // A consumer group whose subscriptions cannot be read may be using anything.
        var subscribed = SubscribedTopics(group);
        var records = new List<GroupEvent>();
        var response = new OffsetDeleteResponse
        {
            Topics = Array.ConvertAll(request.Topics, topic => new OffsetDeleteResponse.OffsetDeleteResponseTopic
            {
                Name = topic.Name,
                Partitions = Array.ConvertAll(topic.Partitions, partition =>
                    new OffsetDeleteResponse.OffsetDeleteResponsePartition
                    {
                        PartitionIndex = partition.PartitionIndex,
                        ErrorCode = DeleteOne(topic.Name, partition.PartitionIndex),
                    }),
            }),
        };
        return new(response, [.. records]);

        ErrorCode DeleteOne(string topic, int partition)
        {
            if (topics.PartitionCount(topic) == 0)
                return ErrorCode.UnknownTopicOrPartition;
            if (subscribed?.Contains(topic) ?? isConsumerGroup)
                return ErrorCode.GroupSubscribedToTopic;
            var key = new OffsetKey(group.Id, topic, partition);
            if (state.Offsets.Find(key) is not null || state.Offsets.HasPending(key))
                records.Add(key.Tombstone());
            return ErrorCode.None;
        }
    }

    /// <summary>DeleteGroups: the group with everything it has, if nobody is in it.</summary>
    public static Decision<ErrorCode, GroupEvent> DeleteGroup(GroupsState state, string groupId)
    {
        if (state.Find(groupId) is not { } group)
            return new(ErrorCode.GroupIdNotFound);
        if (group is ClassicGroup { State: not ClassicGroupState.Empty } or ConsumerGroup { IsEmpty: false })
            return new(ErrorCode.NonEmptyGroup);
        return new(ErrorCode.None, [.. AllKeys(state, groupId).Select(key => key.Tombstone()), .. TombstonesOf(group)]);
    }

    /// <summary>Topics are gone: so are their offsets, but not those of a new topic that has the name already.</summary>
    public static Decision<int, GroupEvent> DeleteTopics(GroupsState state, IReadOnlyCollection<(string Name, Uuid Id)> deleted)
    {
        var records = new List<GroupEvent>();
        foreach (var groupId in state.Offsets.Groups)
        {
            var topics = state.Offsets.Of(groupId);
            foreach (var (name, id) in deleted)
            {
                if (!topics.TryGetValue(name, out var partitions))
                    continue;
                foreach (var (partition, offset) in partitions)
                {
                    if (!offset.IsOfOtherTopic(id))
                        records.Add(new OffsetKey(groupId, name, partition).Tombstone());
                }
            }
        }
        return new(records.Count, [.. records]);
    }

    /// <summary>What of a group is too old goes, and the group with it if nothing else is left of it.</summary>
    public static Decision<int, GroupEvent> Expire(GroupsState state, string groupId, GroupConfig config, long nowUnixMs)
    {
        if (state.Find(groupId) is not { } group)
            return new(0);
        var records = new List<GroupEvent>();
        var isAllGone = !state.Offsets.PendingOf(groupId).Any();
        var subscribed = SubscribedTopics(group);
        foreach (var (topic, partitions) in state.Offsets.Of(groupId))
        {
            foreach (var (partition, offset) in partitions)
            {
                var key = new OffsetKey(groupId, topic, partition);
                if (!state.Offsets.HasPending(key) && IsExpired(group, subscribed, topic, offset, config, nowUnixMs))
                    records.Add(key.Tombstone());
                else
                    isAllGone = false;
            }
        }
        if (isAllGone && group.IsEmpty)
            records.AddRange(TombstonesOf(group));
        return new(records.Count, [.. records]);
    }

    private static bool IsExpired(
        Group group, IReadOnlySet<string>? subscribed, string topic, CommittedOffset offset, GroupConfig config, long nowUnixMs)
    {
        if (group is ClassicGroup { ProtocolType: not null, State: ClassicGroupState.Empty } empty)
        {
            // Nobody uses them since the group became empty.
            var since = empty.StateTimestampMs >= 0 ? empty.StateTimestampMs : offset.CommitTimestampMs;
            return IsOver(since);
        }
        if (group is ClassicGroup { ProtocolType: null })
            return IsOver(offset.CommitTimestampMs);
        // A consumer group at work needs the offsets of what it subscribes to, however long nothing has been committed.
        return group is ConsumerGroup or ClassicGroup { State: ClassicGroupState.Stable }
            && subscribed is not null
            && !subscribed.Contains(topic)
            && IsOver(offset.CommitTimestampMs);

        bool IsOver(long sinceMs) => offset.ExpireTimestampMs >= 0
            ? nowUnixMs >= offset.ExpireTimestampMs
            : nowUnixMs - sinceMs >= config.OffsetsRetentionMs;
    }

    private static IReadOnlySet<string>? SubscribedTopics(Group group) => group switch
    {
        ClassicGroup classic => classic.SubscribedTopics(),
        ConsumerGroup consumer => consumer.SubscribedTopics(),
        _ => null,
    };

    private static IEnumerable<GroupRecord> TombstonesOf(Group group) =>
        group is ConsumerGroup consumer ? consumer.ToTombstones() : [GroupRecord.GroupTombstone(group.Id)];

    private static IEnumerable<OffsetKey> AllKeys(GroupsState state, string groupId)
    {
        var valid = state.Offsets.Of(groupId)
            .SelectMany(topic => topic.Value.Keys.Select(partition => new OffsetKey(groupId, topic.Key, partition)));
        return valid.Union(state.Offsets.PendingOf(groupId)).ToArray();
    }
}
