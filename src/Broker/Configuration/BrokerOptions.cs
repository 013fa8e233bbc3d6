using System.Globalization;
using System.Net;
using Milena.Broker.Quorum;
using Milena.Broker.Quotas;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Metadata.Quotas;
using Milena.Network;
using Milena.Protocol.Compression;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Configuration;

/// <summary>What each part of the broker is told of its configuration: the only place that knows the names.</summary>
internal static class BrokerOptions
{
    public static LogManagerOptions LogManager(BrokerConfig config) => new()
    {
        LogDirs = [.. config.LogDirs.Select(Path.GetFullPath)],
        MetadataLogDir = Path.GetFullPath(config.MetadataLogDir),
        NodeId = config.NodeId,
        RecoveryThreadsPerDataDir = config.GetInt("num.recovery.threads.per.data.dir"),
        RetentionCheckIntervalMs = config.GetLong("log.retention.check.interval.ms"),
        Cleaner = Cleaner(new ConfigLayers(config)),
        RecoveryPointCheckpointIntervalMs = config.GetLong("log.flush.offset.checkpoint.interval.ms"),
        LogStartCheckpointIntervalMs = config.GetLong("log.flush.start.offset.checkpoint.interval.ms"),
        HighWatermarkCheckpointIntervalMs = config.GetLong("replica.high.watermark.checkpoint.interval.ms"),
        ProducerIdExpirationMs = config.GetInt("producer.id.expiration.ms"),
        ProducerIdExpirationCheckIntervalMs = config.GetInt("producer.id.expiration.check.interval.ms"),
    };

    /// <summary>How logs are compacted, which may change while the broker runs.</summary>
    public static CleanerOptions Cleaner(ConfigLayers config) => new()
    {
        Threads = (bool)config.Value("log.cleaner.enable")! ? (int)config.Value("log.cleaner.threads")! : 0,
        BackoffMs = (long)config.Value("log.cleaner.backoff.ms")!,
        DedupeBufferBytes = (long)config.Value("log.cleaner.dedupe.buffer.size")!,
        DedupeLoadFactor = (double)config.Value("log.cleaner.io.buffer.load.factor")!,
        IoBufferBytes = (int)config.Value("log.cleaner.io.buffer.size")!,
        IoMaxBytesPerSecond = (double)config.Value("log.cleaner.io.max.bytes.per.second")!,
    };

    /// <summary>
    /// The metadata log's own settings. Segments are no larger than what one snapshot stands for, so that what is before it can go.
    /// </summary>
    public static LogConfig MetadataLog(BrokerConfig config) => LogConfig.Default with
    {
        CleanupPolicy = CleanupPolicy.None,
        MaxMessageBytes = MetadataBatches.BatchBytesMax,
        SegmentBytes = config.Get("internal.metadata.log.segment.bytes").Value is int bytes
            ? bytes
            : (int)Math.Min(
                config.GetInt("metadata.log.segment.bytes"),
                Math.Max(config.GetLong("metadata.log.max.record.bytes.between.snapshots"), MetadataBatches.BatchBytesMax)),
        SegmentMs = config.GetLong("metadata.log.segment.ms"),
        FileDeleteDelayMs = config.GetLong("internal.metadata.delete.delay.millis"),
    };

    public static SnapshotOptions Snapshots(BrokerConfig config) => new(
        config.GetLong("metadata.log.max.record.bytes.between.snapshots"),
        config.GetLong("metadata.log.max.snapshot.interval.ms"),
        config.GetLong("metadata.max.retention.bytes"),
        config.GetLong("metadata.max.retention.ms"));

    /// <summary>The ids in <c>controller.quorum.voters</c>.</summary>
    public static IReadOnlyList<int> Voters(BrokerConfig config) =>
        [.. config.GetList("controller.quorum.voters").Select(voter => int.Parse(voter.AsSpan(0, voter.IndexOf('@')), CultureInfo.InvariantCulture))];

    public static FrameServerOptions Frames(BrokerConfig config) => new()
    {
        FrameBytesMax = config.GetInt("socket.request.max.bytes"),
        QueuedBytesMax = config.GetLong("queued.max.request.bytes"),
        IdleMax = TimeSpan.FromMilliseconds(config.GetLong("connections.max.idle.ms")),
        Connections = Connections(new ConfigLayers(config)),
    };

    /// <summary>The limits on connections, which may change while the broker runs.</summary>
    public static ConnectionLimits Connections(ConfigLayers config) => new()
    {
        Max = (int)config.Value("max.connections")!,
        MaxPerIp = (int)config.Value("max.connections.per.ip")!,
        MaxPerIpOverrides = PerIpOverrides((string?)config.Value("max.connections.per.ip.overrides") ?? ""),
        CreatedPerSecond = (int)config.Value("max.connection.creation.rate")!,
    };

