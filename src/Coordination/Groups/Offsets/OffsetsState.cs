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

    private ImmutableSortedDictionary<long, OpenTransaction> openTransactions = ImmutableSortedDictionary<long, OpenTransaction>.Empty;

    // By producer: which answer of its transaction's coordinator would count.
    private ImmutableSortedDictionary<long, TransactionInquiry> inquiries = ImmutableSortedDictionary<long, TransactionInquiry>.Empty;

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

    /// <summary>The epoch of a producer whose transaction has offsets here; null if it has none.</summary>
    public short? EpochOf(long producerId) => openTransactions.TryGetValue(producerId, out var open) ? open.ProducerEpoch : null;

    /// <summary>Which answer about a producer's transaction would count; null for none.</summary>
    public TransactionInquiry? InquiryOf(long producerId) => inquiries.GetValueOrDefault(producerId);

    public OffsetsState WithInquiry(long producerId, TransactionInquiry? inquiry) =>
        this with { inquiries = inquiry is null ? inquiries.Remove(producerId) : inquiries.SetItem(producerId, inquiry) };

    public OffsetsState SetPending(long producerId, short producerEpoch, OffsetKey key, CommittedOffset offset)
    {
        var pending = PendingOf(producerId);
        return this with
        {
            openTransactions = openTransactions.SetItem(
                producerId, new(producerEpoch, pending.SetItem(key, offset with { Sequence = sequence }))),
            inquiries = inquiries.Remove(producerId),
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
        foreach (var (producerId, open) in openTransactions)
        {
            if (open.Offsets.ContainsKey(key))
                state = state.WithPending(producerId, open with { Offsets = open.Offsets.Remove(key) });
        }
        return state with { pendingCounts = state.pendingCounts.Remove(key) };
    }

    /// <summary>A marker: the pending offsets of the producer become valid, or void.</summary>
    public OffsetsState EndTransaction(long producerId, bool isCommit)
    {
        var pending = PendingOf(producerId);
        var state = this with { openTransactions = openTransactions.Remove(producerId), inquiries = inquiries.Remove(producerId) };
        foreach (var (key, offset) in pending)
        {
            state = state.WithoutPendingCount(key);
            // An offset committed outside of the transaction after this one was written stays.
            if (isCommit && (state.Find(key) is not { } valid || valid.Sequence < offset.Sequence))
                state = state.WithValid(key, offset);
        }
        return state;
    }

    private PendingOffsets PendingOf(long producerId) =>
        openTransactions.TryGetValue(producerId, out var open) ? open.Offsets : PendingOffsets.Empty;

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

    private OffsetsState WithPending(long producerId, OpenTransaction open) => this with
    {
        openTransactions = open.Offsets.IsEmpty ? openTransactions.Remove(producerId) : openTransactions.SetItem(producerId, open),
    };

    private OffsetsState WithoutPendingCount(OffsetKey key)
    {
        var left = pendingCounts[key] - 1;
        return this with { pendingCounts = left == 0 ? pendingCounts.Remove(key) : pendingCounts.SetItem(key, left) };
    }

    /// <summary>A transaction that has offsets here and has not ended.</summary>
    private sealed record OpenTransaction(short ProducerEpoch, PendingOffsets Offsets);
}
