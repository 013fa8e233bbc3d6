using System.Globalization;
using Milena.Metadata.Images;
using Milena.Metrics;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Metrics;

/// <summary>
/// The partitions of this node, together (<c>ReplicaManager</c>) and each for itself (<c>kafka.cluster:type=Partition</c> and
/// <c>kafka.log:type=Log</c>). Nothing is kept for a partition here: they are walked over when somebody looks.
/// </summary>
internal sealed class ReplicaMetrics
{
    private const string Server = "kafka.server";
    private static readonly string[] PartitionTags = ["topic", "partition"];

    private readonly ReplicaManager replicas;
    private readonly Meter isrShrinks;
    private readonly Meter isrExpands;

    public ReplicaMetrics(MetricRegistry registry, ReplicaManager replicas, MetadataCache metadata, int nodeId)
    {
        this.replicas = replicas;
        isrShrinks = registry.Meter(Server, "ReplicaManager", "IsrShrinksPerSec", "shrinks", "times that in-sync replicas became fewer");
        isrExpands = registry.Meter(Server, "ReplicaManager", "IsrExpandsPerSec", "expands", "times that in-sync replicas became more");
        registry.Meter(Server, "ReplicaManager", "FailedIsrUpdatesPerSec", "failedUpdates", "changes of in-sync replicas that the controller refused");
        Count(registry, "PartitionCount", "partitions that this node holds", _ => true);
        Count(registry, "LeaderCount", "partitions that it leads", IsLed);
        Count(registry, "UnderReplicatedPartitions", "led partitions with replicas that are not in sync", IsUnderReplicated);
        Count(registry, "UnderMinIsrPartitionCount", "led partitions with fewer in-sync replicas than acks=all asks for", IsUnderMinIsr);
        Count(registry, "AtMinIsrPartitionCount", "led partitions with just as many", IsAtMinIsr);
        registry.Gauge(
            Server, "ReplicaManager", "OfflineReplicaCount", "partitions whose log directory has failed",
            () => Offline(metadata.Image, nodeId));
        registry.Gauge(
            Server, "ReplicaManager", "ReassigningPartitions", "led partitions that are being moved",
            () => replicas.Partitions.Count(partition =>
                IsLed(partition) && metadata.Image.Topics.FindPartition(partition.Name) is { IsBeingReassigned: true }));
        registry.Gauge(
            Server, "ReplicaManager", "ProducerIdCount", "idempotent producers that are remembered",
            () => replicas.Partitions.Sum(partition => (double)partition.Log.ProducerCount));

        Each(registry, "kafka.cluster", "Partition", "UnderReplicated", "1 if replicas are not in sync", partition => One(IsUnderReplicated(partition)));
        Each(registry, "kafka.cluster", "Partition", "InSyncReplicasCount", "in-sync replicas, where led", partition => Led(partition, partition.Leadership.Isr.Count));
        Each(registry, "kafka.cluster", "Partition", "ReplicasCount", "replicas, where led", partition => Led(partition, partition.Leadership.Replicas.Count));
        Each(registry, "kafka.cluster", "Partition", "UnderMinIsr", "1 if acks=all is refused", partition => One(IsUnderMinIsr(partition)));
        Each(registry, "kafka.cluster", "Partition", "AtMinIsr", "1 if it would be with one less", partition => One(IsAtMinIsr(partition)));
        Each(
            registry, "kafka.cluster", "Partition", "LastStableOffsetLag", "records that wait for the end of a transaction",
            partition => partition.HighWatermark - partition.Log.LastStableOffset);
        Each(registry, "kafka.log", "Log", "Size", "bytes of record batches", partition => partition.Log.Size);
        Each(registry, "kafka.log", "Log", "NumLogSegments", "segments", partition => partition.Log.SegmentCount);
        Each(registry, "kafka.log", "Log", "LogStartOffset", "the first offset", partition => partition.Log.LogStartOffset);
        Each(registry, "kafka.log", "Log", "LogEndOffset", "the offset that is written next", partition => partition.Log.LogEndOffset);
        registry.Gauge(
            Server, "DelayedOperationPurgatory", "PurgatorySize", "fetches that wait, once for each partition that they wait at",
            () => replicas.Partitions.Sum(partition => (double)partition.WaitingCount), new MetricTag("delayedOperation", "Fetch"));
    }

    /// <summary>The broker has acted on a change of the metadata.</summary>
    public void OnActed(MetadataDelta delta)
    {
        foreach (var topic in delta.ChangedTopics)
        {
            foreach (var number in topic.Partitions)
            {
                if (!topic.Before.TryGetPartition(number, out var before) || !topic.After.TryGetPartition(number, out var after))
                    continue;
                if (after.Isr.Length < before.Isr.Length)
                    isrShrinks.Mark();
                else if (after.Isr.Length > before.Isr.Length)
                    isrExpands.Mark();
            }
        }
    }

    private static bool IsLed(Partition partition) => partition.Leadership.IsLeader;

    private static bool IsUnderReplicated(Partition partition) =>
        partition.Leadership is { IsLeader: true } view && view.Isr.Count < view.Replicas.Count;

    private static bool IsUnderMinIsr(Partition partition) =>
        partition.Leadership is { IsLeader: true } view && view.Isr.Count < MinIsr(partition, view);

    private static bool IsAtMinIsr(Partition partition) =>
        partition.Leadership is { IsLeader: true } view && view.Isr.Count == MinIsr(partition, view);

    private static int MinIsr(Partition partition, Leadership view) => Math.Min(partition.MinInSyncReplicas, view.Replicas.Count);

    private static double One(bool holds) => holds ? 1 : 0;

    private static double Led(Partition partition, int count) => IsLed(partition) ? count : 0;

    // A replica that should be here and is not, or is and cannot be read.
    private double Offline(MetadataImage image, int nodeId) =>
        replicas.Partitions.Count(partition => partition.Log.IsOffline)
        + image.Topics.ByName.Values.Sum(topic => topic.Partitions.Count(partition =>
            partition.Value.Replicas.Contains(nodeId) && !replicas.TryGet(new Common.TopicPartition(topic.Name, partition.Key), out _)));

    private void Count(MetricRegistry registry, string name, string description, Func<Partition, bool> belongs) =>
        registry.Gauge(Server, "ReplicaManager", name, description, () => replicas.Partitions.Count(belongs));

    private void Each(MetricRegistry registry, string domain, string type, string name, string description, Func<Partition, double> read) =>
        registry.Gauges(domain, type, name, description, PartitionTags, () => replicas.Partitions.Select(partition => (Tags(partition), read(partition))));

    private static MetricTag[] Tags(Partition partition) =>
    [
        new("topic", partition.Name.Topic),
        new("partition", partition.Name.Partition.ToString(CultureInfo.InvariantCulture)),
    ];
}
