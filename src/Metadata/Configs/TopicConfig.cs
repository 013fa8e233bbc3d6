using System.Collections.Immutable;
using Milena.Protocol.Records;

namespace Milena.Metadata.Configs;

/// <summary>
/// A topic's configuration as it is in force: what was set for the topic, over what its broker says. A value; made by
/// <see cref="Resolve"/>, and again whenever one of the layers changes.
/// </summary>
public sealed record TopicConfig
{
    private TopicConfig()
    {
    }

    public bool IsCompacted { get; private init; }

    /// <summary>Whether old segments are deleted; a topic may be compacted too, or neither.</summary>
    public bool IsDeleted { get; private init; }

    /// <summary><c>producer</c> (as it was sent), <c>uncompressed</c>, or the name of a codec.</summary>
    public string CompressionType { get; private init; } = "";

    public int CompressionGzipLevel { get; private init; }

    public int CompressionLz4Level { get; private init; }

    public int CompressionZstdLevel { get; private init; }

    public long DeleteRetentionMs { get; private init; }

    public long FileDeleteDelayMs { get; private init; }

    public long FlushMessages { get; private init; }

    public long FlushMs { get; private init; }

    public int IndexIntervalBytes { get; private init; }

    public long MaxCompactionLagMs { get; private init; }

    public int MaxMessageBytes { get; private init; }

    public long MessageTimestampAfterMaxMs { get; private init; }

    public long MessageTimestampBeforeMaxMs { get; private init; }

    public TimestampType MessageTimestampType { get; private init; }

    public double MinCleanableDirtyRatio { get; private init; }

    public long MinCompactionLagMs { get; private init; }

    public int MinInsyncReplicas { get; private init; }

    public bool Preallocate { get; private init; }

    public bool RemoteStorageEnable { get; private init; }

    /// <summary>-1 for no limit.</summary>
    public long RetentionBytes { get; private init; }

    /// <summary>-1 for no limit.</summary>
    public long RetentionMs { get; private init; }

    public int SegmentBytes { get; private init; }

    public int SegmentIndexBytes { get; private init; }

    public long SegmentJitterMs { get; private init; }

    public long SegmentMs { get; private init; }

    public bool UncleanLeaderElection { get; private init; }

    /// <summary>The configuration of a topic for which nothing is set.</summary>
    public static TopicConfig Default(ConfigLayers layers) => Resolve(ImmutableDictionary<string, string>.Empty, layers);

    /// <summary>The configuration of a topic for which <paramref name="overrides"/> are set.</summary>
    public static TopicConfig Resolve(IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        var policy = (string[])Value("cleanup.policy");
        return new TopicConfig
        {
            IsCompacted = policy.Contains("compact"),
            IsDeleted = policy.Contains("delete"),
            CompressionType = (string)Value("compression.type"),
            CompressionGzipLevel = (int)Value("compression.gzip.level"),
            CompressionLz4Level = (int)Value("compression.lz4.level"),
            CompressionZstdLevel = (int)Value("compression.zstd.level"),
            DeleteRetentionMs = (long)Value("delete.retention.ms"),
            FileDeleteDelayMs = (long)Value("file.delete.delay.ms"),
            FlushMessages = (long)Value("flush.messages"),
            FlushMs = (long)Value("flush.ms"),
            IndexIntervalBytes = (int)Value("index.interval.bytes"),
            MaxCompactionLagMs = (long)Value("max.compaction.lag.ms"),
            MaxMessageBytes = (int)Value("max.message.bytes"),
            MessageTimestampAfterMaxMs = (long)Value("message.timestamp.after.max.ms"),
            MessageTimestampBeforeMaxMs = (long)Value("message.timestamp.before.max.ms"),
            MessageTimestampType = (string)Value("message.timestamp.type") == "LogAppendTime" ? TimestampType.LogAppendTime : TimestampType.CreateTime,
            MinCleanableDirtyRatio = (double)Value("min.cleanable.dirty.ratio"),
            MinCompactionLagMs = (long)Value("min.compaction.lag.ms"),
            MinInsyncReplicas = (int)Value("min.insync.replicas"),
            Preallocate = (bool)Value("preallocate"),
            RemoteStorageEnable = (bool)Value("remote.storage.enable"),
            RetentionBytes = (long)Value("retention.bytes"),
            RetentionMs = (long)Value("retention.ms"),
            SegmentBytes = InForce("internal.segment.bytes", overrides, layers) as int? ?? (int)Value("segment.bytes"),
            SegmentIndexBytes = (int)Value("segment.index.bytes"),
            SegmentJitterMs = (long)Value("segment.jitter.ms"),
            SegmentMs = (long)Value("segment.ms"),
            UncleanLeaderElection = (bool)Value("unclean.leader.election.enable"),
        };

        object Value(string name) => InForce(name, overrides, layers)!;
    }

    /// <summary>
    /// The value of one of a topic's configurations that is in force: the topic's own, else that of the first of the
    /// broker's synonyms that has one, else the default.
    /// </summary>
    internal static object? InForce(string name, IReadOnlyDictionary<string, string> overrides, ConfigLayers layers)
    {
        var def = ConfigTable.Find(ConfigScope.Topic, name)!;
        if (overrides.TryGetValue(name, out var text) && def.Parse(text) is { Error: null } outcome)
            return outcome.Value;
        foreach (var synonym in def.Synonyms)
        {
            if (layers.Value(synonym.Name) is { } value)
                return Converted(value, synonym.Factor, def.Type);
        }

        return def.Parse(def.Default).Value;
    }

    // Hours and minutes become milliseconds; less than nothing means no limit, whatever its unit.
    private static object Converted(object value, long factor, ConfigType type)
    {
        if (value is not (int or long))
            return value;
        var number = Convert.ToInt64(value);
        number = factor == 1 ? number : number < 0 ? -1 : number * factor;
        return type == ConfigType.Long ? number : (object)(int)number;
    }
}
