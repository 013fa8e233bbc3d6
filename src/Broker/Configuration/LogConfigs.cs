using Milena.Metadata.Configs;
using Milena.Protocol.Compression;
using Milena.Storage;

namespace Milena.Broker.Configuration;

/// <summary>A topic's configuration as its logs want it.</summary>
internal static class LogConfigs
{
    public static LogConfig From(TopicConfig topic)
    {
        CompressionCodec? codec = topic.CompressionType switch
        {
            "producer" => null,
            "uncompressed" => CompressionCodec.None,
            var name => CompressionCodecs.TryParse(name, out var known) ? known : null,
        };
        return LogConfig.Default with
        {
            SegmentBytes = topic.SegmentBytes,
            SegmentMs = topic.SegmentMs,
            SegmentJitterMs = topic.SegmentJitterMs,
            SegmentIndexBytes = topic.SegmentIndexBytes,
            IndexIntervalBytes = topic.IndexIntervalBytes,
            Preallocate = topic.Preallocate,
            FlushMessages = topic.FlushMessages,
            FlushMs = topic.FlushMs,
            RetentionMs = topic.RetentionMs,
            RetentionBytes = topic.RetentionBytes,
            FileDeleteDelayMs = topic.FileDeleteDelayMs,
            CleanupPolicy = (topic.IsDeleted ? CleanupPolicy.Delete : CleanupPolicy.None)
                | (topic.IsCompacted ? CleanupPolicy.Compact : CleanupPolicy.None),
            MinCleanableDirtyRatio = topic.MinCleanableDirtyRatio,
            MinCompactionLagMs = topic.MinCompactionLagMs,
            MaxCompactionLagMs = topic.MaxCompactionLagMs,
            DeleteRetentionMs = topic.DeleteRetentionMs,
            MaxMessageBytes = topic.MaxMessageBytes,
            TimestampType = topic.MessageTimestampType,
            TimestampBeforeMaxMs = topic.MessageTimestampBeforeMaxMs,
            TimestampAfterMaxMs = topic.MessageTimestampAfterMaxMs,
            Compression = codec,
            CompressionLevel = codec switch
            {
                CompressionCodec.Gzip => topic.CompressionGzipLevel,
                CompressionCodec.Lz4 => topic.CompressionLz4Level,
                CompressionCodec.Zstd => topic.CompressionZstdLevel,
                _ => null,
            },
        };
    }
}
