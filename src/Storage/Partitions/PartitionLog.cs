using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// The log of a partition on this node: <c>LogStartOffset &lt;= LastStableOffset &lt;= HighWatermark &lt;= LogEndOffset</c>. One
/// writer at a time, for as long as a write into the page cache takes; readers are never blocked, least of all by a sync. Any thread
/// may call anything.
/// </summary>
public sealed partial class PartitionLog : ISyncedLog
{
    private readonly Lock writing = new(); // a leaf: nothing but the disk is called under it
    private volatile LogDirectory directory; // this and the next two change when the log moves to another directory
    private volatile PartitionDirectory place;
    private volatile SnapshotFiles snapshots;
    private readonly ProducerStates producers = new();
    private readonly GroupCommit commit;
    private LogSegment[] segments; // ascending, at least one; the last is the active one. Replaced, never changed.
    private BatchRules rules;
    private LogConfig config;
    private long logStartOffset;
    private long logEndOffset;
    private int ledEpoch = -1; // the latest in which this node was told that it leads
    private long highWatermark;
    private long lastFlushedMs;
    private int truncations; // counts the beginnings and the ends of them, so it is odd during one
    private volatile bool isClosed;
    private volatile bool isBeingDeleted;
    private volatile bool isBlank; // there was never a byte in its files
    private volatile bool hasUnsyncedTopicId;
    private volatile bool hasNewNames; // a name is not known to survive a power cut until its directory has been synced

    internal PartitionLog(
        TopicPartition partition, Uuid? topicId, LogDirectory directory, PartitionDirectory place, LogConfig config, LogSegment[] segments,
        SnapshotFiles snapshots, IReadOnlyCollection<EpochStart> epochs, EpochStart[] epochsInFile, long logStartOffset)
    {
        Partition = partition;
        TopicId = topicId;
        this.directory = directory;
        this.place = place;
        this.config = config;
        this.segments = segments;
        this.snapshots = snapshots;
        this.logStartOffset = logStartOffset;
        rules = config.Rules();
        commit = new(this, directory.SyncThreads);
        lastFlushedMs = directory.NowMs;
        Epochs = new(epochs, () => LogEndOffset, epochsInFile);
    }

    /// <summary>Whose log it is.</summary>
    public TopicPartition Partition { get; }

    /// <summary>The topic's id, as in <c>partition.metadata</c>; null if that is missing (an old directory, the metadata log).</summary>
    public Uuid? TopicId { get; private set; }

    /// <summary>The topic's settings. They may be changed at any time, and hold from the next append, roll or check on.</summary>
    public LogConfig Config
    {
        get => config;
        set
        {
            rules = value.Rules();
            config = value;
        }
    }

    /// <summary>The id of the log directory that holds it.</summary>
    public Uuid DirectoryId => directory.Id;

    /// <summary>The path of the log directory that holds it.</summary>
    public string LogDir => directory.Path;

    /// <summary>True once the log directory has failed: everything answers <see cref="ErrorCode.KafkaStorageError"/>.</summary>
    public bool IsOffline => directory.IsOffline;

    /// <summary>The first offset that can be read.</summary>
    public long LogStartOffset => Volatile.Read(ref logStartOffset);

    /// <summary>The offset that is written next; exclusive.</summary>
    public long LogEndOffset => Volatile.Read(ref logEndOffset);

    /// <summary>Everything below it survives a power cut; exclusive.</summary>
    public long RecoveryPoint => commit.FlushedTo;

    /// <summary>
    /// What <see cref="AdvanceHighWatermark"/> last said; after a start, what the checkpoint says, within the log's bounds.
    /// </summary>
    public long HighWatermark => Volatile.Read(ref highWatermark);

    /// <summary>Below it, and below the high watermark, no transaction is open: what readers of committed records may see.</summary>
    public long LastStableOffset => Math.Max(LogStartOffset, Math.Min(producers.FirstUnstableOffset, HighWatermark));

    /// <summary>Bytes of record batches.</summary>
    public long Size
    {
        get
        {
            var sum = 0L;
            foreach (var segment in Segments)
                sum += segment.Size;
            return sum;
        }
    }

    /// <summary>How many segments there are.</summary>
    public int SegmentCount => Segments.Length;

    /// <summary>How many idempotent producers it remembers. For reports: another thread may be changing it.</summary>
    public int ProducerCount => producers.Count;

    /// <summary>The epochs of leaders in this log.</summary>
    public LeaderEpochs Epochs { get; }

    /// <summary>
    /// Returns when everything below an offset survives a power cut: <see cref="ErrorCode.None"/>, or
    /// <see cref="ErrorCode.KafkaStorageError"/>. All who wait at the same time share one sync (group commit), which runs on a thread
    /// of the log directory's.
    /// </summary>
    public ValueTask<ErrorCode> FlushAsync(long upToOffset)
    {
        Invariant.Holds(upToOffset <= LogEndOffset);
        if (upToOffset <= RecoveryPoint && !IsOffline)
            return new(ErrorCode.None);
        return IsOffline || isClosed ? new(Refusal) : commit.FlushAsync(upToOffset);
    }

    /// <summary>Tells the log up to where it is replicated, at most its end. It never goes backwards but by a truncation.</summary>
    public void AdvanceHighWatermark(long offset)
    {
        Invariant.Holds(offset <= LogEndOffset);
        long known;
        while ((known = HighWatermark) < offset)
        {
            if (Interlocked.CompareExchange(ref highWatermark, offset, known) == known)
                break;
        }

        if (!producers.AwaitsHighWatermark)
            return;
        lock (writing)
            producers.OnHighWatermark(HighWatermark);
    }

    /// <summary>The producers that the log knows, for DescribeProducers.</summary>
    public IReadOnlyList<ProducerInfo> DescribeProducers()
    {
        lock (writing)
        {
            return
            [
                .. producers.Entries.Select(entry => new ProducerInfo(
                    entry.ProducerId, entry.Epoch, entry.LastSequence, entry.LastTimestamp, entry.CoordinatorEpoch, entry.TransactionFirstOffset)),
            ];
        }
    }

    /// <summary>Why nothing is written or acknowledged any more: the directory has failed or is closed, or the topic is deleted.</summary>
    public ErrorCode Refusal => isBeingDeleted && !IsOffline ? ErrorCode.UnknownTopicOrPartition : ErrorCode.KafkaStorageError;

    /// <inheritdoc/>
    public override string ToString() => Partition.ToString();

    private LogSegment[] Segments => Volatile.Read(ref segments);

    private LogSegment Active => Segments[^1];

    /// <summary>The index of the last segment whose base offset is at most the given one; -1 if there is none.</summary>
    private static int FloorIndex(LogSegment[] segments, long offset)
    {
        var low = 0;
        var high = segments.Length;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (segments[middle].BaseOffset <= offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low - 1;
    }
}
