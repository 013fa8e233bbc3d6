using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>
/// Appending. What can be checked without the log is checked before its turn comes; in its turn, nothing is changed before everything
/// is known to fit, and the bytes go to the file in one write.
/// </content>
public sealed partial class PartitionLog
{
    /// <summary>
    /// Appends batches as the partition's leader: checks them as their origin asks, gives them offsets, the leader's epoch and, if the
    /// topic says so, the time, all in place, and writes the same bytes. A client's batch is written in the topic's codec if it has
    /// another. The memory may be used again afterwards. Returns the error of Produce if nothing was written.
    /// </summary>
    /// <param name="batches">Whole batches of magic 2; from a client, what one partition of a Produce request holds.</param>
    /// <param name="leaderEpoch">The epoch in which this node leads.</param>
    /// <param name="origin">Who made them.</param>
    /// <param name="terms">What is asked of those that belong to a transaction.</param>
    public AppendResult AppendAsLeader(Memory<byte> batches, int leaderEpoch, AppendOrigin origin, TransactionTerms terms = default)
    {
        if (IsOffline)
            return new(ErrorCode.KafkaStorageError);
        var nowMs = directory.NowMs;
        if (origin != AppendOrigin.Client)
            return AppendOwn(batches.Span, leaderEpoch, origin, nowMs, terms);

        using var validation = BatchValidator.Validate(batches, rules, nowMs);
        return validation.Error == ErrorCode.None
            ? Append(validation.Batch.Span, leaderEpoch, origin, nowMs, validation.LogAppendTimeMs, terms) with { IsConverted = validation.IsConverted }
            : new(validation.Error) { ErrorMessage = validation.Message, RecordFaults = validation.RecordFaults };
    }

    /// <summary>
    /// A producer is about to write in a transaction. Null if the log knows that to be under way; otherwise its coordinator is to be
    /// asked, and the append brings what this returns (<see cref="TransactionTerms"/>).
    /// </summary>
    public VerificationGuard? BeginVerification(long producerId, short producerEpoch, int baseSequence)
    {
        lock (writing)
            return producers.BeginVerification(producerId, producerEpoch, baseSequence, directory.NowMs);
    }

    /// <summary>
    /// This node leads in an epoch from now on. What was on its way in an earlier one comes too late, so that epochs never fall from
    /// batch to batch.
    /// </summary>
    public void BeginEpoch(int leaderEpoch)
    {
        lock (writing)
        {
            ledEpoch = Math.Max(ledEpoch, leaderEpoch);
            Epochs.Assign(leaderEpoch, logEndOffset);
        }
    }

    /// <summary>
    /// Appends batches as they came from the leader, with the offsets and epochs it gave them; a batch cut off at the end is left out.
    /// <see cref="ErrorCode.CorruptMessage"/> if they are not what their CRCs say, <see cref="ErrorCode.OffsetOutOfRange"/> if an offset
    /// lies below the log's end.
    /// </summary>
    public AppendResult AppendAsFollower(ReadOnlyMemory<byte> batches)
    {
        if (IsOffline)
            return new(ErrorCode.KafkaStorageError);
        var span = batches.Span;
        var run = RecordBatches.Enumerate(span);
        while (run.MoveNext())
        {
            if (!run.Current.IsValidCrc)
                return new(ErrorCode.CorruptMessage) { ErrorMessage = $"the batch at offset {run.Current.BaseOffset} does not match its CRC" };
        }

        if (run.End == BatchRunEnd.Corrupt)
            return new(ErrorCode.CorruptMessage) { ErrorMessage = "there are bytes that are no record batch" };
        span = span[..run.Consumed];
        lock (writing)
        {
            return span.IsEmpty
                ? new(ErrorCode.None, LogEndOffset, LogEndOffset - 1, LogStartOffset: LogStartOffset)
                : AppendInTurn(span, AppendOrigin.Replication, directory.NowMs, -1, default);
        }
    }

    // Coordinators and the metadata quorum write what they know to be right; only its size can be wrong.
    private AppendResult AppendOwn(Span<byte> batches, int leaderEpoch, AppendOrigin origin, long nowMs, in TransactionTerms terms)
    {
        var stamp = config.TimestampType == TimestampType.LogAppendTime;
        var run = RecordBatches.Enumerate(batches);
        while (run.MoveNext())
        {
            if (origin == AppendOrigin.Coordinator && run.Current.SizeInBytes > config.MaxMessageBytes)
                return new(ErrorCode.MessageTooLarge);
            if (stamp)
                RecordBatchHeader.SetMaxTimestamp(batches[run.Position..run.Consumed], TimestampType.LogAppendTime, nowMs);
        }

        Invariant.Holds(run.End == BatchRunEnd.Complete);
        Invariant.Holds(run.Consumed > 0);
        return Append(batches, leaderEpoch, origin, nowMs, stamp ? nowMs : -1, terms);
    }

    private AppendResult Append(
        Span<byte> batches, int leaderEpoch, AppendOrigin origin, long nowMs, long logAppendTimeMs, in TransactionTerms terms)
    {
        if (batches.Length > config.SegmentBytes)
            return new(ErrorCode.RecordListTooLarge) { ErrorMessage = $"{batches.Length} bytes do not fit into a segment of {config.SegmentBytes}" };
        lock (writing)
        {
            if (leaderEpoch < ledEpoch)
                return new(ErrorCode.NotLeaderOrFollower);
            var offset = logEndOffset;
            for (var rest = batches; !rest.IsEmpty;)
            {
                RecordBatchHeader.SetBaseOffset(rest, offset);
                RecordBatchHeader.SetPartitionLeaderEpoch(rest, leaderEpoch);
                var batch = new RecordBatchView(rest);
                offset = batch.NextOffset;
                rest = rest[batch.SizeInBytes..];
            }

            return AppendInTurn(batches, origin, nowMs, logAppendTimeMs, terms);
        }
    }

