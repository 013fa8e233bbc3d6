using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>
/// Reading, without a lock. A search that meets something impossible either met a truncation half-way, and is done again, or an index
/// that is wrong, which is then rebuilt.
/// </content>
public sealed partial class PartitionLog
{
    private const int AttemptsMax = 4;

    /// <summary>
    /// Finds the batches from an offset on: at most <paramref name="maxBytes"/> of one segment, cut wherever that ends, and none that
    /// lies beyond <paramref name="upperBoundOffset"/> (the high watermark or the last stable offset for consumers, the log's end for
    /// followers). If not even the first batch fits, it is returned whole with <paramref name="minOneBatch"/> and nothing without
    /// (KIP-74).
    /// </summary>
    public LogRead Read(long fetchOffset, int maxBytes, long upperBoundOffset, bool minOneBatch)
    {
        var endOffset = LogEndOffset;
        var startOffset = LogStartOffset;
        if (IsOffline || isBeingDeleted)
            return new(Refusal, RecordBytes.Empty);
        if (fetchOffset < startOffset || fetchOffset > endOffset)
            return new(ErrorCode.OffsetOutOfRange, RecordBytes.Empty, startOffset, endOffset);
        var bound = Math.Min(upperBoundOffset, endOffset);
        var slice = default(SegmentSlice);
        var error = fetchOffset < bound
            ? Search(
                (fetchOffset, maxBytes, bound, minOneBatch),
                static (log, wanted) => log.Find(wanted.fetchOffset, wanted.maxBytes, wanted.bound, wanted.minOneBatch),
                out slice)
            : ErrorCode.None;
        return slice is null
            ? new(error, RecordBytes.Empty, startOffset, endOffset)
            : new(error, new(slice), startOffset, endOffset) { IsOnOlderSegment = IsBefore(slice.Segment, bound) };
    }

    private bool IsBefore(LogSegment segment, long bound) =>
        Active is var active && segment.BaseOffset < active.BaseOffset && active.BaseOffset < bound;

    /// <summary>
    /// The aborted transactions that a reader of these records must know, if it reads only what is committed. Some may begin behind
    /// the last record.
    /// </summary>
    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long fetchOffset, in LogRead read)
    {
        if (read.Slice is not { } slice)
            return [];
        var upperBound = slice.Segment.OffsetAtOrBehind(slice.EndPosition) ?? NextBaseOffset(slice.Log, slice.Segment);
        return AbortedBetween(slice.Log, fetchOffset, upperBound); // compaction may have put others in their place, without the records
    }

    private static List<AbortedTransaction> AbortedBetween(LogSegment[] all, long fromOffset, long upperBound)
    {
        var found = new List<AbortedTransaction>();
        for (var i = Math.Max(0, FloorIndex(all, fromOffset)); i < all.Length; i++)
        {
            if (all[i].TransactionIndex is { } index && CollectAborted(index, fromOffset, upperBound, found))
                break;
        }

        return found;
    }

    // Returns whether entries that follow cannot matter.
    private static bool CollectAborted(IndexFile index, long fetchOffset, long upperBound, List<AbortedTransaction> found)
    {
        Span<byte> bytes = stackalloc byte[AbortedTransaction.Size];
        for (var i = index.FindLast(fetchOffset - 1, bytes) + 1; index.TryRead(i, bytes); i++)
        {
            AbortedTransaction.TryRead(bytes, out var aborted);
            if (aborted.FirstOffset < upperBound)
                found.Add(aborted);
            if (aborted.LastStableOffset >= upperBound)
                return true;
        }

        return false;
    }

    private long NextBaseOffset(LogSegment[] all, LogSegment segment)
    {
        var index = FloorIndex(all, segment.BaseOffset);
        return index + 1 < all.Length ? all[index + 1].BaseOffset : LogEndOffset;
    }

    private Found<SegmentSlice> Find(long fetchOffset, int maxBytes, long bound, bool minOneBatch)
    {
        var all = Segments;
        for (var i = FloorIndex(all, fetchOffset); i >= 0 && i < all.Length && all[i].BaseOffset < bound; i++)
        {
            var segment = all[i];
            var search = segment.Find(fetchOffset, out var start, out var batchSize);
            if (search == SegmentSearch.NotHere)
                continue; // a gap that compaction has left at the end
            if (search != SegmentSearch.Found)
                return new(search, segment, start);

            var end = segment.Size;
            if (i == all.Length - 1 || all[i + 1].BaseOffset > bound)
            {
                search = segment.FindEnd(bound, out end);
                if (search != SegmentSearch.Found)
                    return new(search, segment, end);
            }

            if (end <= start)
                break; // the bound lies within the batch
            var length = Math.Min(end - start, maxBytes);
            if (length < batchSize)
                length = minOneBatch ? batchSize : 0;
            return new(length == 0 ? null : new SegmentSlice(segment, start, length, all, directory));
        }

        return new(null);
    }

    /// <summary>Runs a search until it comes to something.</summary>
    private ErrorCode Search<TArgument, TResult>(TArgument argument, Func<PartitionLog, TArgument, Found<TResult>> search, out TResult? result)
    {
        result = default;
        for (var attempt = 1; ; attempt++)
        {
            var version = Volatile.Read(ref truncations);
            var all = Segments;
            var found = default(Found<TResult>);
            try
            {
                found = search(this, argument);
                if (found.Search is SegmentSearch.Found or SegmentSearch.NotHere)
                {
                    result = found.Result;
                    return ErrorCode.None;
                }
            }
            catch (IOException) when (isBeingDeleted)
            {
                return Refusal;
            }
            catch (IOException e)
            {
                if (attempt >= AttemptsMax || !HasChangedSince(version, all))
                {
                    directory.Fail(e);
                    return ErrorCode.KafkaStorageError;
                }

                continue; // the files were truncated or removed while they were read
            }

            if (attempt < AttemptsMax && HasChangedSince(version, all))
                continue;
            if (attempt >= AttemptsMax)
            {
                Log.SegmentDamaged(directory.Logger, Partition, found.Segment!.BaseOffset, found.Position);
                return ErrorCode.CorruptMessage;
            }

            if (!TryRepair(found.Segment!, found.Search))
                return Refusal;
        }
    }

    // Whether a search may have met a truncation or a removal half-way; it is over when this returns.
    private bool HasChangedSince(int version, LogSegment[] all)
    {
        var truncated = version % 2 != 0 || version != Volatile.Read(ref truncations);
        if (!truncated)
            return !ReferenceEquals(all, Segments);
        lock (writing)
            return true;
    }

    private bool TryRepair(LogSegment segment, SegmentSearch problem)
    {
        lock (writing)
        {
            if (isClosed || problem != SegmentSearch.BadIndex || !Segments.Contains(segment))
                return !IsOffline;
            try
            {
                Log.IndexesRebuilt(directory.Logger, Partition, segment.BaseOffset, "an entry did not point at its batch");
                segment.RebuildIndexes(config.IndexIntervalBytes);
                return true;
            }
            catch (IOException e)
            {
                directory.Fail(e);
                return false;
            }
        }
    }

    /// <summary>What a search in the segments came to; the segment and position are where a problem is.</summary>
    private readonly record struct Found<T>(SegmentSearch Search, T? Result, LogSegment? Segment, int Position)
    {
        public Found(T? result)
            : this(SegmentSearch.Found, result, null, 0)
        {
        }

        public Found(SegmentSearch problem, LogSegment segment, int position)
            : this(problem, default, segment, position)
        {
        }
    }
}
