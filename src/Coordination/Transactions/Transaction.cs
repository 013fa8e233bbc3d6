using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Transactions;

/// <summary>
/// What the coordinator knows of one transactional id: who its producer is, and the transaction that it has now. An immutable
/// value; each method gives the next one, as it stands in the record that makes it so.
/// </summary>
/// <param name="Id">The transactional id.</param>
/// <param name="ProducerId">The id of its producer.</param>
internal sealed partial record Transaction(string Id, long ProducerId)
{
    /// <summary>No producer id.</summary>
    public const long NoProducerId = -1;

    /// <summary>No epoch.</summary>
    public const short NoEpoch = -1;

    /// <summary>No time.</summary>
    public const long NoTime = -1;

    /// <summary>
    /// From this generation of the protocol on (KIP-890) each end of a transaction bumps the epoch, so that nothing sent before
    /// it can become part of the next.
    /// </summary>
    public const short EpochBumpVersion = 2;

    public static readonly ImmutableSortedSet<TopicPartition> NoPartitions = ImmutableSortedSet.Create<TopicPartition>(
        Comparer<TopicPartition>.Create(static (a, b) =>
            string.CompareOrdinal(a.Topic, b.Topic) is var order and not 0 ? order : a.Partition.CompareTo(b.Partition)));

    /// <summary>The id that the producer had until it got this one with the last change; -1 if the last change was another.</summary>
    public long PreviousProducerId { get; init; } = NoProducerId;

    /// <summary>The id that the producer has when the transaction that ends is complete; -1 if it keeps this one.</summary>
    public long NextProducerId { get; init; } = NoProducerId;

    /// <summary>The producer's epoch.</summary>
    public short Epoch { get; init; } = NoEpoch;

    /// <summary>
    /// The epoch from which the producer came to this one by itself, so that it may ask again if the answer was lost; -1 if
    /// somebody else has taken over. It is in no record: after a change of the coordinator such a retry is fenced, as in Kafka.
    /// </summary>
    public short LastEpoch { get; init; } = NoEpoch;

    /// <summary>How long a transaction may take.</summary>
    public int TimeoutMs { get; init; }

    public TransactionStatus Status { get; init; }

    /// <summary>The partitions of the transaction, while there is one.</summary>
    public ImmutableSortedSet<TopicPartition> Partitions { get; init; } = NoPartitions;

    /// <summary>When the transaction began, by the calendar.</summary>
    public long StartMs { get; init; } = NoTime;

    /// <summary>When this was written.</summary>
    public long LastUpdateMs { get; init; } = NoTime;

    /// <summary>The generation of the protocol that the client spoke last: 0 or 2.</summary>
    public short ClientVersion { get; init; }

    /// <summary>The outcome is written, and not every partition has its marker.</summary>
    public bool IsEnding => Status is TransactionStatus.PrepareCommit or TransactionStatus.PrepareAbort;

    /// <summary>The outcome is written, and every partition has its marker.</summary>
    public bool IsComplete => Status is TransactionStatus.CompleteCommit or TransactionStatus.CompleteAbort;

    /// <summary>Whether the transaction commits or has committed.</summary>
    public bool IsCommit => Status is TransactionStatus.PrepareCommit or TransactionStatus.CompleteCommit;

    /// <summary>The producer and its epoch for the transaction after the one that ends.</summary>
    public (long ProducerId, short Epoch) Next => NextProducerId >= 0 ? (NextProducerId, (short)0) : (ProducerId, Epoch);

    /// <summary>
    /// Whether a producer with this epoch needs another id before it can have another epoch. The last of the numbers is kept
    /// for fencing it.
    /// </summary>
    public static bool IsExhausted(short epoch) => epoch >= short.MaxValue - 1;

    /// <summary>Whether the state of one may follow that of the other.</summary>
    public static bool MayFollow(TransactionStatus next, TransactionStatus present, bool bumpsEpoch) => next switch
    {
        TransactionStatus.Empty => present is TransactionStatus.Empty or TransactionStatus.CompleteCommit or TransactionStatus.CompleteAbort,
        TransactionStatus.Ongoing => present is TransactionStatus.Ongoing or TransactionStatus.Empty
            or TransactionStatus.CompleteCommit or TransactionStatus.CompleteAbort,
        TransactionStatus.PrepareCommit => present is TransactionStatus.Ongoing,
        // With the epoch bump a producer may abort what it has not begun, to be sure that nothing of it can appear later.
        TransactionStatus.PrepareAbort => present is TransactionStatus.Ongoing or TransactionStatus.PrepareEpochFence
            || (bumpsEpoch && present is TransactionStatus.Empty or TransactionStatus.CompleteCommit or TransactionStatus.CompleteAbort),
        TransactionStatus.CompleteCommit => present is TransactionStatus.PrepareCommit,
        TransactionStatus.CompleteAbort => present is TransactionStatus.PrepareAbort,
        TransactionStatus.Dead => present is TransactionStatus.Empty or TransactionStatus.CompleteCommit or TransactionStatus.CompleteAbort,
        TransactionStatus.PrepareEpochFence => present is TransactionStatus.Ongoing,
        _ => false,
    };

