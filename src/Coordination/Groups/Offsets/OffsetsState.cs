global using GroupOffsets = System.Collections.Immutable.ImmutableSortedDictionary<
    string, System.Collections.Immutable.ImmutableSortedDictionary<int, Milena.Coordination.Groups.CommittedOffset>>;
global using PendingOffsets = System.Collections.Immutable.ImmutableSortedDictionary<
    Milena.Coordination.Groups.OffsetKey, Milena.Coordination.Groups.CommittedOffset>;
using System.Collections.Immutable;

namespace Milena.Coordination.Groups;

/// <summary>
/// The offsets of all groups of a partition: those that are valid, by group, topic and partition, and those of transactions that
/// are still open, which become valid when the marker of their producer says so.
/// </summary>
internal sealed record OffsetsState
{
    private static readonly GroupOffsets NoOffsets =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<int, CommittedOffset>>(StringComparer.Ordinal);

    private ImmutableSortedDictionary<string, GroupOffsets> byGroup =
        ImmutableSortedDictionary.Create<string, GroupOffsets>(StringComparer.Ordinal);

    private ImmutableSortedDictionary<long, PendingOffsets> openTransactions = ImmutableSortedDictionary<long, PendingOffsets>.Empty;

    // How many open transactions have an offset here.
    private ImmutableSortedDictionary<OffsetKey, int> pendingCounts = ImmutableSortedDictionary<OffsetKey, int>.Empty;

    private long sequence;

    public static OffsetsState Empty { get; } = new();

    /// <summary>The valid offsets of a group by topic and partition, both in order.</summary>
    public GroupOffsets Of(string groupId) => byGroup.GetValueOrDefault(groupId, NoOffsets);

    public CommittedOffset? Find(OffsetKey key) => Of(key.Group).GetValueOrDefault(key.Topic)?.GetValueOrDefault(key.Partition);

    /// <summary>True if an open transaction may yet change this offset.</summary>
    public bool HasPending(OffsetKey key) => pendingCounts.ContainsKey(key);

    /// <summary>The offsets of a group that open transactions may yet change.</summary>
    public IEnumerable<OffsetKey> PendingOf(string groupId) => pendingCounts.Keys.Where(key => key.Group == groupId);

    /// <summary>The groups that have offsets, in order.</summary>
    public IEnumerable<string> Groups => byGroup.Keys;

    public OffsetsState Set(OffsetKey key, CommittedOffset offset) =>
        WithValid(key, offset with { Sequence = sequence }) with { sequence = sequence + 1 };

    public OffsetsState SetPending(long producerId, OffsetKey key, CommittedOffset offset)
    {
        var pending = openTransactions.GetValueOrDefault(producerId, PendingOffsets.Empty);
        return this with
        {
            openTransactions = openTransactions.SetItem(producerId, pending.SetItem(key, offset with { Sequence = sequence })),
            pendingCounts = pending.ContainsKey(key)
                ? pendingCounts
                : pendingCounts.SetItem(key, pendingCounts.GetValueOrDefault(key) + 1),
            sequence = sequence + 1,
        };
    }

    /// <summary>A tombstone: what is valid goes, and what open transactions have written up to here.</summary>
    public OffsetsState Remove(OffsetKey key)
    {
        var state = WithoutValid(key);
        if (!state.HasPending(key))
            return state;
        foreach (var (producerId, pending) in openTransactions)
        {
            if (pending.ContainsKey(key))
                state = state.WithPending(producerId, pending.Remove(key));
        }
        return state with { pendingCounts = state.pendingCounts.Remove(key) };
    }

    /// <summary>A marker: the pending offsets of the producer become valid, or void.</summary>
    /// <param name="groups">The groups that have new offsets.</param>
    public OffsetsState EndTransaction(long producerId, bool isCommit, out IReadOnlyCollection<string> groups)
    {
        groups = [];
        if (!openTransactions.TryGetValue(producerId, out var pending))
            return this;

        var state = this with { openTransactions = openTransactions.Remove(producerId) };
        foreach (var (key, offset) in pending)
        {
            state = state.WithoutPendingCount(key);
            // An offset committed outside of the transaction after this one was written stays.
            if (isCommit && (state.Find(key) is not { } valid || valid.Sequence < offset.Sequence))
                state = state.WithValid(key, offset);
        }
        if (isCommit)
            groups = pending.Keys.Select(key => key.Group).Distinct().ToArray();
        return state;
    }

    private OffsetsState WithValid(OffsetKey key, CommittedOffset offset)
    {
        var topics = Of(key.Group);
        var partitions = topics.GetValueOrDefault(key.Topic, ImmutableSortedDictionary<int, CommittedOffset>.Empty);
        return this with
        {
            byGroup = byGroup.SetItem(key.Group, topics.SetItem(key.Topic, partitions.SetItem(key.Partition, offset))),
        };
    }

    private OffsetsState WithoutValid(OffsetKey key)
    {
        var topics = Of(key.Group);
        if (!topics.TryGetValue(key.Topic, out var partitions) || !partitions.ContainsKey(key.Partition))
            return this;
        partitions = partitions.Remove(key.Partition);
        topics = partitions.IsEmpty ? topics.Remove(key.Topic) : topics.SetItem(key.Topic, partitions);
        return this with { byGroup = topics.IsEmpty ? byGroup.Remove(key.Group) : byGroup.SetItem(key.Group, topics) };
    }

    private OffsetsState WithPending(long producerId, PendingOffsets pending) => this with
    {
        openTransactions = pending.IsEmpty ? openTransactions.Remove(producerId) : openTransactions.SetItem(producerId, pending),
    };

    private OffsetsState WithoutPendingCount(OffsetKey key)
    {
        var left = pendingCounts[key] - 1;
        return this with { pendingCounts = left == 0 ? pendingCounts.Remove(key) : pendingCounts.SetItem(key, left) };
    }
}
