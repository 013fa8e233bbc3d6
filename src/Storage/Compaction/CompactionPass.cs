using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>How a pass ended.</summary>
internal enum CompactionOutcome
{
    /// <summary>The log is compacted up to where the pass could go.</summary>
    Done,

    /// <summary>The log was closed, cut, deleted or lost its disk meanwhile; what was done is whole.</summary>
    Aborted,

    /// <summary>A segment is damaged, so the log cannot be compacted.</summary>
    Damaged,
}

/// <summary>What a pass did.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="EndOffset">Up to where the log is compacted.</param>
/// <param name="MappedBytes">Bytes that were read for their keys.</param>
/// <param name="ReadBytes">Bytes that were read to be copied.</param>
/// <param name="WrittenBytes">Bytes that were copied.</param>
/// <param name="BufferUtilization">How much of the memory for keys was used, from 0 to 1.</param>
/// <param name="Damage">What is wrong, if the log is damaged.</param>
internal readonly record struct CompactionResult(
    CompactionOutcome Outcome, long EndOffset, long MappedBytes, long ReadBytes, long WrittenBytes, double BufferUtilization, string? Damage = null);

/// <summary>
/// One pass after another over one log after another: notes the last offset of each key in the dirty part, then copies what stays, a few
/// segments at a time, and puts the copies in their place. Owned by one thread, which keeps its buffers.
/// </summary>
/// <param name="map">Memory for keys.</param>
/// <param name="windowBytes">How much to read and to write at a time.</param>
/// <param name="moved">
/// Told how many bytes were read or written. May wait; an <see cref="OperationCanceledException"/> ends the pass.
/// </param>
internal sealed class CompactionPass(OffsetMap map, int windowBytes, Action<long> moved) : IDisposable
{
    private readonly BatchFilter filter = new();
    private readonly PooledBuffer output = new();
    private readonly PooledBuffer uncompressed = new();
    private long mappedBytes;
    private long readBytes;
    private long writtenBytes;

