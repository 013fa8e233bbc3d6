using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// A run of a log in one file, with its indexes. The last segment of a log is the active one, which alone is written to; the log's
/// writer does that, and whatever else changes a segment. Readers need no lock: they see a batch only when its bytes are there.
/// </summary>
internal sealed partial class LogSegment
{
    private const long Unknown = long.MinValue;

    private readonly PartitionDirectory directory;
    private string stage;
    private RecentBatches? recent;
    private IndexFile? transactionIndex;
    private int size;
    private long maxTimestamp = Unknown;
    private long offsetOfMaxTimestamp = -1;
    private long lastTimeEntry = -1;
    private long firstTimestamp = Unknown;
    private int bytesSinceIndexEntry;
    private bool isPreallocated;
    private bool hasNewEntries;
    private volatile bool hasUnsyncedTransactions;
    private volatile bool hasUnsyncedSeal;

    private LogSegment(PartitionDirectory directory, long baseOffset, int size, string stage = "")
    {
        this.directory = directory;
        this.size = size;
        this.stage = stage;
        BaseOffset = baseOffset;
        File = new(directory, baseOffset, LogFileNames.Log, stage);
        OffsetIndex = OffsetIndexEntry.Open(new(directory, baseOffset, LogFileNames.OffsetIndex, stage));
        TimeIndex = TimeIndexEntry.Open(new(directory, baseOffset, LogFileNames.TimeIndex, stage));
    }

    /// <summary>No record in it has a lower offset; also the name of its files.</summary>
    public long BaseOffset { get; }

    public LazyFile File { get; }

    public IndexFile OffsetIndex { get; }

    public IndexFile TimeIndex { get; }

    /// <summary>The aborted transactions whose marker is in this segment; null if there are none.</summary>
    public IndexFile? TransactionIndex => Volatile.Read(ref transactionIndex);

    /// <summary>Bytes of whole batches.</summary>
    public int Size => Volatile.Read(ref size);

    /// <summary>True once another segment follows: nothing is added any more, and the indexes are complete.</summary>
    public bool IsSealed { get; private set; }

    /// <summary>True from the sealing to the next sync, even if all records were synced before.</summary>
    public bool HasUnsyncedSeal => hasUnsyncedSeal;

    /// <summary>When it was made or opened, Unix ms; what counts towards rolling while it has no record with a time.</summary>
    public long CreatedMs { get; private init; }

    /// <summary>How much sooner than <c>segment.ms</c> it is rolled.</summary>
    public long RollJitterMs { get; private init; }

    /// <summary>A new segment with empty files.</summary>
    public static LogSegment Create(PartitionDirectory directory, long baseOffset, LogConfig config, long nowMs, long rollJitterMs)
    {
        var segment = new LogSegment(directory, baseOffset, size: 0)
        {
            CreatedMs = nowMs,
            RollJitterMs = rollJitterMs,
            maxTimestamp = -1,
            isPreallocated = config.Preallocate,
        };
        segment.File.SetSize(config.Preallocate ? config.SegmentBytes : 0);
        segment.OffsetIndex.CreateEmpty();
        segment.TimeIndex.CreateEmpty();
        directory.Files.DeleteFile(directory.PathOf(baseOffset, LogFileNames.TransactionIndex));
        return segment;
    }

    /// <summary>A segment that compaction writes, beside those that it is to replace. It is nobody's yet.</summary>
    public static LogSegment CreateCleaned(PartitionDirectory directory, long baseOffset, long nowMs)
    {
        var segment = new LogSegment(directory, baseOffset, size: 0, LogFileNames.Cleaned) { CreatedMs = nowMs, maxTimestamp = -1 };
        segment.File.SetSize(0);
        segment.OffsetIndex.CreateEmpty();
        segment.TimeIndex.CreateEmpty();
        directory.Files.DeleteFile(directory.PathOf(baseOffset, LogFileNames.TransactionIndex + LogFileNames.Cleaned));
        return segment;
    }

    /// <summary>A segment whose files are there. They are opened when they are needed.</summary>
    public static LogSegment Open(
        PartitionDirectory directory, long baseOffset, int size, bool hasTransactionIndex, bool isSealed, long nowMs, long rollJitterMs)
    {
        var segment = new LogSegment(directory, baseOffset, size) { CreatedMs = nowMs, RollJitterMs = rollJitterMs, IsSealed = isSealed };
        if (hasTransactionIndex)
            segment.OpenTransactionIndex();
        return segment;
    }

