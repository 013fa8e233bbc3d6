using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>What a topic's configuration asks of a produced batch. Made once a configuration, not once a batch.</summary>
public sealed record BatchRules
{
    /// <summary>As many times the default of <c>max.message.bytes</c> as good compression makes of text.</summary>
    public const int DecompressedBytesMaxDefault = 64 * 1024 * 1024;

    /// <summary><c>max.message.bytes</c>: the largest batch, header included, as received and as stored.</summary>
    public int MaxMessageBytes { get; init; } = 1_048_588;

    /// <summary>True for a compacted topic: every record needs a key.</summary>
    public bool RequireKeys { get; init; }

    /// <summary><c>message.timestamp.type</c>.</summary>
    public TimestampType TimestampType { get; init; }

    /// <summary><c>message.timestamp.before.max.ms</c>.</summary>
    public long TimestampBeforeMaxMs { get; init; } = long.MaxValue;

    /// <summary><c>message.timestamp.after.max.ms</c>.</summary>
    public long TimestampAfterMaxMs { get; init; } = 3_600_000;

    /// <summary><c>compression.type</c>: null for <c>producer</c>, which keeps the batch as it comes.</summary>
    public CompressionCodec? Codec { get; init; }

    /// <summary>The level for <see cref="Codec"/>, null for its default.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>How many bytes of records may come out of a batch, where it must be decompressed at all.</summary>
    public int DecompressedBytesMax { get; init; } = DecompressedBytesMaxDefault;

    /// <summary>The earliest timestamp allowed at that time, ms.</summary>
    internal long EarliestTimestamp(long nowMs) => nowMs - TimestampBeforeMaxMs;

    /// <summary>The latest timestamp allowed at that time, ms.</summary>
    internal long LatestTimestamp(long nowMs) => TimestampAfterMaxMs > long.MaxValue - nowMs ? long.MaxValue : nowMs + TimestampAfterMaxMs;

    /// <summary>Whether a record's time is allowed; -1, for none, always is.</summary>
    internal bool AllowsTimestamp(long timestampMs, long nowMs) =>
        TimestampType == TimestampType.LogAppendTime
        || timestampMs == -1
        || (timestampMs >= EarliestTimestamp(nowMs) && timestampMs <= LatestTimestamp(nowMs));
}
