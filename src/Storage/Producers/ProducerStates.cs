using System.Diagnostics.CodeAnalysis;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// The producers of one log: what makes an append idempotent, and which transactions are open. It has one writer, the log's; only
/// <see cref="FirstUnstableOffset"/> may be read by others. Idle logs have none of it but this object.
/// </summary>
internal sealed class ProducerStates
{
    /// <summary>"No transaction is in the way."</summary>
    public const long NoneUnstable = long.MaxValue;

    private Dictionary<long, ProducerEntry>? entries;
    private SortedDictionary<long, long>? open; // first offset -> producer id
    private List<CompletedTransaction>? unreplicated;
    private Dictionary<long, VerificationGuard>? verifying;
    private long firstUnstableOffset = NoneUnstable;

    /// <summary>
    /// The first offset of any transaction that is open, or whose marker is not replicated yet; <see cref="NoneUnstable"/> if there
    /// is none.
    /// </summary>
    public long FirstUnstableOffset => Volatile.Read(ref firstUnstableOffset);

    public int Count => entries?.Count ?? 0;

    public IEnumerable<ProducerEntry> Entries => entries?.Values ?? Enumerable.Empty<ProducerEntry>();

    /// <summary>Whether markers wait for the high watermark.</summary>
    public bool AwaitsHighWatermark => Volatile.Read(ref unreplicated) is { Count: > 0 };

    public bool TryGet(long producerId, [NotNullWhen(true)] out ProducerEntry? entry)
    {
        entry = null;
        return entries is not null && entries.TryGetValue(producerId, out entry);
    }

    /// <summary>
    /// Whether a batch may be appended. Believes what a leader or the disk says; <paramref name="duplicate"/> is set if a client's
    /// batch is in the log already.
    /// </summary>
    public ErrorCode Check(in RecordBatchView batch, AppendOrigin origin, TransactionTerms terms, out ProducerBatch? duplicate)
    {
        duplicate = null;
        if (!batch.HasProducerId || origin is AppendOrigin.Replication or AppendOrigin.Raft)
            return ErrorCode.None;
        TryGet(batch.ProducerId, out var entry);
        if (origin == AppendOrigin.Client && entry?.TryFind(batch, out var found) == true)
        {
            duplicate = found;
            return ErrorCode.None;
        }

        if (terms.MustBeKnown && batch.IsTransactional && !IsKnown(batch, entry, terms.Guard))
            return ErrorCode.InvalidTxnState;
        if (entry is null)
            return origin == AppendOrigin.Client && !MayBegin(batch, terms) ? ErrorCode.OutOfOrderSequenceNumber : ErrorCode.None;
        if (batch.ProducerEpoch < entry.Epoch)
            return ErrorCode.InvalidProducerEpoch;
        if (batch.IsControl)
            return CheckMarker(batch, entry, terms);
        if (origin == AppendOrigin.Client && !IsInSequence(batch, entry))
            return ErrorCode.OutOfOrderSequenceNumber;
        return entry.HasTransaction && !batch.IsTransactional ? ErrorCode.InvalidTxnState : ErrorCode.None;
    }

    /// <summary>
    /// A producer is about to write in a transaction: null if that is open here in its epoch, so that nobody need be asked, or what its
    /// append must bring once its coordinator has said that the transaction is under way. Requests that ask at the same time share it.
    /// </summary>
    public VerificationGuard? BeginVerification(long producerId, short epoch, int sequence, long nowMs)
    {
        if (TryGet(producerId, out var entry) && entry.HasTransaction && entry.Epoch == epoch)
            return null;
        verifying ??= [];
        if (!verifying.TryGetValue(producerId, out var guard))
            verifying.Add(producerId, guard = new());
        guard.Ask(epoch, sequence, nowMs);
        return guard;
    }

    /// <summary>
    /// Takes note of a batch that is in the log, with the offsets it has there; a control batch must be whole. Returns the
    /// transaction that it ends, if it ends one that has records.
    /// </summary>
    public CompletedTransaction? Apply(in RecordBatchView batch)
    {
        if (!batch.HasProducerId)
            return null;
        if (batch.IsControl)
            return ApplyMarker(batch);

        var entry = GetOrAdd(batch.ProducerId);
        entry.Add(batch.ProducerEpoch, new(batch.LastSequence, batch.LastOffset, batch.LastOffsetDelta, batch.MaxTimestamp));
        if (batch.IsTransactional && !entry.HasTransaction)
            Open(entry, batch.BaseOffset);
        return null;
    }

    /// <summary>
    /// What the last stable offset will be when a transaction that has just ended is replicated: the first record of another that is
    /// open, or what follows the marker.
    /// </summary>
    public long LastStableOffsetAfter(in CompletedTransaction completed)
    {
        foreach (var (firstOffset, producerId) in open ?? [])
        {
            if (producerId != completed.ProducerId)
                return firstOffset;
        }

        return completed.LastOffset + 1;
    }

    /// <summary>Everything below an offset is replicated.</summary>
    public void OnHighWatermark(long highWatermark)
    {
        if (unreplicated?.RemoveAll(transaction => transaction.LastOffset < highWatermark) > 0)
            UpdateFirstUnstable();
    }

    /// <summary>Nothing below an offset can be read any more, so nothing there is unstable.</summary>
    public void OnLogStart(long logStartOffset)
    {
        if (unreplicated?.RemoveAll(transaction => transaction.LastOffset < logStartOffset) > 0)
            UpdateFirstUnstable();
    }

