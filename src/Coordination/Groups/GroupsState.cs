using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// All groups of one partition of <c>__consumer_offsets</c>, and their offsets: the fold over its records, and over the volatile
/// changes since this node leads it. An immutable value. Keys are in ordinal order, so that every run goes through them alike.
/// </summary>
internal sealed record GroupsState(ImmutableSortedDictionary<string, Group> Groups, OffsetsState Offsets)
{
    public static GroupsState Empty { get; } =
        new(ImmutableSortedDictionary.Create<string, Group>(StringComparer.Ordinal), OffsetsState.Empty);

    public Group? Find(string groupId) => Groups.GetValueOrDefault(groupId);

    /// <summary>The state after these events, in order.</summary>
    public static GroupsState Apply(GroupsState state, IReadOnlyList<GroupEvent> events)
    {
        foreach (var step in events)
            state = state.Apply(step);
        return state;
    }

    public GroupsState Apply(GroupEvent step) => step switch
    {
        GroupRecord record => Apply(record),
        TransactionEnded end => this with { Offsets = Offsets.EndTransaction(end.ProducerId, end.IsCommit) },
        TransactionInquired inquired => this with { Offsets = Offsets.WithInquiry(inquired.ProducerId, inquired.Inquiry) },
        GroupChanged change => this with { Groups = Groups.SetItem(change.Group.Id, change.Group) },
        _ => throw new InvariantViolation($"unknown event {step}"),
    };

    private GroupsState Apply(GroupRecord record) => (record.Key, record.Value) switch
    {
        (GroupMetadataKey key, GroupMetadataValue value) => With(ClassicGroupOf(key.Group).Apply(value)),
        (GroupMetadataKey key, null) => Find(key.Group) is ClassicGroup ? this with { Groups = Groups.Remove(key.Group) } : this,
        (OffsetCommitKey key, null) => this with { Offsets = Offsets.Remove(OffsetKey.Of(key)) },
        (OffsetCommitKey key, OffsetCommitValue value) => Commit(OffsetKey.Of(key), CommittedOffset.Of(value), record),
        (LegacyOffsetCommitKey key, null) => this with { Offsets = Offsets.Remove(OffsetKey.Of(key)) },
        (LegacyOffsetCommitKey key, LegacyOffsetCommitValue value) =>
            Commit(OffsetKey.Of(key), CommittedOffset.Of(value), record),
        _ when ConsumerGroup.IdOf(record.Key) is { } groupId => Apply(groupId, record),
        _ => this, // records of the other kinds of groups, which are not served yet
    };

    // What is left of a consumer group that has become a classic one are tombstones, and they do not concern the other.
    private GroupsState Apply(string groupId, GroupRecord record) => (Find(groupId), record) switch
    {
        (ConsumerGroup, { Key: ConsumerGroupMetadataKey, Value: null }) => this with { Groups = Groups.Remove(groupId) },
        (ConsumerGroup group, _) => With(group.Apply(record)),
        (_, { Value: null }) => this,
        _ => With(new ConsumerGroup(groupId).Apply(record)),
    };

    private GroupsState Commit(OffsetKey key, CommittedOffset offset, GroupRecord record) => (this with
    {
        Offsets = record.ProducerId >= 0
            ? Offsets.SetPending(record.ProducerId, record.ProducerEpoch, key, offset)
            : Offsets.Set(key, offset),
    }).WithSimpleGroup(key.Group);

    // Offsets make a group: one that nobody has joined, and that nobody who only assigns partitions to itself will ever join.
    private GroupsState WithSimpleGroup(string groupId) => Groups.ContainsKey(groupId) ? this : With(new ClassicGroup(groupId));

    private ClassicGroup ClassicGroupOf(string groupId) => Find(groupId) as ClassicGroup ?? new ClassicGroup(groupId);

    private GroupsState With(Group group) => this with { Groups = Groups.SetItem(group.Id, group) };
}
