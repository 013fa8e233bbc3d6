using Milena.Common;
using Milena.Protocol;
using Milena.Storage;

namespace Milena.Replication;

/// <summary>
/// This node's replica of a partition: who leads it, and how far it is replicated. It owns the high watermark and the
/// fetches that wait for it; the records belong to its log.
/// <c>LogStartOffset &lt;= LastStableOffset &lt;= HighWatermark &lt;= LogEndOffset</c>.
/// </summary>
public sealed class Partition
{
    private readonly AckPolicy ackPolicy;
    private readonly Lock gate = new();
    private readonly Dictionary<FetchWaiter, long> parked = []; // and the high watermark that each has seen
    private volatile Leadership leadership = Leadership.None;
    private int parkedCount;
    private object? counts;

    /// <param name="topicId">Its topic's id.</param>
    /// <param name="log">Its records.</param>
    /// <param name="ackPolicy">Whether an acknowledgement waits for the disk.</param>
    public Partition(Uuid topicId, PartitionLog log, AckPolicy ackPolicy)
    {
        TopicId = topicId;
        Log = log;
        this.ackPolicy = ackPolicy;
    }

    /// <summary>Its topic and number.</summary>
    public TopicPartition Name => Log.Partition;

    /// <summary>Its topic's id.</summary>
    public Uuid TopicId { get; }

    /// <summary>Its records.</summary>
    public PartitionLog Log { get; }

    /// <summary>Who leads it, in this node's view.</summary>
    public Leadership Leadership => leadership;

    /// <summary>Below it every in-sync replica has the record. Exclusive; never goes back.</summary>
    public long HighWatermark => Log.HighWatermark;

    /// <summary>How many fetches wait here for more to read.</summary>
    public int WaitingCount => Volatile.Read(ref parkedCount);

    /// <summary>How many in-sync replicas acks=all asks for; the topic's <c>min.insync.replicas</c>.</summary>
    public int MinInSyncReplicas { get; set; } = 1;

    /// <summary>What whoever measures keeps for the partition, so that he need not look it up for each request.</summary>
    public object? Counts => Volatile.Read(ref counts);

    /// <summary>Sets <see cref="Counts"/> unless they are set; returns what it was before.</summary>
    public object? AttachCounts(object made) => Interlocked.CompareExchange(ref counts, made, null);

    /// <summary>Takes over what the cluster's metadata says. Fetches that wait are answered anew.</summary>
    public void SetLeadership(Leadership next)
    {
        Invariant.Holds(next.LeaderEpoch >= leadership.LeaderEpoch);
        if (next.IsLeader && next.LeaderEpoch > leadership.LeaderEpoch)
            Log.BeginEpoch(next.LeaderEpoch);
        leadership = next;
        if (next.IsLeader)
            AdvanceHighWatermark();
        WakeAll();
    }

    /// <summary>
    /// Appends a client's or a coordinator's batch; its bytes are patched in place. <paramref name="acks"/> as in Produce: -1
    /// asks for enough in-sync replicas. Before it is acknowledged, the caller waits for <see cref="WaitForAck"/>. With
    /// <paramref name="signals"/>, fetches that wait for a large batch are told when the caller says so.
    /// </summary>
    public AppendResult Append(
        Memory<byte> batch, AppendOrigin origin, short acks, TransactionTerms terms = default, SavedSignals? signals = null)
    {
        var view = leadership;
        if (!view.IsLeader)
            return new(ErrorCode.NotLeaderOrFollower);
        if (acks == -1 && view.Isr.Count < Math.Min(MinInSyncReplicas, view.Replicas.Count))
            return new(ErrorCode.NotEnoughReplicas);
        var stable = Log.LastStableOffset;
        var result = Log.AppendAsLeader(batch, view.LeaderEpoch, origin, terms);
        if (result.Error == ErrorCode.None && !result.IsDuplicate)
        {
            AdvanceHighWatermark();
            if (Volatile.Read(ref parkedCount) > 0)
                Tell(batch.Length, result, stable, signals);
        }

        return result;
    }

    /// <summary>
    /// Completes when an append may be acknowledged: <see cref="ErrorCode.None"/>, or the error that says that it may not.
    /// </summary>
    public ValueTask<ErrorCode> WaitForAck(in AppendResult append, short acks) => append.MustFlush
        ? Log.FlushAsync(append.LastOffset + 1)
        : WaitForAck(append.LastOffset + 1, acks);

    /// <summary>The same for everything below <paramref name="endOffset"/> (exclusive).</summary>
    public ValueTask<ErrorCode> WaitForAck(long endOffset, short acks)
    {
        Invariant.Holds(HighWatermark >= endOffset); // the only in-sync replica is this one
        var mustFlush = ackPolicy switch
        {
            AckPolicy.Always => true,
            AckPolicy.Auto => acks == -1 && leadership.Isr.Count <= 1,
            _ => false,
        };
        return mustFlush ? Log.FlushAsync(endOffset) : new(ErrorCode.None);
    }

