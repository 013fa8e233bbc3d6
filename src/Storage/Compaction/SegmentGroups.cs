namespace Milena.Storage;

/// <summary>What matters of a segment when it is put together with others.</summary>
/// <param name="BaseOffset">Where it begins.</param>
/// <param name="Size">Bytes of batches.</param>
/// <param name="OffsetIndexBytes">Bytes of its offset index.</param>
/// <param name="TimeIndexBytes">Bytes of its time index.</param>
internal readonly record struct SegmentSizes(long BaseOffset, int Size, int OffsetIndexBytes, int TimeIndexBytes);

/// <summary>
/// Which neighbours become one segment, so that a log of many small rests does not stay one of many files: as many as could make one
/// segment even if nothing were removed.
/// </summary>
internal static class SegmentGroups
{
    /// <summary>The number of segments in each group, in their order.</summary>
    /// <param name="segments">What is compacted, ascending.</param>
    /// <param name="endOffset">Behind the last offset of the last one.</param>
    /// <param name="config">The topic's settings.</param>
    public static List<int> Of(IReadOnlyList<SegmentSizes> segments, long endOffset, LogConfig config)
    {
        var groups = new List<int>();
        for (var first = 0; first < segments.Count; first += groups[^1])
        {
            var (bytes, offsetBytes, timeBytes, count) = (0L, 0L, 0L, 0);
            for (; first + count < segments.Count; count++)
            {
                var next = segments[first + count];
                bytes += next.Size;
                offsetBytes += next.OffsetIndexBytes;
                timeBytes += next.TimeIndexBytes;
                var lastOffset = (first + count + 1 < segments.Count ? segments[first + count + 1].BaseOffset : endOffset) - 1;
                var fits = bytes <= config.SegmentBytes && offsetBytes <= config.SegmentIndexBytes && timeBytes <= config.SegmentIndexBytes
                    && (next.Size == 0 || lastOffset - segments[first].BaseOffset <= int.MaxValue); // one without records needs no offsets
                if (count > 0 && !fits)
                    break;
            }

            groups.Add(count);
        }

        return groups;
    }
}
