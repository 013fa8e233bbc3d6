using Milena.Common;

namespace Milena.Storage;

/// <summary>What a node's logs need to know; the names in the texts are Kafka's.</summary>
public sealed record LogManagerOptions
{
    /// <summary><c>log.dirs</c>: absolute paths.</summary>
    public required IReadOnlyList<string> LogDirs { get; init; }

    /// <summary><c>metadata.log.dir</c>; null for the first of <see cref="LogDirs"/>. If it is none of those, it holds that log alone.</summary>
    public string? MetadataLogDir { get; init; }

    /// <summary><c>node.id</c>.</summary>
    public required int NodeId { get; init; }

    /// <summary>The cluster's id; null to take it from the directories, or to draw one if they are all new.</summary>
    public string? ClusterId { get; init; }

    /// <summary><c>num.recovery.threads.per.data.dir</c>.</summary>
    public int RecoveryThreadsPerDataDir { get; init; } = 2;

    /// <summary><c>log.retention.check.interval.ms</c>.</summary>
    public long RetentionCheckIntervalMs { get; init; } = 300_000;

    /// <summary><c>log.initial.task.delay.ms</c>: how long after the start the first of these checks comes.</summary>
    public long InitialTaskDelayMs { get; init; } = 30_000;

    /// <summary>
    /// Logs are synced in the background, off the way of appends, so that what a recovery must read is never much older than this.
    /// Ours; Kafka leaves it to the operating system. <see cref="LogConfig.FlushMs"/> may ask for less.
    /// </summary>
    public long RecoveryPointLagMs { get; init; } = 5_000;

    /// <summary><c>log.flush.offset.checkpoint.interval.ms</c>; the checkpoint is also written after each background sync.</summary>
    public long RecoveryPointCheckpointIntervalMs { get; init; } = 60_000;

    /// <summary><c>log.flush.start.offset.checkpoint.interval.ms</c>.</summary>
    public long LogStartCheckpointIntervalMs { get; init; } = 60_000;

    /// <summary><c>replica.high.watermark.checkpoint.interval.ms</c>.</summary>
    public long HighWatermarkCheckpointIntervalMs { get; init; } = 5_000;

    /// <summary><c>producer.id.expiration.ms</c>.</summary>
    public long ProducerIdExpirationMs { get; init; } = 86_400_000;

    /// <summary><c>producer.id.expiration.check.interval.ms</c>.</summary>
    public long ProducerIdExpirationCheckIntervalMs { get; init; } = 600_000;

    /// <summary><c>log.cleaner.*</c>: how logs are compacted.</summary>
    public CleanerOptions Cleaner { get; init; } = new();

    /// <summary>How many files of logs are open at once, at most; beyond that, those that were not used lately are closed. Ours.</summary>
    public int OpenFilesMax { get; init; } = 4_096;

    /// <summary>Files that nobody has used for so long are closed. Ours.</summary>
    public long IdleFileMs { get; init; } = 120_000;
}

/// <summary>A log directory cannot be used, for a reason that the user can mend; the message is one line that says it.</summary>
public sealed class LogDirectoryException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>A log directory, as others may know it.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Id">Its own id (KIP-858); zero if it could not be read.</param>
/// <param name="IsOffline">True once it has failed.</param>
public readonly record struct LogDirInfo(string Path, Uuid Id, bool IsOffline);
