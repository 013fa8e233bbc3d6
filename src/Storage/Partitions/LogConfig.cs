using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>What <c>cleanup.policy</c> names. Neither means that nothing is ever removed.</summary>
[Flags]
public enum CleanupPolicy
{
    /// <summary>Keep everything.</summary>
    None = 0,

    /// <summary>Remove old segments.</summary>
    Delete = 1,

    /// <summary>Keep the last record of each key.</summary>
    Compact = 2,
}

/// <summary>
/// A topic's settings, as far as its logs act on them; the names and meanings are Kafka's. The defaults are too, but for
/// <see cref="RetentionMs"/>. -1 stands for no limit where it says so. A value, so a change is a new one
/// (<see cref="PartitionLog.Config"/>).
/// </summary>
public sealed record LogConfig
{
    /// <summary>Kafka's defaults, with two weeks of retention.</summary>
    public static LogConfig Default { get; } = new();

    /// <summary><c>segment.bytes</c>: a segment is rolled before it grows beyond this.</summary>
    public int SegmentBytes { get; init; } = 1 << 30;

    /// <summary><c>segment.ms</c>: a segment is rolled when it gets older than this.</summary>
    public long SegmentMs { get; init; } = 7 * DayMs;

    /// <summary><c>segment.jitter.ms</c>: up to so much less of <see cref="SegmentMs"/>, so that not all logs roll at once.</summary>
    public long SegmentJitterMs { get; init; }

    /// <summary><c>segment.index.bytes</c>: a segment is rolled when an index of it gets larger than this.</summary>
    public int SegmentIndexBytes { get; init; } = 10 << 20;

    /// <summary><c>index.interval.bytes</c>: the offset index has an entry about every so many bytes.</summary>
    public int IndexIntervalBytes { get; init; } = 4096;

    /// <summary><c>preallocate</c>: segment files get their full size at once.</summary>
    public bool Preallocate { get; init; }

    /// <summary><c>flush.messages</c>: the log is synced when so many records are not.</summary>
    public long FlushMessages { get; init; } = long.MaxValue;

    /// <summary><c>flush.ms</c>: the log is synced when the last sync is so long ago.</summary>
    public long FlushMs { get; init; } = long.MaxValue;

    /// <summary><c>retention.ms</c>: older segments are removed; -1 for never. Two weeks, where Kafka has one.</summary>
    public long RetentionMs { get; init; } = 14 * DayMs;

    /// <summary><c>retention.bytes</c>: the oldest segments are removed while a log is larger; -1 for never.</summary>
    public long RetentionBytes { get; init; } = -1;

    /// <summary><c>file.delete.delay.ms</c>: how long a removed file stays on the disk, for those who still read it.</summary>
    public long FileDeleteDelayMs { get; init; } = 60_000;

    /// <summary><c>cleanup.policy</c>.</summary>
    public CleanupPolicy CleanupPolicy { get; init; } = CleanupPolicy.Delete;

    /// <summary><c>min.cleanable.dirty.ratio</c>: the log is compacted when more of it than this is dirty.</summary>
    public double MinCleanableDirtyRatio { get; init; } = 0.5;

    /// <summary><c>min.compaction.lag.ms</c>: records younger than this are not compacted.</summary>
    public long MinCompactionLagMs { get; init; }

    /// <summary><c>max.compaction.lag.ms</c>: records older than this are compacted however little is dirty.</summary>
    public long MaxCompactionLagMs { get; init; } = long.MaxValue;

    /// <summary><c>delete.retention.ms</c>: how long compaction keeps tombstones, for those who read from the start.</summary>
    public long DeleteRetentionMs { get; init; } = DayMs;

    /// <summary>When a segment is rolled for its age: the active one is not compacted, so records may not wait in it for too long.</summary>
    internal long RollMs => (CleanupPolicy & CleanupPolicy.Compact) != 0 ? Math.Min(SegmentMs, MaxCompactionLagMs) : SegmentMs;

    /// <summary><c>max.message.bytes</c>: the largest batch that a client may send, header included.</summary>
    public int MaxMessageBytes { get; init; } = 1_048_588;

    /// <summary><c>message.timestamp.type</c>.</summary>
    public TimestampType TimestampType { get; init; } = TimestampType.CreateTime;

    /// <summary><c>message.timestamp.before.max.ms</c>: how far a record's time may lie in the past.</summary>
    public long TimestampBeforeMaxMs { get; init; } = long.MaxValue;

    /// <summary><c>message.timestamp.after.max.ms</c>: how far a record's time may lie in the future.</summary>
    public long TimestampAfterMaxMs { get; init; } = 3_600_000;

    /// <summary><c>compression.type</c>: batches are stored in this codec; null (<c>producer</c>) as they come.</summary>
    public CompressionCodec? Compression { get; init; }

    /// <summary>
    /// <c>compression.gzip.level</c>, <c>compression.lz4.level</c> or <c>compression.zstd.level</c>, whichever
    /// <see cref="Compression"/> asks for; null for the codec's default.
    /// </summary>
    public int? CompressionLevel { get; init; }

    /// <summary>What a producer's batches are checked against.</summary>
    internal BatchRules Rules() => new()
    {
        MaxMessageBytes = MaxMessageBytes,
        RequireKeys = CleanupPolicy.HasFlag(CleanupPolicy.Compact),
        TimestampType = TimestampType,
        TimestampBeforeMaxMs = TimestampBeforeMaxMs,
        TimestampAfterMaxMs = TimestampAfterMaxMs,
        Codec = Compression,
        CompressionLevel = CompressionLevel,
    };

    private const long DayMs = 24 * 3_600_000L;
}
