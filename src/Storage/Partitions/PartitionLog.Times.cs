using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>Looking records up by their time.</content>
public sealed partial class PartitionLog
{
    /// <summary>The first record, from the log's start on, whose time is at least the timestamp (ms).</summary>
    public OffsetLookup FindByTimestamp(long timestampMs)
    {
        if (IsOffline)
            return new(ErrorCode.KafkaStorageError);
        var error = Search(timestampMs, static (log, timestamp) => log.FindTime(timestamp), out OffsetLookup found);
        return error != ErrorCode.None ? new(error) : found;
    }

    /// <summary>The first record with the largest time (KIP-734).</summary>
    public OffsetLookup FindMaxTimestamp()
    {
        var max = -1L;
        if (IsOffline || !TryGetMaxTimestamps(out var times))
            return new(Refusal);
        foreach (var (_, timestamp) in times)
            max = Math.Max(max, timestamp);
        return max < 0 ? OffsetLookup.NotFound : FindByTimestamp(max);
    }

    private Found<OffsetLookup> FindTime(long timestampMs)
    {
        if (!TryGetMaxTimestamps(out var times))
            return new(new OffsetLookup(Refusal));
        foreach (var (segment, maxTimestamp) in times)
        {
            for (var offset = Math.Max(LogStartOffset, segment.BaseOffset); maxTimestamp >= timestampMs;)
            {
                var search = segment.FindTime(timestampMs, offset, out var position);
                if (search == SegmentSearch.NotHere)
                    break;
                if (search != SegmentSearch.Found)
                    return new(search, segment, position);
                if (FindIn(segment, position, timestampMs, ref offset) is { } found)
                    return new(found);
            }
        }

        return new(OffsetLookup.NotFound);
    }

    // What is not known yet about an older segment is found out, and may be put right, so it is the writer's turn: once for each segment,
    // so that appends come between.
    private bool TryGetMaxTimestamps(out List<(LogSegment Segment, long MaxTimestamp)> times)
    {
        var found = new List<(LogSegment, long)>();
        times = found;
        foreach (var segment in Segments)
        {
            var error = InTurn(() =>
            {
                if (Segments[Math.Max(0, FloorIndex(Segments, segment.BaseOffset))] == segment) // it may have left the log meanwhile
                    found.Add((segment, segment.MaxTimestamp));
            });
            if (error != ErrorCode.None)
                return false;
        }

        return true;
    }

    /// <summary>Looks into one batch; moves the offset behind it if the record is not there, whatever its header says.</summary>
    private static OffsetLookup? FindIn(LogSegment segment, int position, long timestampMs, ref long offset)
    {
        using var scanner = new BatchScanner(segment.File, position, segment.Size);
        if (!scanner.MoveNext())
            return OffsetLookup.NotFound; // cut off at this moment
        var batch = scanner.Load();
        try
        {
            using var scratch = new PooledBuffer();
            foreach (var record in batch.ReadRecords(scratch, BatchRules.DecompressedBytesMaxDefault))
            {
                if (record.TimestampMs >= timestampMs && record.Offset >= offset)
                    return new(ErrorCode.None, record.TimestampMs, record.Offset, batch.PartitionLeaderEpoch);
            }
        }
        catch (MalformedMessageException)
        {
            // A batch is stored without being looked into. The best that is known of this one is its header.
            return new(ErrorCode.None, batch.MaxTimestamp, Math.Max(offset, batch.BaseOffset), batch.PartitionLeaderEpoch);
        }

        offset = batch.NextOffset;
        return null;
    }
}