    /// <summary>Whether a reader that believes in <paramref name="currentLeaderEpoch"/> may go on (KIP-320).</summary>
    public ErrorCode CheckLeader(int currentLeaderEpoch)
    {
        var view = leadership;
        if (currentLeaderEpoch >= 0 && currentLeaderEpoch < view.LeaderEpoch)
            return ErrorCode.FencedLeaderEpoch;
        if (currentLeaderEpoch > view.LeaderEpoch)
            return ErrorCode.UnknownLeaderEpoch;
        return view.IsLeader ? ErrorCode.None : ErrorCode.NotLeaderOrFollower;
    }

    /// <summary>Reads for a consumer: up to the high watermark, or the last stable offset.</summary>
    public PartitionRead Read(in PartitionReadRequest request)
    {
        var error = CheckLeader(request.CurrentLeaderEpoch);
        if (error != ErrorCode.None)
            return new(error);

        // In this order: each may move up meanwhile, and must not pass the one that was read before it.
        var start = Log.LogStartOffset;
        var stable = Log.LastStableOffset;
        var watermark = Log.HighWatermark;
        if (request.LastFetchedEpoch >= 0)
        {
            var agreed = Log.Epochs.EndOf(request.LastFetchedEpoch);
            if (agreed.Epoch < 0 || request.Offset < start)
                return new(ErrorCode.OffsetOutOfRange);
            if (agreed.Epoch < request.LastFetchedEpoch || agreed.EndOffset < request.Offset)
                return new(ErrorCode.None, default, watermark, stable, start, agreed.Epoch, agreed.EndOffset);
        }

        var read = Log.Read(request.Offset, request.MaxBytes, request.IsCommitted ? stable : watermark, request.MinOneBatch);
        if (read.Error != ErrorCode.None)
            return new(read.Error);
        var aborted = request.IsCommitted ? Log.AbortedTransactions(request.Offset, read) : null;
        return new(ErrorCode.None, read.Records, watermark, stable, start)
        {
            AbortedTransactions = aborted,
            IsOnOlderSegment = read.IsOnOlderSegment,
        };
    }

    /// <summary>
    /// Forgets what lies before <paramref name="offset"/>. Only what is replicated may go, and only where the cleanup policy
    /// deletes at all; an offset that is gone already is no error.
    /// </summary>
    public ErrorCode DeleteRecordsBefore(long offset)
    {
        if (!Log.Config.CleanupPolicy.HasFlag(CleanupPolicy.Delete))
            return ErrorCode.PolicyViolation;
        return offset < 0 ? ErrorCode.OffsetOutOfRange : Log.AdvanceLogStart(offset);
    }

    /// <summary>Answers the fetches that wait here, whatever they wait for: the partition is no longer what it was.</summary>
    public void WakeAll()
    {
        lock (gate)
        {
            foreach (var waiter in parked.Keys)
                waiter.Complete(FetchWake.Ready);
        }
    }

    internal void Park(FetchWaiter waiter, long seen)
    {
        lock (gate)
        {
            parked.Add(waiter, seen);
            Interlocked.Exchange(ref parkedCount, parked.Count); // a full fence: the caller looks at the high watermark next
        }
    }

    internal void Unpark(FetchWaiter waiter)
    {
        lock (gate)
        {
            parked.Remove(waiter);
            Volatile.Write(ref parkedCount, parked.Count);
        }
    }

    /// <summary>With one in-sync replica, what this log holds is what all of them hold.</summary>
    private void AdvanceHighWatermark()
    {
        if (leadership.Isr.Count == 1)
            Log.AdvanceHighWatermark(Log.LogEndOffset);
        Interlocked.MemoryBarrier(); // the watermark is visible before we look who waits for it
    }

    /// <summary>So much more can be read, up to an offset (exclusive), by those who read what is committed too.</summary>
    internal void Signal(int gainedBytes, long endOffset)
    {
        lock (gate)
        {
            foreach (var (waiter, seen) in parked)
            {
                // The stable offset is read before the high watermark, so who waits for it may have missed what it has seen of the other.
                if (seen < endOffset || waiter.IsCommitted)
                    waiter.Gained(gainedBytes);
            }
        }
    }

    // Records of an open transaction are no gain to those who read what is committed, and its marker is more than its own bytes.
    private void Tell(int gainedBytes, in AppendResult append, long stableBefore, SavedSignals? signals)
    {
        var stable = Log.LastStableOffset;
        if (stableBefore == append.BaseOffset && stable == append.LastOffset + 1)
        {
            if (signals?.TrySave(this, gainedBytes, append.LastOffset + 1) != true)
                Signal(gainedBytes, append.LastOffset + 1);
            return;
        }

        lock (gate)
        {
            foreach (var (waiter, seen) in parked)
            {
                if (waiter.IsCommitted && stable != stableBefore)
                    waiter.Complete(FetchWake.Ready);
                else if (!waiter.IsCommitted && seen <= append.LastOffset)
                    waiter.Gained(gainedBytes);
            }
        }
    }
}