    /// <summary>Compacts a log as planned. How it fails is a result, too.</summary>
    public CompactionResult Run(PartitionLog log, CompactionPlan plan, long nowMs)
    {
        (mappedBytes, readBytes, writtenBytes) = (0, 0, 0);
        var input = log.BeginCompaction(plan.FirstUncleanableOffset);
        try
        {
            if (input is null)
                return Result(CompactionOutcome.Aborted, plan);
            FillMap(log, input, plan);
            var endOffset = map.LatestOffset + 1;
            if (!log.SettleBelow(plan.FirstUncleanableOffset) || !CopyAll(log, input, plan, endOffset, nowMs))
                return Result(CompactionOutcome.Aborted, plan);
            log.EndCompaction(input, endOffset);
            return Result(CompactionOutcome.Done, plan) with { EndOffset = endOffset };
        }
        catch (OperationCanceledException)
        {
            return Result(CompactionOutcome.Aborted, plan); // nobody waits for it
        }
        catch (Exception e) when (e is MalformedMessageException or IOException && log.MayLackFiles(input!))
        {
            return Result(CompactionOutcome.Aborted, plan); // what was read is not what the log consists of any more
        }
        catch (Exception e) when (e is MalformedMessageException or EndOfStreamException)
        {
            return Result(CompactionOutcome.Damaged, plan) with { Damage = e.Message };
        }
        catch (IOException e)
        {
            input!.Home.Fail(e);
            return Result(CompactionOutcome.Aborted, plan);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        filter.Dispose();
        output.Dispose();
        uncompressed.Dispose();
    }

    private CompactionResult Result(CompactionOutcome outcome, CompactionPlan plan) =>
        new(outcome, plan.FirstDirtyOffset, mappedBytes, readBytes, writtenBytes, map.Utilization);

    private void FillMap(PartitionLog log, CompactionInput input, CompactionPlan plan)
    {
        var (from, to) = (plan.FirstDirtyOffset, plan.FirstUncleanableOffset);
        map.Begin(from, to - from);
        var transactions = new CleanedTransactions();
        transactions.Add(PartitionLog.AbortedIn(input, from, to));
        for (var i = 0; i < input.Count; i++)
        {
            var nextBase = input.All[i + 1].BaseOffset;
            if (nextBase <= from)
                continue;
            if (!MapSegment(log, input, input.All[i], from, transactions))
                return; // there is no room for another key, so the pass goes as far as this
            map.LatestOffset = nextBase - 1;
        }
    }

    private bool MapSegment(PartitionLog log, CompactionInput input, LogSegment segment, long from, CleanedTransactions transactions)
    {
        var start = segment.Find(from, out var position, out _) == SegmentSearch.Found ? position : 0;
        var unaccounted = 0;
        using var batches = new SoundBatches(segment, start, windowBytes);
        while (batches.MoveNext())
        {
            CheckGoesOn(log, input);
            var batch = batches.Current;
            if (!MapBatch(batch, batches, from, transactions))
                return false;
            map.LatestOffset = Math.Max(map.LatestOffset, batch.LastOffset);
            mappedBytes += batch.SizeInBytes;
            Account(ref unaccounted, batch.SizeInBytes);
        }

        moved(unaccounted);
        return true;
    }

    private bool MapBatch(in RecordBatchView batch, in SoundBatches batches, long from, CleanedTransactions transactions)
    {
        try
        {
            if (batch.IsControl)
            {
                transactions.OnMarker(batch);
                return true;
            }

            if (transactions.OnBatch(batch))
                return true;
            foreach (var record in batch.ReadRecords(uncompressed, BatchRules.DecompressedBytesMaxDefault))
            {
                if (record.Offset < from || record.Key.IsNull || map.TryPut(record.Key.Span, record.Offset))
                    continue;
                map.LatestOffset = Math.Max(map.LatestOffset, record.Offset - 1);
                return false;
            }

            return true;
        }
        catch (MalformedMessageException e)
        {
            throw batches.DamageHere(e.Message);
        }
    }

    private bool CopyAll(PartitionLog log, CompactionInput input, CompactionPlan plan, long endOffset, long nowMs)
    {
        var config = log.Config;
        var count = input.All.AsSpan(0, input.Count).ToArray().Count(segment => segment.BaseOffset < endOffset);
        var transactions = new CleanedTransactions();
        filter.Begin(new(map, transactions, input.Producers, plan.FirstUncleanableOffset, config.DeleteRetentionMs, nowMs));
        var lastClean = Array.FindLast(input.All, segment => segment.BaseOffset < plan.FirstDirtyOffset);
        var legacyHorizonMs = lastClean is null ? 0 : lastClean.LastWrittenMs - config.DeleteRetentionMs;
        var sizes = new SegmentSizes[count];
        for (var i = 0; i < count; i++)
        {
            var segment = input.All[i];
            sizes[i] = new(
                segment.BaseOffset, segment.Size, segment.OffsetIndex.Count * OffsetIndexEntry.Size, segment.TimeIndex.Count * TimeIndexEntry.Size);
        }

        var first = 0;
        foreach (var length in SegmentGroups.Of(sizes, plan.FirstUncleanableOffset, config))
        {
            if (!CopyGroup(log, input, first, length, transactions, legacyHorizonMs))
                return false;
            first += length;
        }

        return true;
    }

    private bool CopyGroup(PartitionLog log, CompactionInput input, int first, int count, CleanedTransactions transactions, long legacyHorizonMs)
    {
        var group = input.All.AsSpan(first, count);
        var cleaned = log.CreateCleaned(group[0].BaseOffset);
        try
        {
            transactions.Remains = transaction => cleaned.AddAborted(transaction);
            for (var i = 0; i < count; i++)
            {
                var segment = group[i];
                transactions.Add(PartitionLog.AbortedIn(input, segment.BaseOffset, input.All[first + i + 1].BaseOffset));
                filter.KeepsLegacyTombstones = segment.LastWrittenMs > legacyHorizonMs;
                CopySegment(log, input, segment, cleaned);
            }

            cleaned.Seal();
            cleaned.Sync();
            cleaned.LastWrittenMs = group[^1].LastWrittenMs; // retention looks at it where records have no time
            return log.TryReplace(input, group, cleaned);
        }
        finally
        {
            log.TryAfterPass(input, cleaned.DiscardUnlessPlaced);
        }
    }

    private void CopySegment(PartitionLog log, CompactionInput input, LogSegment segment, LogSegment cleaned)
    {
        var interval = log.Config.IndexIntervalBytes;
        var unaccounted = 0;
        output.Clear();
        using var batches = new SoundBatches(segment, 0, windowBytes);
        while (batches.MoveNext())
        {
            CheckGoesOn(log, input);
            var batch = batches.Current;
            try
            {
                filter.Filter(batch, output);
            }
            catch (MalformedMessageException e)
            {
                throw batches.DamageHere(e.Message);
            }

            readBytes += batch.SizeInBytes;
            Account(ref unaccounted, batch.SizeInBytes);
            if (output.Length >= windowBytes)
                Write(cleaned, interval);
        }

        Write(cleaned, interval);
        moved(unaccounted);
    }

    private void Write(LogSegment cleaned, int indexIntervalBytes)
    {
        if (output.Length == 0)
            return;
        if (cleaned.Size > int.MaxValue - output.Length) // old formats get larger when they are rewritten
            throw new MalformedMessageException($"segment {cleaned.BaseOffset} does not fit into a file");
        cleaned.Append(output.Span, cleaned.BaseOffset, indexIntervalBytes);
        writtenBytes += output.Length;
        moved(output.Length);
        output.Clear();
    }

    private void Account(ref int unaccounted, int bytes)
    {
        unaccounted += bytes;
        if (unaccounted < windowBytes)
            return;
        moved(unaccounted);
        unaccounted = 0;
    }

    private static void CheckGoesOn(PartitionLog log, CompactionInput input)
    {
        if (!log.IsSameAs(input))
            throw new OperationCanceledException();
    }
}
