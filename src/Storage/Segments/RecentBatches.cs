namespace Milena.Storage;

/// <summary>
/// Where the last batches of the active segment ended, so that who reads at the end of a log, as nearly everybody does, finds the
/// place without a search. One thread writes; readers need no lock and see each batch whole or not at all.
/// </summary>
internal sealed class RecentBatches
{
    private const int CapacityMin = 4;
    private const int CapacityMax = 64;

    private Chunk current;

    /// <param name="endOffset">The offset behind the last batch so far, counted from the segment's base offset.</param>
    /// <param name="endPosition">Where it ends in the file.</param>
    public RecentBatches(long endOffset, int endPosition) => current = new(CapacityMin, Pack(endOffset, endPosition), null);

    /// <summary>Adds a batch that has been written. The offset counts from the segment's base offset.</summary>
    public void Add(long endOffset, int endPosition)
    {
        var chunk = current;
        if (chunk.Count == chunk.Ends.Length)
        {
            chunk.Previous = null; // two chunks are enough; a reader that still has the old ones searches the index instead
            chunk = new(Math.Min(chunk.Ends.Length * 2, CapacityMax), chunk.Ends[^1], chunk);
            Volatile.Write(ref current, chunk);
        }

        chunk.Ends[chunk.Count] = Pack(endOffset, endPosition);
        Volatile.Write(ref chunk.Count, chunk.Count + 1);
    }

    /// <summary>
    /// The batch that holds an offset, or the next one if compaction has left a gap there; false if that is longer ago, or not
    /// written yet. Offsets count from the segment's base offset.
    /// </summary>
    public bool TryFind(long offset, out int position, out int size)
    {
        position = size = 0;
        for (var chunk = Volatile.Read(ref current); chunk is not null; chunk = Volatile.Read(ref chunk.Previous))
        {
            var count = Volatile.Read(ref chunk.Count);
            if (offset < OffsetOf(chunk.Ends[0]))
                continue;
            if (offset >= OffsetOf(chunk.Ends[count - 1]))
                return false;
            var index = FirstAbove(chunk.Ends.AsSpan(0, count), offset);
            position = PositionOf(chunk.Ends[index - 1]);
            size = PositionOf(chunk.Ends[index]) - position;
            return true;
        }

        return false;
    }

    /// <summary>Where the batches below an offset end; false if that is longer ago. An offset behind the last batch is at its end.</summary>
    public bool TryFindEnd(long offset, out int position)
    {
        position = 0;
        for (var chunk = Volatile.Read(ref current); chunk is not null; chunk = Volatile.Read(ref chunk.Previous))
        {
            var count = Volatile.Read(ref chunk.Count);
            if (offset < OffsetOf(chunk.Ends[0]))
                continue;
            position = PositionOf(chunk.Ends[FirstAbove(chunk.Ends.AsSpan(0, count), offset) - 1]);
            return true;
        }

        return false;
    }

    private static int FirstAbove(ReadOnlySpan<long> ends, long offset)
    {
        var low = 0;
        var high = ends.Length;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (OffsetOf(ends[middle]) <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    // A segment spans less than 2^31 offsets and bytes, but the offset behind its last record may be 2^31 itself.
    private static long Pack(long endOffset, int endPosition) => (endOffset << 31) | (uint)endPosition;

    private static long OffsetOf(long end) => end >>> 31;

    private static int PositionOf(long end) => (int)(end & int.MaxValue);

    private sealed class Chunk(int capacity, long first, Chunk? previous)
    {
        public readonly long[] Ends = First(new long[capacity], first);
        public int Count = 1;
        public Chunk? Previous = previous;

        private static long[] First(long[] ends, long first)
        {
            ends[0] = first;
            return ends;
        }
    }
}
