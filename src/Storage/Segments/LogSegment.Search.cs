using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>What a search in a segment came to.</summary>
internal enum SegmentSearch
{
    /// <summary>It was found.</summary>
    Found,

    /// <summary>Everything in the segment lies before it.</summary>
    NotHere,

    /// <summary>An index points at what it does not say: the indexes must be rebuilt.</summary>
    BadIndex,

    /// <summary>The segment itself is no run of batches.</summary>
    Damaged,
}

/// <content>
/// Looking things up. What an index says is checked against the batch that it points at, so a wrong entry, whatever made it wrong,
/// is found before it does harm.
/// </content>
internal sealed partial class LogSegment
{
    /// <summary>The batch that holds an offset, or the first behind it if there is a gap.</summary>
    public SegmentSearch Find(long offset, out int position, out int batchSize)
    {
        if (Volatile.Read(ref recent) is { } last && last.TryFind(offset - BaseOffset, out position, out batchSize))
            return SegmentSearch.Found;

        (position, batchSize) = (0, 0);
        var end = Size;
        var start = Floor(offset);
        if (start.Position >= end && start.Position > 0)
            return SegmentSearch.BadIndex;
        using var scanner = new BatchScanner(File, start.Position, end);
        var isFirst = true;
        while (scanner.MoveNext())
        {
            if (isFirst && !IsSound(start, scanner.Current))
                return SegmentSearch.BadIndex;
            isFirst = false;
            if (scanner.Current.LastOffset < offset)
                continue;
            (position, batchSize) = (scanner.Position, scanner.Current.SizeInBytes);
            return SegmentSearch.Found;
        }

        if (scanner.End == BatchRunEnd.Complete)
            return SegmentSearch.NotHere;
        position = scanner.NextPosition;
        return isFirst && start.Position > 0 ? SegmentSearch.BadIndex : SegmentSearch.Damaged;
    }

    /// <summary>Where the batches end that lie wholly below an offset.</summary>
    public SegmentSearch FindEnd(long offset, out int position)
    {
        if (Volatile.Read(ref recent) is { } last && last.TryFindEnd(offset - BaseOffset, out position))
            return SegmentSearch.Found;
        var end = Size;
        var search = Find(offset, out position, out _);
        if (search != SegmentSearch.NotHere)
            return search;
        position = end;
        return SegmentSearch.Found;
    }

    /// <summary>
    /// The first batch, of those that hold an offset or lie behind it, that has a record with at least the timestamp. The indexes and
    /// the largest timestamp must be known to be sound (<see cref="LoadMaxTimestamp"/>).
    /// </summary>
    public SegmentSearch FindTime(long timestampMs, long startOffset, out int position)
    {
        position = 0;
        Span<byte> bytes = stackalloc byte[TimeIndexEntry.Size];
        var from = startOffset;
        if (TimeIndex.FindLast(timestampMs, bytes) >= 0)
        {
            var entry = TimeIndexEntry.Read(bytes, BaseOffset);
            if (!IsSound(entry))
                return SegmentSearch.BadIndex;
            from = Math.Max(from, entry.Offset);
        }

        var search = Find(from, out var start, out _);
        if (search != SegmentSearch.Found)
            return search;
        using var scanner = new BatchScanner(File, start, Size);
        while (scanner.MoveNext())
        {
            if (scanner.Current.MaxTimestamp < timestampMs)
                continue;
            position = scanner.Position;
            return SegmentSearch.Found;
        }

        position = scanner.NextPosition;
        return scanner.End == BatchRunEnd.Complete ? SegmentSearch.NotHere : SegmentSearch.Damaged;
    }

    /// <summary>
    /// The offset of the first index entry at or behind a file position; the offset that follows the segment if there is none is for
    /// the caller to know.
    /// </summary>
    public long? OffsetAtOrBehind(int position)
    {
        Span<byte> bytes = stackalloc byte[OffsetIndexEntry.Size];
        var low = 0;
        var high = OffsetIndex.Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (!OffsetIndex.TryRead(middle, bytes))
                return null;
            if (OffsetIndexEntry.Read(bytes, BaseOffset).Position < position)
                low = middle + 1;
            else
                high = middle;
        }

        return OffsetIndex.TryRead(low, bytes) ? OffsetIndexEntry.Read(bytes, BaseOffset).Offset : null;
    }

    /// <summary>The last entry at or below an offset; the segment's beginning if there is none.</summary>
    private OffsetIndexEntry Floor(long offset)
    {
        Span<byte> bytes = stackalloc byte[OffsetIndexEntry.Size];
        return OffsetIndex.FindLast(offset - BaseOffset, bytes) >= 0
            ? OffsetIndexEntry.Read(bytes, BaseOffset) is { Position: >= 0 } entry ? entry : new(-1, int.MaxValue)
            : new(BaseOffset - 1, 0);
    }

    // The beginning needs no entry that points at it. Kafkas before 4.0 entered the end of several batches at once; their indexes are built
    // again when they are first used.
    private bool IsSound(OffsetIndexEntry entry, in RecordBatchView batchThere) =>
        batchThere.BaseOffset >= BaseOffset && (entry.Offset < BaseOffset || batchThere.LastOffset == entry.Offset);

    private bool IsSound(TimeIndexEntry entry)
    {
        if (entry.Offset < BaseOffset || Find(entry.Offset, out var position, out _) != SegmentSearch.Found)
            return false;
        using var scanner = new BatchScanner(File, position, Size);
        return scanner.MoveNext() && scanner.Current.MaxTimestamp == entry.Timestamp;
    }
}
