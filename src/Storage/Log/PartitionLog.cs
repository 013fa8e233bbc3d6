using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <summary>
/// The log of a partition on this node: <c>LogStartOffset &lt;= LastStableOffset &lt;= HighWatermark &lt;= LogEndOffset</c>. One
/// writer at a time; readers are never blocked, least of all by a sync.
/// </summary>
public sealed class PartitionLog
{
    internal PartitionLog() { }

    /// <summary>Whose log it is.</summary>
    public TopicPartition Partition => throw new NotImplementedException();

    /// <summary>The topic's id in <c>partition.metadata</c>; null for logs that have none (the metadata log).</summary>
    public Uuid? TopicId => throw new NotImplementedException();

    /// <summary>The topic's settings. They may be changed at any time, and hold from the next append, read or check on.</summary>
    public LogConfig Config { get; set; } = LogConfig.Default;

    /// <summary>The id of the log directory that holds it.</summary>
    public Uuid DirectoryId => throw new NotImplementedException();

    /// <summary>The path of the log directory that holds it.</summary>
    public string LogDir => throw new NotImplementedException();

    /// <summary>True once the log directory has failed: everything answers <see cref="ErrorCode.KafkaStorageError"/>.</summary>
    public bool IsOffline => throw new NotImplementedException();

    /// <summary>The first offset that can be read.</summary>
    public long LogStartOffset => throw new NotImplementedException();

    /// <summary>The offset that is written next; exclusive.</summary>
    public long LogEndOffset => throw new NotImplementedException();

    /// <summary>Everything below it survives a power cut; exclusive.</summary>
    public long RecoveryPoint => throw new NotImplementedException();

    /// <summary>What <see cref="AdvanceHighWatermark"/> last said; after a start, what the checkpoint says, within the log's bounds.</summary>
    public long HighWatermark => throw new NotImplementedException();

    /// <summary>Below it, and below the high watermark, no transaction is open.</summary>
    public long LastStableOffset => throw new NotImplementedException();

    /// <summary>Bytes in segment files.</summary>
    public long Size => throw new NotImplementedException();

    /// <summary>The epochs of leaders in this log.</summary>
    public LeaderEpochs Epochs => throw new NotImplementedException();

    /// <summary>
    /// Appends batches as the partition's leader: checks them as their origin asks, gives them offsets, the epoch and, if the topic
    /// says so, the time, all in place, and writes the same bytes. The memory may be used again afterwards. Returns the error of
    /// Produce if nothing was written.
    /// </summary>
    public AppendResult AppendAsLeader(Memory<byte> batches, int leaderEpoch, AppendOrigin origin) => throw new NotImplementedException();

    /// <summary>
    /// Appends batches as they came from the leader, with the offsets and epochs it gave them. Partial batches at the end are left
    /// out. <see cref="ErrorCode.CorruptMessage"/> if a CRC is wrong, <see cref="ErrorCode.OffsetOutOfRange"/> if offsets lie below
    /// the log's end.
    /// </summary>
    public AppendResult AppendAsFollower(Memory<byte> batches) => throw new NotImplementedException();

    /// <summary>
    /// Finds the batches from an offset on: at most <paramref name="maxBytes"/>, cut wherever that ends, and none at or beyond
    /// <paramref name="upperBoundOffset"/> (the high watermark or the last stable offset for consumers, the log's end for
    /// followers). If not even the first batch fits, it is returned whole with <paramref name="minOneBatch"/> and nothing without
    /// (KIP-74).
    /// </summary>
    public LogRead Read(long fetchOffset, int maxBytes, long upperBoundOffset, bool minOneBatch) => throw new NotImplementedException();

    /// <summary>The aborted transactions that a reader of these records must know (read committed).</summary>
    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long fetchOffset, in LogRead read) => throw new NotImplementedException();

    /// <summary>
    /// Returns when everything below an offset survives a power cut: <see cref="ErrorCode.None"/>, or
    /// <see cref="ErrorCode.KafkaStorageError"/>. All who wait at the same time share one sync (group commit).
    /// </summary>
    public ValueTask<ErrorCode> FlushAsync(long upToOffset) => throw new NotImplementedException();

    /// <summary>The first record, from the log's start on, whose time is at least the timestamp (ms).</summary>
    public OffsetLookup FindByTimestamp(long timestampMs) => throw new NotImplementedException();

    /// <summary>The first record with the largest time (KIP-734).</summary>
    public OffsetLookup FindMaxTimestamp() => throw new NotImplementedException();

    /// <summary>Tells the log up to where it is replicated. Never backwards but after a truncation.</summary>
    public void AdvanceHighWatermark(long offset) => throw new NotImplementedException();

    /// <summary>
    /// Moves the log's start up (DeleteRecords, or a follower's leader did). An offset below it changes nothing; one above the high
    /// watermark is <see cref="ErrorCode.OffsetOutOfRange"/>.
    /// </summary>
    public ErrorCode AdvanceLogStart(long offset) => throw new NotImplementedException();

    /// <summary>Removes everything from an offset on, with the whole of the batch that holds it.</summary>
    public ErrorCode TruncateTo(long offset) => throw new NotImplementedException();

    /// <summary>Removes everything and goes on at an offset (a follower whose leader no longer has what it lacks).</summary>
    public ErrorCode TruncateFullyAndStartAt(long offset) => throw new NotImplementedException();

    /// <summary>The producers that the log knows, for DescribeProducers.</summary>
    public IReadOnlyList<ProducerInfo> DescribeProducers() => throw new NotImplementedException();
}

/// <summary>What a log knows of an idempotent or transactional producer.</summary>
/// <param name="ProducerId">Its id.</param>
/// <param name="ProducerEpoch">Its epoch.</param>
/// <param name="LastSequence">The sequence number of its last record; -1 if none is known.</param>
/// <param name="LastTimestampMs">The time of its last batch or marker.</param>
/// <param name="CoordinatorEpoch">The epoch of the coordinator that wrote its last marker; -1 for none.</param>
/// <param name="CurrentTransactionFirstOffset">Where its open transaction begins; -1 if none is open.</param>
public readonly record struct ProducerInfo(
    long ProducerId, short ProducerEpoch, int LastSequence, long LastTimestampMs, int CoordinatorEpoch, long CurrentTransactionFirstOffset);

/// <summary>The epochs of a log's leaders and where each began; answers OffsetForLeaderEpoch.</summary>
public sealed class LeaderEpochs
{
    internal LeaderEpochs() { }

    /// <summary>The latest epoch; -1 if there is none.</summary>
    public int Latest => throw new NotImplementedException();

    /// <summary>
    /// A new leader begins at an offset; called when leadership arrives, so that the epoch is known before its first record. What it
    /// contradicts is forgotten; what is known already changes nothing.
    /// </summary>
    public void Assign(int epoch, long startOffset) => throw new NotImplementedException();

    /// <summary>
    /// The largest known epoch that is at most the given one, and the offset behind its last record; (-1, -1) if that is not known
    /// (KIP-320).
    /// </summary>
    public EpochEnd EndOf(int epoch) => throw new NotImplementedException();

    /// <summary>The epoch of the leader that appended an offset; -1 if it is not known.</summary>
    public int EpochAt(long offset) => throw new NotImplementedException();
}

/// <summary>An epoch and the offset behind its last record; -1 both if not known.</summary>
public readonly record struct EpochEnd(int Epoch, long EndOffset);