    /// <summary>Whether batches of so many bytes, up to an offset, belong into the next segment.</summary>
    public bool MustRoll(int bytes, long lastOffset, long appendMaxTimestamp, LogConfig config, long nowMs)
    {
        if (Size > config.SegmentBytes - bytes || lastOffset - BaseOffset > int.MaxValue)
            return true;
        return (Size > 0 && WaitedMs(appendMaxTimestamp, nowMs) > config.RollMs - RollJitterMs)
            || OffsetIndex.Count >= config.SegmentIndexBytes / OffsetIndexEntry.Size
            || TimeIndex.Count >= (config.SegmentIndexBytes / TimeIndexEntry.Size) - 1; // one is kept for the last entry
    }

    /// <summary>
    /// Writes batches behind the last one, in one write, and indexes them. After an <see cref="IOException"/> the file may hold a
    /// part of them, behind <see cref="Size"/>.
    /// </summary>
    /// <param name="batches">Whole batches with their offsets.</param>
    /// <param name="logEndOffset">The offset behind the last batch so far.</param>
    /// <param name="indexIntervalBytes">How far apart index entries are.</param>
    public void Append(ReadOnlySpan<byte> batches, long logEndOffset, int indexIntervalBytes)
    {
        LoadMaxTimestamp();
        if (recent is null)
            Volatile.Write(ref recent, new(logEndOffset - BaseOffset, size));
        File.Write(size, batches);
        var position = size;
        foreach (var batch in RecordBatches.Enumerate(batches))
        {
            Index(batch, position, indexIntervalBytes);
            position += batch.SizeInBytes;
            recent.Add(batch.NextOffset - BaseOffset, position);
        }

        Volatile.Write(ref size, position);
    }

    /// <summary>Notes a transaction that was aborted by a marker in this segment.</summary>
    public void AddAborted(in AbortedTransaction aborted)
    {
        var index = transactionIndex ?? OpenTransactionIndex();
        Span<byte> entry = stackalloc byte[AbortedTransaction.Size];
        aborted.Write(entry);
        index.Append(entry);
        index.Flush(); // they are few, and cannot be found again without reading far back
        hasUnsyncedTransactions = true;
    }

    /// <summary>Nothing will be added any more: completes the indexes and gives back what was reserved.</summary>
    public void Seal()
    {
        IsSealed = true;
        CompleteIndexes();
        hasUnsyncedSeal = true;
        Volatile.Write(ref recent, null);
    }

    /// <summary>
    /// Brings the files into the state in which a closed log leaves them: the last time is in the time index, entries are written,
    /// and nothing is reserved. More may be added all the same.
    /// </summary>
    public void CompleteIndexes()
    {
        if (!hasNewEntries)
            return;
        hasNewEntries = false;
        if (maxTimestamp > lastTimeEntry && maxTimestamp >= 0)
            AddTimeEntry();
        OffsetIndex.Flush();
        TimeIndex.Flush();
        TrimFile();
    }

    /// <summary>
    /// Accounts for a batch at a position: an entry for it if the last one is far enough behind, and for the largest time so far if
    /// that has grown since.
    /// </summary>
    public void Index(in RecordBatchView batch, int position, int indexIntervalBytes)
    {
        hasNewEntries = true;
        if (firstTimestamp == Unknown && position == 0)
            firstTimestamp = batch.MaxTimestamp;
        if (batch.MaxTimestamp > maxTimestamp)
        {
            offsetOfMaxTimestamp = batch.LastOffset;
            Volatile.Write(ref maxTimestamp, batch.MaxTimestamp);
        }

        if (bytesSinceIndexEntry > indexIntervalBytes)
        {
            Span<byte> entry = stackalloc byte[OffsetIndexEntry.Size];
            new OffsetIndexEntry(batch.LastOffset, position).Write(entry, BaseOffset);
            OffsetIndex.Append(entry);
            if (maxTimestamp > lastTimeEntry)
                AddTimeEntry();
            bytesSinceIndexEntry = 0;
        }

        bytesSinceIndexEntry += batch.SizeInBytes;
    }

    private void AddTimeEntry()
    {
        Span<byte> entry = stackalloc byte[TimeIndexEntry.Size];
        new TimeIndexEntry(maxTimestamp, offsetOfMaxTimestamp).Write(entry, BaseOffset);
        TimeIndex.Append(entry);
        lastTimeEntry = maxTimestamp;
    }

    private IndexFile OpenTransactionIndex()
    {
        var index = AbortedTransaction.Open(new(directory, BaseOffset, LogFileNames.TransactionIndex, stage));
        index.File.Create();
        Volatile.Write(ref transactionIndex, index);
        return index;
    }

    private long WaitedMs(long appendMaxTimestamp, long nowMs) =>
        FirstTimestamp >= 0 ? appendMaxTimestamp - FirstTimestamp : nowMs - CreatedMs;
}
