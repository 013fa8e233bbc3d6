namespace Milena.Metadata.Configs;

/// <summary>
/// The broker's configurations that Milena acts on. A name that is known, set and not here is said at start-up, once, so
/// that nobody believes in a setting that does nothing. Whoever makes another one work adds it here.
/// </summary>
public static class ConfigSupport
{
    private static readonly HashSet<string> ActedOn = new(StringComparer.Ordinal)
    {
        // The node, its directories and its listeners.
        "advertised.listeners", "broker.id", "broker.rack", "controller.listener.names",
        "controller.quorum.voters", "inter.broker.listener.name", "listener.security.protocol.map", "listeners", "log.dir", "log.dirs",
        "metadata.log.dir", "node.id", "process.roles", "security.inter.broker.protocol",

        // Connections and requests.
        "connections.max.idle.ms", "fetch.max.bytes", "max.connection.creation.rate", "max.connections", "max.connections.per.ip",
        "max.connections.per.ip.overrides", "max.incremental.fetch.session.cache.slots", "max.request.partition.size.limit",
        "queued.max.request.bytes", "socket.listen.backlog.size", "socket.receive.buffer.bytes", "socket.request.max.bytes", "socket.send.buffer.bytes",

        // What is measured.
        "metrics.listener", "metrics.otlp.endpoint",

        // The controller.
        "auto.create.topics.enable", "broker.heartbeat.interval.ms", "broker.session.timeout.ms", "default.replication.factor",
        "delete.topic.enable", "internal.metadata.delete.delay.millis", "internal.metadata.log.segment.bytes",
        "metadata.log.max.record.bytes.between.snapshots", "metadata.log.max.snapshot.interval.ms", "metadata.log.segment.bytes",
        "metadata.log.segment.ms", "metadata.max.retention.bytes", "metadata.max.retention.ms", "num.partitions",
        "unclean.leader.election.enable",

        // Quotas.
        "controller.quota.window.num", "controller.quota.window.size.seconds", "quota.window.num", "quota.window.size.seconds",

        // Metrics of clients.
        "telemetry.max.bytes",

        // Logs.
        "compression.gzip.level", "compression.lz4.level", "compression.type", "compression.zstd.level", "log.cleanup.policy",
        "log.flush.before.ack", "log.flush.interval.messages", "log.flush.interval.ms", "log.flush.offset.checkpoint.interval.ms",
        "log.flush.scheduler.interval.ms", "log.flush.start.offset.checkpoint.interval.ms", "log.index.interval.bytes",
        "log.index.size.max.bytes", "log.message.timestamp.after.max.ms", "log.message.timestamp.before.max.ms",
        "log.message.timestamp.type", "log.preallocate", "log.retention.bytes", "log.retention.check.interval.ms",
        "log.retention.hours", "log.retention.minutes", "log.retention.ms", "log.roll.hours", "log.roll.jitter.hours",
        "log.roll.jitter.ms", "log.roll.ms", "log.segment.bytes", "log.segment.delete.delay.ms", "message.max.bytes",
        "min.insync.replicas", "num.recovery.threads.per.data.dir", "producer.id.expiration.check.interval.ms",
        "producer.id.expiration.ms", "replica.high.watermark.checkpoint.interval.ms",

        // Compaction.
        "log.cleaner.backoff.ms", "log.cleaner.dedupe.buffer.size", "log.cleaner.delete.retention.ms", "log.cleaner.enable",
        "log.cleaner.io.buffer.load.factor", "log.cleaner.io.buffer.size", "log.cleaner.io.max.bytes.per.second",
        "log.cleaner.max.compaction.lag.ms", "log.cleaner.min.cleanable.ratio", "log.cleaner.min.compaction.lag.ms", "log.cleaner.threads",

        // Transactions.
        "add.partitions.to.txn.retry.backoff.max.ms", "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "transaction.max.timeout.ms", "transaction.partition.verification.enable",
        "transaction.remove.expired.transaction.cleanup.interval.ms", "transaction.state.log.min.isr",
        "transaction.state.log.num.partitions", "transaction.state.log.replication.factor", "transaction.state.log.segment.bytes",
        "transactional.id.expiration.ms",

        // Groups and their topic.
        "group.consumer.assignors", "group.consumer.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms",
        "group.consumer.max.session.timeout.ms", "group.consumer.max.size", "group.consumer.migration.policy",
        "group.consumer.min.heartbeat.interval.ms", "group.consumer.min.session.timeout.ms", "group.consumer.regex.refresh.interval.ms",
        "group.consumer.session.timeout.ms", "group.coordinator.rebalance.protocols",
        "group.initial.rebalance.delay.ms", "group.max.session.timeout.ms", "group.max.size", "group.min.session.timeout.ms",
        "offset.metadata.max.bytes", "offsets.retention.check.interval.ms", "offsets.retention.minutes",
        "offsets.topic.compression.codec", "offsets.topic.num.partitions", "offsets.topic.replication.factor",
        "offsets.topic.segment.bytes",
    };

    private static readonly string[] Live =
    [
        "max.connection.creation.rate", "max.connections", "max.connections.per.ip", "max.connections.per.ip.overrides",
        "producer.id.expiration.ms", "transaction.partition.verification.enable",
        "log.cleaner.backoff.ms", "log.cleaner.dedupe.buffer.size", "log.cleaner.io.buffer.load.factor", "log.cleaner.io.buffer.size",
        "log.cleaner.io.max.bytes.per.second", "log.cleaner.threads",
    ];

    private static readonly Lazy<HashSet<string>> AtOnce = new(FindActedOnAtOnce);

    /// <summary>What moves of replicas between log directories may copy a second; set only while the broker runs.</summary>
    public const string MoveThrottle = "replica.alter.log.dirs.io.max.bytes.per.second";

    /// <summary>All names that we act on.</summary>
    public static IReadOnlyCollection<string> Names => ActedOn;

    /// <summary>Whether setting the name has an effect.</summary>
    public static bool IsActedOn(string name) => ActedOn.Contains(name);

    /// <summary>
    /// Whether a change while the broker runs takes effect then: what the broker looks at again, and what gives topics their defaults.
    /// </summary>
    public static bool IsActedOnAtOnce(string name) => name == MoveThrottle || AtOnce.Value.Contains(name);

    /// <summary>Whether setting a topic's configuration has an effect: it has where setting the broker's default of it has.</summary>
    public static bool IsActedOnForTopics(string name) =>
        ConfigTable.Find(ConfigScope.Topic, name) is { } def && def.Synonyms.Any(synonym => IsActedOn(synonym.Name));

    /// <summary>Whether setting a group's configuration has an effect.</summary>
    public static bool IsActedOnForGroups(string name) => name is "consumer.heartbeat.interval.ms" or "consumer.session.timeout.ms";

    private static HashSet<string> FindActedOnAtOnce() => new(
        ConfigTable.All(ConfigScope.Topic).Values
            .SelectMany(def => def.Synonyms, (_, synonym) => synonym.Name)
            .Concat(Live)
            .Where(name => IsActedOn(name) && ConfigTable.Find(ConfigScope.Broker, name) is { Update: not ConfigUpdate.ReadOnly }),
        StringComparer.Ordinal);
}
