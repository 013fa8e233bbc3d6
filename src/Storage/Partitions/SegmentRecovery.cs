using System.Runtime.ExceptionServices;

namespace Milena.Storage;

/// <summary>What the recovery of one segment has found.</summary>
/// <param name="EndOffset">Behind its last whole batch.</param>
/// <param name="SizeBefore">Its size in bytes as it was found.</param>
/// <param name="IsCut">It was cut, so that nothing that follows it can be right.</param>
/// <param name="Epochs">The leader epochs that begin in it.</param>
internal readonly record struct RecoveredSegment(long EndOffset, int SizeBefore, bool IsCut, IReadOnlyList<EpochStart> Epochs);

/// <summary>
/// Looks, after a crash, at every batch from the recovery point on, cuts off what is not whole, and builds the indexes again. How much
/// there is depends on how far the disk was behind; if it is a lot, several segments are looked at at once.
/// </summary>
internal sealed class SegmentRecovery
{
    /// <summary>From how many bytes on a thread more costs less than it gains.</summary>
    private const long ParallelFromBytes = 256 << 20;

    private readonly List<LogSegment> segments;
    private readonly long recoveryPoint;
    private readonly int indexIntervalBytes;
    private readonly RecoveredSegment[]? all;

    /// <param name="segments">Those that hold anything from the recovery point on, in order.</param>
    /// <param name="recoveryPoint">Everything below it was synced.</param>
    /// <param name="indexIntervalBytes">How much lies between two entries of an index.</param>
    public SegmentRecovery(List<LogSegment> segments, long recoveryPoint, int indexIntervalBytes)
    {
        this.segments = segments;
        this.recoveryPoint = recoveryPoint;
        this.indexIntervalBytes = indexIntervalBytes;
        if (segments.Count > 1 && segments.Sum(segment => (long)segment.Size) >= ParallelFromBytes)
            all = RecoverAll();
    }

    /// <summary>Recovers a segment, unless that is done. Call it in order, and no further than the first that is cut.</summary>
    public RecoveredSegment Of(int index) => all is null ? Recover(segments[index]) : all[index];

    private RecoveredSegment[] RecoverAll()
    {
        var found = new RecoveredSegment[segments.Count];
        Exception? failure = null;
        Parallel.For(0, segments.Count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, (i, loop) =>
        {
            try
            {
                found[i] = Recover(segments[i]);
            }
            catch (Exception e)
            {
                failure = e; // any one will do; whoever loads the log expects it as it is
                loop.Stop();
            }
        });
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        return found;
    }

    private RecoveredSegment Recover(LogSegment segment)
    {
        segment.TruncateTransactionIndex(recoveryPoint);
        var size = segment.Size;
        var start = segment.RestartIndexesBelow(recoveryPoint);
        var nextOffset = segment.BaseOffset;
        var validEnd = start;
        var epochs = new List<EpochStart>();
        using (var scanner = new BatchScanner(segment.File, start, size, BatchScanner.LargeWindow))
        {
            if (segment.BaseOffset >= recoveryPoint)
                scanner.ReadAhead();
            while (scanner.MoveNext())
            {
                var batch = scanner.Current;
                if (batch.BaseOffset < nextOffset || batch.LastOffset - segment.BaseOffset > int.MaxValue || batch.LastOffsetDelta < 0)
                    break;
                if (batch.NextOffset >= recoveryPoint)
                    scanner.ReadAhead();
                if (batch.NextOffset > recoveryPoint && !scanner.IsCurrentValid())
                    break;
                batch = scanner.Current;
                segment.Index(batch, scanner.Position, indexIntervalBytes);
                if (batch.PartitionLeaderEpoch > (epochs is [.., var last] ? last.Epoch : -1))
                    epochs.Add(new(batch.PartitionLeaderEpoch, batch.BaseOffset));
                nextOffset = batch.NextOffset;
                validEnd = scanner.NextPosition;
            }
        }

        segment.SetEnd(validEnd);
        segment.TruncateTransactionIndex(nextOffset);
        if (segment.IsSealed || validEnd < size)
        {
            segment.CompleteIndexes();
            segment.TrimFile();
        }

        return new(nextOffset, size, validEnd < size, epochs);
    }
}
