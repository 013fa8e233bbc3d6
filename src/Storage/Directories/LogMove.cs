using System.Buffers;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// A log on its way to another log directory: a copy in <c>topic-N.&lt;uuid&gt;-future</c>, which follows the log until it has everything and
/// takes its place. Moved on by one caller at a time.
/// </summary>
public sealed class LogMove
{
    private readonly LogManager manager;
    private int truncations;
    private long cleanedTo;

    internal LogMove(LogManager manager, PartitionLog log, PartitionLog copy)
    {
        this.manager = manager;
        Log = log;
        Future = copy;
        (truncations, cleanedTo) = (log.Truncations, log.CleanedTo);
    }

    /// <summary>What moves.</summary>
    public PartitionLog Log { get; }

    /// <summary>The id of the directory that it moves to.</summary>
    public Uuid DirectoryId => Future.DirectoryId;

    /// <summary>The path of the directory that it moves to.</summary>
    public string LogDir => Future.LogDir;

    /// <summary>Bytes that are there already.</summary>
    public long Size => Future.Size;

    /// <summary>How many offsets are missing there.</summary>
    public long Lag => Math.Max(0, Log.LogEndOffset - Future.LogEndOffset);

    /// <summary>Why it cannot go on: the disk of one of the two refuses, or the log is gone; null as long as it can.</summary>
    public ErrorCode? Failure { get; private set; }

    /// <summary>Whether it is under way: it has neither ended nor been given up.</summary>
    public bool IsUnderWay => Failure is null && manager.MoveOf(Log.Partition) == this;

    internal PartitionLog Future { get; }

    /// <summary>
    /// Copies what comes next, up to so many bytes or one batch. Returns how many bytes that was; 0 if there is nothing more for now.
    /// </summary>
    public int Copy(int maxBytes)
    {
        if (!IsUnderWay)
            return 0;
        Future.Config = Log.Config;
        if (Log.Truncations != truncations && !StartAnew())
            return 0;
        var endOffset = Log.LogEndOffset;
        var from = Math.Max(Future.LogEndOffset, Log.LogStartOffset);
        if (Future.LogEndOffset < from && !Holds(Future.TruncateFullyAndStartAt(from)))
            return 0; // retention was quicker
        var read = Log.Read(from, maxBytes, endOffset, minOneBatch: true);
        if (read.Error == ErrorCode.OffsetOutOfRange || !Holds(read.Error))
            return 0; // the log has been cut at this moment
        if (read.Records.Length == 0)
        {
            if (Log.Truncations == truncations)
                Holds(Future.SkipTo(endOffset));
            return 0;
        }

        return Append(read.Records) ? read.Records.Length : 0;
    }

    /// <summary>
    /// Makes the copy the log, while appends wait; to be called when little is missing. False if it could not be now, or if the move has
    /// failed.
    /// </summary>
    public bool TryFinish() => IsUnderWay && manager.Finish(this, truncations, cleanedTo);

    // Records that were copied are gone from the log, and others may have come at their offsets.
    private bool StartAnew()
    {
        var now = Log.Truncations;
        if (now % 2 != 0 || !Holds(Future.TruncateFullyAndStartAt(Log.LogStartOffset)))
            return false;
        (truncations, cleanedTo) = (now, Log.CleanedTo);
        return true;
    }

    private bool Append(RecordBytes records)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(records.Length);
        try
        {
            var bytes = buffer.AsMemory(0, records.Length);
            records.Source!.Read(0, bytes.Span);
            var first = new RecordBatchView(bytes.Span).BaseOffset;
            // The batch that holds the log's start may begin before it.
            if (first < Future.LogEndOffset && Future.Size == 0 && !Holds(Future.TruncateFullyAndStartAt(first)))
                return false;
            if (Log.Truncations != truncations || !Holds(Future.AppendAsFollower(bytes).Error))
                return false;
            Future.AdvanceHighWatermark(Math.Min(Log.HighWatermark, Future.LogEndOffset));
            return Log.LogStartOffset > Future.HighWatermark || Holds(Future.AdvanceLogStart(Log.LogStartOffset));
        }
        catch (IOException)
        {
            // The segment left the log while it was read, or its disk has failed.
            if (Log.IsOffline)
                Failure = ErrorCode.KafkaStorageError;
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool Holds(ErrorCode error)
    {
        if (error == ErrorCode.None)
            return true;
        Failure = error;
        return false;
    }
}
