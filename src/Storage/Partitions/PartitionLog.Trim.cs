using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>Losing records on purpose: at the start by retention and DeleteRecords, at the end by truncation.</content>
public sealed partial class PartitionLog
{
    /// <summary>
    /// Moves the log's start up (DeleteRecords, or a follower's leader did). An offset below it changes nothing; one above the high
    /// watermark is <see cref="ErrorCode.OffsetOutOfRange"/>. Segments that lie below it whole are removed.
    /// </summary>
    public ErrorCode AdvanceLogStart(long offset)
    {
        if (offset > HighWatermark)
            return ErrorCode.OffsetOutOfRange;
        return InTurn(() =>
        {
            if (offset <= logStartOffset)
                return;
            MoveLogStart(offset, "records were deleted");
            RemoveFirst(CountBelowStart(), "below the log's start");
        });
    }

    /// <summary>Removes everything from an offset on, with the whole of the batch that holds it.</summary>
    public ErrorCode TruncateTo(long offset)
    {
        Invariant.Holds(offset >= 0);
        if (offset >= LogEndOffset)
            return ErrorCode.None;
        if (offset < Segments[0].BaseOffset)
            return TruncateFullyAndStartAt(offset);
        return InTurn(() =>
        {
            if (offset < logEndOffset)
                CutAt(offset);
        });
    }

    /// <summary>Removes everything and goes on at an offset (a follower whose leader no longer has what it lacks).</summary>
    public ErrorCode TruncateFullyAndStartAt(long offset)
    {
        Invariant.Holds(offset >= 0);
        return InTurn(() => StartAnewAt(offset));
    }

    /// <summary>Removes what the topic's settings say need not be kept. Returns how many segments that were.</summary>
    internal int ApplyRetention()
    {
        var removed = 0;
        InTurn(() =>
        {
            removed += RemoveFirst(CountBelowStart(), "below the log's start");
            if (!config.CleanupPolicy.HasFlag(CleanupPolicy.Delete))
                return;
            removed += RemoveFirst(CountBeyondSize(), "the log is larger than retention.bytes");
            removed += RemoveFirst(CountTooOld(directory.NowMs), "older than retention.ms");
        });
        return removed;
    }

    private ErrorCode InTurn(Action action)
    {
        lock (writing)
        {
            if (isClosed || IsOffline)
                return Refusal;
            try
            {
                action();
                return ErrorCode.None;
            }
            catch (IOException e)
            {
                directory.Fail(e);
                return ErrorCode.KafkaStorageError;
            }
        }
    }

    private int CountBelowStart()
    {
        var all = Segments;
        var count = 0;
        while (count + 1 < all.Length && all[count + 1].BaseOffset <= logStartOffset)
            count++;
        return count;
    }

    private int CountBeyondSize()
    {
        if (config.RetentionBytes < 0)
            return 0;
        var excess = Size - config.RetentionBytes;
        return CountWhile(segment =>
        {
            var isExcess = excess - segment.Size >= 0;
            excess -= segment.Size;
            return isExcess;
        });
    }

    private int CountTooOld(long nowMs)
    {
        if (config.RetentionMs < 0)
            return 0;
        return CountWhile(segment =>
        {
            var youngest = segment.MaxTimestamp;
            return nowMs - (youngest >= 0 ? youngest : segment.LastWrittenMs) > config.RetentionMs;
        });
    }

    // Only what every replica has may go, and of an empty segment nothing would be gained.
    private int CountWhile(Func<LogSegment, bool> condition)
    {
        var all = Segments;
        var count = 0;
        while (count < all.Length
            && (count + 1 < all.Length ? all[count + 1].BaseOffset : logEndOffset) <= HighWatermark
            && (count + 1 < all.Length || all[count].Size > 0)
            && condition(all[count]))
            count++;
        return count;
    }

    private int RemoveFirst(int count, string reason)
    {
        if (count == 0)
            return 0;
        if (count == Segments.Length)
            Roll(logEndOffset, directory.NowMs);
        var all = Segments;
        var removed = all[..count];
        MoveLogStart(Math.Max(logStartOffset, all[count].BaseOffset), reason); // before the files, so that a crash between hides nothing
        Volatile.Write(ref segments, all[count..]);
        snapshots.RemoveBelow(all[count].BaseOffset);
        foreach (var segment in removed)
        {
            Log.SegmentRemoved(directory.Logger, Partition, segment.BaseOffset, segment.Size, reason);
            segment.MarkRemoved();
        }

        directory.DelayedDeletes.Schedule(directory.NowMs + config.FileDeleteDelayMs, () => DeleteFiles(removed));
        return count;
    }