    private AppendResult AppendInTurn(
        ReadOnlySpan<byte> batches, AppendOrigin origin, long nowMs, long logAppendTimeMs, in TransactionTerms terms)
    {
        if (isClosed || IsOffline)
            return new(Refusal);
        var (firstOffset, lastOffset, maxTimestamp) = (-1L, logEndOffset - 1, -1L);
        foreach (var batch in RecordBatches.Enumerate(batches))
        {
            if (batch.BaseOffset <= lastOffset)
                return new(ErrorCode.OffsetOutOfRange) { ErrorMessage = $"offset {batch.BaseOffset} follows {lastOffset}" };
            var error = producers.Check(batch, origin, terms, out var duplicate);
            if (duplicate is { } known)
                return Duplicate(known);
            if (error != ErrorCode.None)
                return new(error) { ErrorMessage = Explain(error, batch) };
            firstOffset = firstOffset < 0 ? batch.BaseOffset : firstOffset;
            lastOffset = batch.LastOffset;
            maxTimestamp = Math.Max(maxTimestamp, batch.MaxTimestamp);
        }

        if (lastOffset - firstOffset > int.MaxValue)
            return new(ErrorCode.OffsetOutOfRange) { ErrorMessage = $"no segment can hold the offsets from {firstOffset} to {lastOffset}" };
        try
        {
            if (Active.MustRoll(batches.Length, lastOffset, maxTimestamp, config, nowMs))
                Roll(firstOffset, nowMs);
            Write(batches);
        }
        catch (IOException e)
        {
            directory.Fail(e);
            return new(ErrorCode.KafkaStorageError);
        }

        return new(ErrorCode.None, firstOffset, lastOffset, logAppendTimeMs, LogStartOffset) { MustFlush = StartDueFlush(origin) };
    }

    private void Write(ReadOnlySpan<byte> batches)
    {
        var active = Active;
        isBlank = false;
        try
        {
            active.Append(batches, logEndOffset, config.IndexIntervalBytes);
        }
        catch (IOException)
        {
            DropUnfinished(active);
            throw;
        }

        var endOffset = logEndOffset;
        foreach (var batch in RecordBatches.Enumerate(batches))
        {
            Account(active, batch);
            Epochs.Assign(batch.PartitionLeaderEpoch, batch.BaseOffset);
            endOffset = batch.NextOffset;
        }

        Volatile.Write(ref logEndOffset, endOffset); // readers see the batches from here on
    }

    private void Account(LogSegment segment, in RecordBatchView batch)
    {
        if (producers.Apply(batch) is not { IsAborted: true } aborted)
            return;
        segment.AddAborted(new(aborted.ProducerId, aborted.FirstOffset, aborted.LastOffset, producers.LastStableOffsetAfter(aborted)));
    }

    // Nothing of a write that failed may be found by whoever reads the file next. If the disk refuses even that, recovery does it.
    private static void DropUnfinished(LogSegment active)
    {
        try
        {
            active.File.SetSize(active.Size);
        }
        catch (IOException)
        {
            // the failure that led here takes the directory offline
        }
    }

    private AppendResult Duplicate(ProducerBatch known)
    {
        var logAppendTimeMs = config.TimestampType == TimestampType.LogAppendTime ? known.Timestamp : -1;
        return new(ErrorCode.None, known.BaseOffset, known.LastOffset, logAppendTimeMs, LogStartOffset) { IsDuplicate = true };
    }

    private string Explain(ErrorCode error, in RecordBatchView batch)
    {
        producers.TryGet(batch.ProducerId, out var entry);
        return error switch
        {
            ErrorCode.OutOfOrderSequenceNumber =>
                $"producer {batch.ProducerId} of epoch {batch.ProducerEpoch} sent sequence number {batch.BaseSequence}"
                + $" after {entry?.LastSequence} of epoch {entry?.Epoch}",
            ErrorCode.InvalidProducerEpoch => $"producer {batch.ProducerId} has epoch {entry?.Epoch}, not {batch.ProducerEpoch}",
            ErrorCode.InvalidTxnState when batch.IsTransactional =>
                $"producer {batch.ProducerId} sent a batch of a transaction that is not known to be under way",
            ErrorCode.InvalidTxnState => $"producer {batch.ProducerId} has a transaction open, and sent a batch that is not part of it",
            _ => error.Message(),
        };
    }

    private bool StartDueFlush(AppendOrigin origin)
    {
        if (logEndOffset - RecoveryPoint < config.FlushMessages)
            return false;
        commit.Start();
        return origin != AppendOrigin.Replication;
    }

    /// <summary>Begins a new segment. The one before is synced in the background.</summary>
    private void Roll(long firstOffset, long nowMs)
    {
        var baseOffset = Math.Max(firstOffset, logEndOffset);
        if (Active.BaseOffset == baseOffset)
            return; // an empty one, which need not be replaced by another
        Active.Seal();
        TakeSnapshot();
        sizeAtSnapshot = 0;
        var segment = LogSegment.Create(place, baseOffset, config, nowMs, directory.Jitter(Math.Min(config.SegmentJitterMs, config.SegmentMs)));
        hasNewNames = true;
        Volatile.Write(ref segments, [.. segments, segment]);
        Log.Rolled(directory.Logger, Partition, baseOffset);
        commit.Start(); // even if all records are synced, what the sealing has written is not
    }}
