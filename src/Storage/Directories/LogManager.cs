using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <summary>What a node's logs need to know; the names behind the texts are Kafka's.</summary>
public sealed record LogManagerOptions
{
    /// <summary><c>log.dirs</c>: absolute paths.</summary>
    public required IReadOnlyList<string> LogDirs { get; init; }

    /// <summary><c>metadata.log.dir</c>; null for the first of <see cref="LogDirs"/>.</summary>
    public string? MetadataLogDir { get; init; }

    /// <summary><c>node.id</c>.</summary>
    public required int NodeId { get; init; }

    /// <summary>The cluster's id; null to take it from the directories, or to draw one if they are all new.</summary>
    public string? ClusterId { get; init; }

    /// <summary><c>num.recovery.threads.per.data.dir</c>.</summary>
    public int RecoveryThreadsPerDataDir { get; init; } = 2;

    /// <summary><c>log.retention.check.interval.ms</c>.</summary>
    public long RetentionCheckIntervalMs { get; init; } = 300_000;

    /// <summary><c>log.flush.scheduler.interval.ms</c>: how often <see cref="LogConfig.FlushMs"/> is looked at, at most a second.</summary>
    public long FlushSchedulerIntervalMs { get; init; } = long.MaxValue;

    /// <summary>
    /// Logs are synced in the background, off the way of appends, so that what a recovery must read is never older than this. Ours;
    /// Kafka leaves it to the operating system.
    /// </summary>
    public long RecoveryPointLagMs { get; init; } = 5_000;

    /// <summary><c>log.flush.offset.checkpoint.interval.ms</c>.</summary>
    public long RecoveryPointCheckpointIntervalMs { get; init; } = 60_000;

    /// <summary><c>log.flush.start.offset.checkpoint.interval.ms</c>.</summary>
    public long LogStartCheckpointIntervalMs { get; init; } = 60_000;

    /// <summary><c>replica.high.watermark.checkpoint.interval.ms</c>.</summary>
    public long HighWatermarkCheckpointIntervalMs { get; init; } = 5_000;

    /// <summary><c>producer.id.expiration.ms</c>.</summary>
    public int ProducerIdExpirationMs { get; init; } = 86_400_000;

    /// <summary><c>producer.id.expiration.check.interval.ms</c>.</summary>
    public int ProducerIdExpirationCheckIntervalMs { get; init; } = 600_000;
}

/// <summary>A log directory cannot be used, for a reason that the user can mend; the message is one line that says it.</summary>
public sealed class LogDirectoryException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>A log directory, as others may know it.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Id">Its own id (KIP-858).</param>
/// <param name="IsOffline">True once it has failed.</param>
public readonly record struct LogDirInfo(string Path, Uuid Id, bool IsOffline);

/// <summary>
/// All logs of a node: opens and locks the log directories, loads what is in them, creates and removes logs, and does in the
/// background what logs need (retention, flushes, checkpoints).
/// </summary>
public sealed class LogManager : IAsyncDisposable
{
    private LogManager() { }

    /// <summary>
    /// Locks the directories and reads or writes their <c>meta.properties</c>; loads no logs yet. Throws
    /// <see cref="LogDirectoryException"/> if a directory is in use, belongs to another cluster or node, or if none can be used. One
    /// of several that cannot be read is offline from the start.
    /// </summary>
    /// <param name="options">The settings.</param>
    /// <param name="time">Timestamps and timers.</param>
    /// <param name="random">Ids and jitter.</param>
    /// <param name="loggers">Where the logs' own messages go.</param>
    /// <param name="files">The disk; null for the machine's.</param>
    public static LogManager Open(
        LogManagerOptions options, TimeProvider time, Random random, ILoggerFactory loggers, IFileSystem? files = null) =>
        throw new NotImplementedException();

    /// <summary>The cluster's id.</summary>
    public string ClusterId => throw new NotImplementedException();

    /// <summary>The broker's epoch at the last shutdown, if that was clean in all directories; -1 otherwise.</summary>
    public long PreviousBrokerEpoch => throw new NotImplementedException();

    /// <summary>The directories.</summary>
    public IReadOnlyList<LogDirInfo> LogDirs => throw new NotImplementedException();

    /// <summary>The logs that are open, the metadata log left out.</summary>
    public IReadOnlyCollection<PartitionLog> Logs => throw new NotImplementedException();

    /// <summary>
    /// A directory has failed and is offline from now on, with all its logs. Raised once for each, on a thread of its own; the
    /// process lives, whoever listens decides whether it should.
    /// </summary>
    public event Action<LogDirInfo, IOException>? LogDirFailed;

    /// <summary>Opens the log of <c>__cluster_metadata-0</c> in the metadata log directory, and makes it if it is missing.</summary>
    public PartitionLog OpenMetadataLog(LogConfig config) => throw new NotImplementedException();

    /// <summary>Loads all other logs, several at a time, and starts the background work. Call it once.</summary>
    /// <param name="configOf">The settings of a topic; they may also be set later (<see cref="PartitionLog.Config"/>).</param>
    public void LoadLogs(Func<string, LogConfig> configOf) => throw new NotImplementedException();

    /// <summary>The log of a partition, or null.</summary>
    public PartitionLog? Find(TopicPartition partition) => throw new NotImplementedException();

    /// <summary>
    /// The log of a partition, made in the directory with the fewest logs if it is missing. <see cref="ErrorCode.InconsistentTopicId"/>
    /// if there is one of another topic of that name; <see cref="ErrorCode.KafkaStorageError"/> if no directory is online.
    /// </summary>
    public ErrorCode GetOrCreate(TopicPartition partition, Uuid topicId, LogConfig config, out PartitionLog? log) =>
        throw new NotImplementedException();

    /// <summary>Takes a log out of use at once; its files go later, off the way. False if there is none.</summary>
    public bool Delete(TopicPartition partition) => throw new NotImplementedException();

    /// <summary>
    /// Takes out of use the logs that do not belong here, because their topic was deleted or moved while this node was away; their
    /// directories are renamed <c>-stray</c> and kept. Returns which.
    /// </summary>
    public IReadOnlyList<TopicPartition> MoveStrays(Func<TopicPartition, Uuid?, bool> belongsHere) => throw new NotImplementedException();

    /// <summary>
    /// Flushes and closes all logs, writes the checkpoints and the mark of a clean shutdown, and gives the locks back.
    /// </summary>
    /// <param name="brokerEpoch">The broker's epoch, -1 if it has none.</param>
    public ValueTask CloseAsync(long brokerEpoch = -1) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseAsync();

    private void Raise(LogDirInfo directory, IOException failure) => LogDirFailed?.Invoke(directory, failure);
}
