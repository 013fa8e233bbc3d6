using Milena.Broker.Quorum;
using Milena.Metadata.Features;
using Milena.Metrics;

namespace Milena.Broker.Metrics;

/// <summary>The metadata log: its quorum (<c>raft-metrics</c>), what the broker makes of it, and its snapshots.</summary>
internal sealed class QuorumMetrics
{
    private const string Domain = "kafka.server";
    private const string Raft = "raft-metrics";
    private const string Broker = "broker-metadata-metrics";

    private readonly MetricRegistry registry;

    public QuorumMetrics(MetricRegistry registry) => this.registry = registry;

    public void Add(QuorumDriver quorum)
    {
        registry.TextAttribute(Domain, Raft, "current-state", "what this node is to the quorum", () => quorum.Role.ToString().ToLowerInvariant());
        registry.Attribute(Domain, Raft, "current-leader", "the leader's id, or -1", () => quorum.LeaderId);
        registry.Attribute(Domain, Raft, "current-vote", "whom this node has voted for in this epoch, or -1", () => quorum.VotedId);
        registry.Attribute(Domain, Raft, "current-epoch", "the epoch", () => quorum.Epoch);
        registry.Attribute(Domain, Raft, "high-watermark", "everything below is committed", () => quorum.HighWatermark);
        registry.Attribute(Domain, Raft, "log-end-offset", "the offset that is written next", () => quorum.LogEndOffset);
        registry.Attribute(Domain, Raft, "log-end-epoch", "the epoch of the last record", () => quorum.LogEndEpoch);
        registry.Attribute(Domain, Raft, "number-unknown-voter-connections", "voters whose address is not known", () => 0);
        registry.Attribute(Domain, Raft, "number-of-voters", "voters", () => quorum.Voters.Count);
        quorum.CommitLatency = registry.Stats(Domain, Raft, "commit-latency", "ms until an append is committed");
        var appended = registry.Track(() => quorum.AppendedRecords);
        registry.Attribute(Domain, Raft, "append-records-rate", "records appended by the leader, per second", appended.Read);
    }

    public void Add(MetadataPublisher publisher, MetadataCache metadata)
    {
        registry.Attribute(Domain, Broker, "last-applied-record-offset", "the last record of the metadata log that is in force", () => metadata.Image.EndOffset - 1);
        registry.Attribute(Domain, Broker, "last-applied-record-timestamp", "when that was written, ms since 1970", () => metadata.TimestampMs);
        registry.Attribute(
            Domain, Broker, "last-applied-record-lag-ms", "how long that is ago",
            () => metadata.TimestampMs < 0 ? 0 : registry.Time.GetUtcNow().ToUnixTimeMilliseconds() - metadata.TimestampMs);
        registry.Attribute(Domain, Broker, "metadata-load-error-count", "records that were not understood", () => publisher.LoadErrorCount);
        registry.Attribute(Domain, Broker, "metadata-apply-error-count", "changes that could not be acted on", () => publisher.ApplyErrorCount);
        registry.Gauge(
            Domain, "MetadataLoader", "CurrentMetadataVersion", "the level of metadata.version", () => metadata.Image.Features.MetadataVersion);
        registry.Gauge(Domain, "MetadataLoader", "HandleLoadSnapshotCount", "snapshots that were read", () => publisher.SnapshotCount);
    }

    public void Add(MetadataSnapshots snapshots)
    {
        registry.Gauge(
            Domain, "SnapshotEmitter", "LatestSnapshotGeneratedBytes", "size of the last snapshot that was written", () => snapshots.LatestBytes);
        registry.Gauge(
            Domain, "SnapshotEmitter", "LatestSnapshotGeneratedAgeMs", "how long that is ago",
            () => registry.Time.GetUtcNow().ToUnixTimeMilliseconds() - snapshots.LatestAtMs);
    }
}