    private void DeleteFiles(LogSegment[] removed)
    {
        try
        {
            foreach (var segment in removed)
                segment.Delete();
        }
        catch (IOException e)
        {
            directory.Fail(e);
        }
    }

    private void MoveLogStart(long offset, string reason)
    {
        if (offset <= logStartOffset)
            return;
        Volatile.Write(ref logStartOffset, offset);
        Epochs.TruncateFromStart(offset);
        producers.OnLogStart(offset);
        Log.LogStartMoved(directory.Logger, Partition, offset, reason);
    }

    private void CutAt(long offset)
    {
        var all = Segments;
        var keep = Math.Max(1, FloorIndex(all, offset - 1) + 1);
        var last = all[keep - 1];
        if (last.FindEnd(offset, out var position) != SegmentSearch.Found)
        {
            last.RebuildIndexes(config.IndexIntervalBytes);
            if (last.FindEnd(offset, out position) != SegmentSearch.Found)
                throw new CorruptFileException(last.File.Path, $"is damaged at byte {position}");
        }

        // A batch that begins below the offset goes with it; only a gap can leave the log's end where it was asked for.
        var endOffset = Math.Min(offset, FirstOffsetAt(last, position) ?? offset);
        BeginTruncation(endOffset);
        Volatile.Write(ref truncations, truncations + 1);
        Volatile.Write(ref segments, all[..keep]);
        for (var i = all.Length - 1; i >= keep; i--)
            all[i].Delete(); // from the end, so that a crash leaves no hole
        last.TruncateTo(position, endOffset);
        SetEnds(endOffset);
        Epochs.TruncateFromEnd(endOffset);
        ReloadProducers(endOffset);
        last.Sync(); // or a power cut would bring back what others have since been told is gone
        place.Files.SyncDirectory(place.Path);
        commit.EndTruncation();
        Volatile.Write(ref truncations, truncations + 1);
        Log.Truncated(directory.Logger, Partition, endOffset);
    }

    // Once the checkpoint says so, a start looks at everything behind the offset again, in whatever state a power cut leaves it.
    private void BeginTruncation(long offset)
    {
        commit.BeginTruncation(offset);
        Volatile.Write(ref cleanedTo, Math.Min(cleanedTo, offset)); // what comes next is dirty
        directory.RecoveryPointsMoved?.Invoke();
        if (IsOffline)
            throw new IOException("the recovery point cannot be moved back");
    }

    private static long? FirstOffsetAt(LogSegment segment, int position)
    {
        using var scanner = new BatchScanner(segment.File, position, segment.Size);
        return scanner.MoveNext() ? scanner.Current.BaseOffset : null;
    }

    private void StartAnewAt(long offset)
    {
        var all = Segments;
        BeginTruncation(0);
        Volatile.Write(ref truncations, truncations + 1);
        for (var i = all.Length - 1; i >= 0; i--)
            all[i].Delete();
        snapshots.RemoveAbove(-1);
        place.Files.SyncDirectory(place.Path); // what comes must never meet what was
        var nowMs = directory.NowMs;
        Volatile.Write(ref segments, [LogSegment.Create(place, offset, config, nowMs, directory.Jitter(config.SegmentJitterMs))]);
        place.Files.SyncDirectory(place.Path);
        SetEnds(offset);
        Volatile.Write(ref cleanedTo, -1);
        Volatile.Write(ref logStartOffset, offset);
        Volatile.Write(ref highWatermark, offset);
        Epochs.Clear();
        producers.Clear();
        commit.EndTruncation();
        commit.Reset(offset);
        Volatile.Write(ref truncations, truncations + 1);
        Log.Truncated(directory.Logger, Partition, offset);
    }

    private void SetEnds(long endOffset)
    {
        Volatile.Write(ref logStartOffset, Math.Min(logStartOffset, endOffset));
        Volatile.Write(ref highWatermark, Math.Min(highWatermark, endOffset));
        Volatile.Write(ref logEndOffset, endOffset);
    }
}