    /// <summary>A producer begins anew in the next epoch.</summary>
    /// <param name="lastEpoch">The epoch that it named itself; -1 if it named none.</param>
    public Transaction WithNextEpoch(int timeoutMs, short lastEpoch, long nowMs)
    {
        Invariant.Holds(!IsExhausted(Epoch));
        return Begin(timeoutMs, nowMs) with { Epoch = (short)(Epoch + 1), LastEpoch = lastEpoch };
    }

    /// <summary>A producer begins anew with another id, as the epochs of this one are used up.</summary>
    public Transaction WithProducerId(long producerId, int timeoutMs, short lastEpoch, long nowMs)
    {
        Invariant.Holds(producerId >= 0);
        return Begin(timeoutMs, nowMs) with
        {
            ProducerId = producerId, PreviousProducerId = ProducerId, Epoch = 0, LastEpoch = lastEpoch,
        };
    }

    /// <summary>The partitions become part of the transaction, which begins with the first of them.</summary>
    public Transaction With(IEnumerable<TopicPartition> added, short clientVersion, long nowMs) =>
        To(TransactionStatus.Ongoing, nowMs, clientVersion) with
        {
            Partitions = Partitions.Union(added),
            StartMs = Status == TransactionStatus.Ongoing ? StartMs : nowMs,
        };

    /// <summary>The outcome is decided by the producer.</summary>
    /// <param name="nextProducerId">The id to go on with, for a producer whose epochs are used up.</param>
    public Transaction End(bool commit, short clientVersion, long nextProducerId, long nowMs)
    {
        var bumps = clientVersion >= EpochBumpVersion;
        Invariant.Holds(!bumps || !IsExhausted(Epoch) || nextProducerId >= 0);
        var ended = To(commit ? TransactionStatus.PrepareCommit : TransactionStatus.PrepareAbort, nowMs, clientVersion) with
        {
            NextProducerId = nextProducerId,
            StartMs = Status == TransactionStatus.Ongoing ? StartMs : nowMs,
        };
        return bumps ? ended with { Epoch = Bumped(Epoch), LastEpoch = Epoch } : ended;
    }

    /// <summary>
    /// The coordinator ends the transaction: the producer is fenced, and it aborts. With the epoch bump there are two steps: if
    /// there were one, its producer's own end of the transaction, lost and sent again, would look as if it had led here.
    /// </summary>
    public Transaction Fence(short transactionVersion, long nowMs)
    {
        Invariant.Holds(Status is TransactionStatus.Ongoing or TransactionStatus.PrepareEpochFence);
        var fenced = this with { Epoch = Bumped(Epoch), LastEpoch = NoEpoch };
        var bumps = transactionVersion >= EpochBumpVersion;
        return fenced.To(TransactionStatus.PrepareAbort, nowMs, bumps ? EpochBumpVersion : (short)0) with
        {
            Epoch = bumps ? Bumped(fenced.Epoch) : fenced.Epoch,
        };
    }

    /// <summary>Every partition has its marker.</summary>
    public Transaction Complete(long nowMs)
    {
        var (producerId, epoch) = Next;
        return To(IsCommit ? TransactionStatus.CompleteCommit : TransactionStatus.CompleteAbort, nowMs, ClientVersion) with
        {
            ProducerId = producerId,
            PreviousProducerId = producerId == ProducerId ? NoProducerId : ProducerId,
            NextProducerId = NoProducerId,
            Epoch = epoch,
            Partitions = NoPartitions,
        };
    }

    /// <summary>
    /// Whether a producer says again how its transaction is to end, and the first time it has led here: told by the epoch, which
    /// each end bumps. The last epoch without another id behind it is where only fencing leads.
    /// </summary>
    public bool IsEndedBy(long producerId, short epoch) =>
        ClientVersion >= EpochBumpVersion
        && ((producerId == ProducerId && epoch + 1 == Epoch && (Epoch != short.MaxValue || NextProducerId >= 0))
            || (producerId == PreviousProducerId && epoch == short.MaxValue - 1 && Epoch == 0));

    private static short Bumped(short epoch) => epoch == short.MaxValue ? epoch : (short)(epoch + 1);

    private Transaction Begin(int timeoutMs, long nowMs) => To(TransactionStatus.Empty, nowMs, ClientVersion) with
    {
        TimeoutMs = timeoutMs, Partitions = NoPartitions, StartMs = NoTime,
    };

    private Transaction To(TransactionStatus next, long nowMs, short clientVersion)
    {
        Invariant.Holds(MayFollow(next, Status, bumpsEpoch: clientVersion >= EpochBumpVersion));
        return this with
        {
            Status = next, PreviousProducerId = NoProducerId, LastUpdateMs = nowMs, ClientVersion = clientVersion,
        };
    }
}