    public static ClientQuotas Quotas(BrokerConfig config, TimeProvider time) =>
        new(time, Window(config, "quota"), Window(config, "controller.quota"));

    public static ListenerOptions Listener(BrokerConfig config, Endpoint endpoint) => new(endpoint.Name, endpoint.Host, endpoint.Port)
    {
        Backlog = config.GetInt("socket.listen.backlog.size"),
        Sockets = new SocketSettings
        {
            SendBufferBytes = config.GetInt("socket.send.buffer.bytes"),
            ReceiveBufferBytes = config.GetInt("socket.receive.buffer.bytes"),
        },
    };

    public static GroupConfig Groups(BrokerConfig config, MetadataCache metadata) => new()
    {
        OfGroup = (groupId, name) => OfGroup(config, metadata.Image, groupId, name),
        OffsetsTopicPartitions = config.GetInt("offsets.topic.num.partitions"),
        OffsetsTopicCompression = (CompressionCodec)config.GetInt("offsets.topic.compression.codec"),
        InitialRebalanceDelayMs = config.GetInt("group.initial.rebalance.delay.ms"),
        MinSessionTimeoutMs = config.GetInt("group.min.session.timeout.ms"),
        MaxSessionTimeoutMs = config.GetInt("group.max.session.timeout.ms"),
        MaxSize = config.GetInt("group.max.size"),
        ConsumerAssignors = config.GetList("group.consumer.assignors"),
        ConsumerSessionTimeoutMs = config.GetInt("group.consumer.session.timeout.ms"),
        ConsumerHeartbeatIntervalMs = config.GetInt("group.consumer.heartbeat.interval.ms"),
        ConsumerMaxSize = config.GetInt("group.consumer.max.size"),
        MigrationPolicy = Enum.Parse<MigrationPolicy>(config.GetString("group.consumer.migration.policy"), ignoreCase: true),
        RegexRefreshIntervalMs = config.GetInt("group.consumer.regex.refresh.interval.ms"),
        OffsetMetadataMaxBytes = config.GetInt("offset.metadata.max.bytes"),
        OffsetsRetentionMs = config.GetLong("offsets.retention.minutes") * 60_000,
        OffsetsRetentionCheckIntervalMs = config.GetLong("offsets.retention.check.interval.ms"),
    };

    private static int? OfGroup(BrokerConfig config, MetadataImage image, string groupId, string name)
    {
        var set = image.Configs.Of(new ConfigResource(ConfigResourceType.Group, groupId));
        return set.IsEmpty ? null : GroupConfigs.SetWithinBounds(name, set, image.ConfigsOf(config));
    }

    public static TransactionConfig Transactions(BrokerConfig config) => new()
    {
        StateTopicPartitions = config.GetInt("transaction.state.log.num.partitions"),
        MaxTimeoutMs = config.GetInt("transaction.max.timeout.ms"),
        AbortCheckIntervalMs = config.GetInt("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
        IdExpirationMs = config.GetInt("transactional.id.expiration.ms"),
        ExpirationCheckIntervalMs = config.GetInt("transaction.remove.expired.transaction.cleanup.interval.ms"),
        AddWaitMs = config.GetInt("add.partitions.to.txn.retry.backoff.max.ms"),
    };

    public static ReplicationOptions Replication(BrokerConfig config) => new(
        config.NodeId,
        config.GetString("log.flush.before.ack") switch
        {
            "always" => AckPolicy.Always,
            "never" => AckPolicy.Never,
            _ => AckPolicy.Auto,
        },
        LogConfigs.From,
        (image, topic) => image.TopicConfigOf(topic, config));

    private static QuotaWindow Window(BrokerConfig config, string prefix) =>
        new(config.GetInt($"{prefix}.window.num"), config.GetInt($"{prefix}.window.size.seconds") * 1000L);

    /// <summary><c>127.0.0.1:200,10.0.0.5:10</c>; names are not looked up, as they may stand for several addresses.</summary>
    private static Dictionary<IPAddress, int> PerIpOverrides(string text)
    {
        var overrides = new Dictionary<IPAddress, int>();
        foreach (var entry in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var colon = entry.LastIndexOf(':');
            if (colon > 0 && IPAddress.TryParse(entry[..colon], out var address) && int.TryParse(entry[(colon + 1)..], out var max))
                overrides[address] = max;
        }

        return overrides;
    }
}