    /// <summary>Forgets producers that have written nothing for a while and have no transaction open.</summary>
    public void RemoveExpired(long nowMs, long expirationMs)
    {
        foreach (var (producerId, entry) in entries ?? [])
        {
            if (IsExpired(entry, nowMs, expirationMs))
                entries!.Remove(producerId); // a dictionary allows that while it is walked through
        }

        foreach (var (producerId, guard) in verifying ?? [])
        {
            if (nowMs - guard.LastAskedMs >= expirationMs)
                verifying!.Remove(producerId);
        }
    }

    public static bool IsExpired(ProducerEntry entry, long nowMs, long expirationMs) =>
        !entry.HasTransaction && nowMs - entry.LastTimestamp >= expirationMs;

    /// <summary>Adds a producer from a snapshot.</summary>
    public void Load(ProducerEntry entry)
    {
        (entries ??= [])[entry.ProducerId] = entry;
        if (entry.HasTransaction)
            Open(entry, entry.TransactionFirstOffset);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        entries = null;
        open = null;
        unreplicated = null;
        verifying = null;
        UpdateFirstUnstable();
    }

    private static bool IsInSequence(in RecordBatchView batch, ProducerEntry entry)
    {
        // A new epoch begins at 0. Without any epoch the producer is new here: its records may have been removed, so any number goes.
        if (batch.ProducerEpoch != entry.Epoch)
            return batch.BaseSequence == 0 || entry.Epoch < 0;
        return ProducerSequence.Follows(entry.LastSequence, batch.BaseSequence);
    }

    // The first records that a log has of a producer, as far as it knows. Clients of transaction version 2 count from 0 in each epoch.
    // Others may go on from records that were removed; but not ahead of those that were here before them and are still being verified.
    private bool MayBegin(in RecordBatchView batch, in TransactionTerms terms)
    {
        if (!batch.IsTransactional)
            return true;
        if (terms.BumpsEpochs)
            return batch.BaseSequence == 0;
        return verifying is null || !verifying.TryGetValue(batch.ProducerId, out var guard) || !guard.IsAhead(batch.ProducerEpoch, batch.BaseSequence);
    }

    private bool IsKnown(in RecordBatchView batch, ProducerEntry? entry, VerificationGuard? guard)
    {
        if (entry is { HasTransaction: true } && entry.Epoch == batch.ProducerEpoch)
            return true;
        return guard is not null && verifying is not null && verifying.TryGetValue(batch.ProducerId, out var valid) && valid == guard;
    }

    private static ErrorCode CheckMarker(in RecordBatchView batch, ProducerEntry entry, in TransactionTerms terms)
    {
        // A marker that raises the epoch and does not is a late one, meant for an earlier transaction. Without a transaction it is the
        // same one once more, and does no harm.
        if (terms.BumpsEpochs && entry.HasTransaction && batch.ProducerEpoch == entry.Epoch)
            return ErrorCode.InvalidProducerEpoch;
        return ControlRecordBatch.TryReadMarker(batch, out _, out var coordinatorEpoch) && coordinatorEpoch < entry.CoordinatorEpoch
            ? ErrorCode.TransactionCoordinatorFenced
            : ErrorCode.None;
    }

    private CompletedTransaction? ApplyMarker(in RecordBatchView batch)
    {
        if (!ControlRecordBatch.TryReadMarker(batch, out var commit, out var coordinatorEpoch))
            return null;
        var entry = GetOrAdd(batch.ProducerId);
        var firstOffset = entry.TransactionFirstOffset;
        entry.SetEpoch(batch.ProducerEpoch);
        entry.CoordinatorEpoch = coordinatorEpoch;
        entry.LastTimestamp = batch.MaxTimestamp;
        entry.TransactionFirstOffset = -1;
        verifying?.Remove(batch.ProducerId); // what the coordinator said before was of this transaction
        if (firstOffset < 0)
            return null;

        open!.Remove(firstOffset);
        var completed = new CompletedTransaction(batch.ProducerId, firstOffset, batch.LastOffset, IsAborted: !commit);
        if (unreplicated is null)
            Volatile.Write(ref unreplicated, []);
        unreplicated.Add(completed);
        UpdateFirstUnstable();
        return completed;
    }

    private ProducerEntry GetOrAdd(long producerId)
    {
        entries ??= [];
        if (!entries.TryGetValue(producerId, out var entry))
            entries.Add(producerId, entry = new(producerId));
        return entry;
    }

    private void Open(ProducerEntry entry, long firstOffset)
    {
        entry.TransactionFirstOffset = firstOffset;
        verifying?.Remove(entry.ProducerId);
        (open ??= [])[firstOffset] = entry.ProducerId;
        UpdateFirstUnstable();
    }

    private void UpdateFirstUnstable()
    {
        var first = NoneUnstable;
        foreach (var (firstOffset, _) in open ?? [])
        {
            first = firstOffset;
            break;
        }

        foreach (var transaction in unreplicated ?? [])
            first = Math.Min(first, transaction.FirstOffset);
        Volatile.Write(ref firstUnstableOffset, first);
    }
}

/// <summary>A transaction that a marker has ended.</summary>
/// <param name="ProducerId">Whose it was.</param>
/// <param name="FirstOffset">Where it began.</param>
/// <param name="LastOffset">Where its marker is.</param>
/// <param name="IsAborted">How it ended.</param>
internal readonly record struct CompletedTransaction(long ProducerId, long FirstOffset, long LastOffset, bool IsAborted);
