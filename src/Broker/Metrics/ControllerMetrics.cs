using Milena.Broker.Controllers;
using Milena.Metadata.Images;
using Milena.Metrics;

namespace Milena.Broker.Metrics;

/// <summary>The controller and what it watches over: <c>kafka.controller</c>.</summary>
internal sealed class ControllerMetrics
{
    private const string Domain = "kafka.controller";
    private const string Controller = "KafkaController";
    private const string Stats = "ControllerStats";

    private readonly Meter uncleanElections;
    private readonly MetadataCache metadata;

    public ControllerMetrics(MetricRegistry registry, MetadataCache metadata, ControllerService controller)
    {
        this.metadata = metadata;
        registry.Gauge(Domain, Controller, "ActiveControllerCount", "1 if this node is the active controller", () => controller.IsActive ? 1 : 0);
        registry.Gauge(Domain, Controller, "GlobalTopicCount", "topics of the cluster", () => metadata.Image.Topics.Count);
        Count(registry, "GlobalPartitionCount", "partitions of the cluster", _ => true);
        Count(registry, "OfflinePartitionsCount", "partitions without a leader", partition => !partition.HasLeader);
        Count(
            registry, "PreferredReplicaImbalanceCount", "partitions that are not led by the first of their replicas",
            partition => partition.Leader != partition.Replicas[0]);
        registry.Gauge(
            Domain, Controller, "ActiveBrokerCount", "brokers that serve", () => metadata.Image.Brokers.Values.Count(broker => !broker.IsFenced));
        registry.Gauge(
            Domain, Controller, "FencedBrokerCount", "brokers that are registered and not there",
            () => metadata.Image.Brokers.Values.Count(broker => broker.IsFenced));
        registry.Gauge(Domain, Controller, "MetadataErrorCount", "faults in handling metadata", () => controller.FaultCount);
        registry.Gauge(Domain, Controller, "LastAppliedRecordOffset", "the last record of the metadata log that is in force", () => metadata.Image.EndOffset - 1);
        registry.Gauge(Domain, Controller, "LastAppliedRecordTimestamp", "when that was written, ms since 1970", () => metadata.TimestampMs);
        registry.Gauge(
            Domain, Controller, "LastAppliedRecordLagMs", "how far it lies back; the active controller's own is 0", () => 0);
        registry.Gauge(Domain, Controller, "LastCommittedRecordOffset", "the last record that is committed", () => controller.HighWatermark - 1);
        registry.Gauge(Domain, Controller, "NewActiveControllersCount", "how often this node saw a controller begin", () => controller.IsActive ? 1 : 0);
        registry.Gauge(
            Domain, Controller, "TimedOutBrokerHeartbeatCount", "brokers that were fenced because nothing was heard of them",
            () => controller.FencedCount);
        registry.Gauge(
            Domain, Controller, "EventQueueOperationsStartedCount", "decisions that were begun", () => controller.DecisionCount);
        registry.Gauge(
            Domain, Controller, "EventQueueOperationsTimedOutCount", "decisions that came too late, which none does here", () => 0);

        const string Queue = "ControllerEventManager";
        controller.QueueTime = registry.Histogram(Domain, Queue, "EventQueueTimeMs", "time until the controller decides", 0.001);
        controller.ProcessingTime = registry.Histogram(Domain, Queue, "EventQueueProcessingTimeMs", "time that it takes to decide", 0.001);
        registry.Gauge(Domain, Queue, "EventQueueSize", "decisions that wait", () => controller.WaitingCount);

        uncleanElections = registry.Meter(
            Domain, Stats, "UncleanLeaderElectionsPerSec", "elections", "leaders elected that may lack acknowledged records");
    }

    /// <summary>The broker has acted on a change of the metadata.</summary>
    public void OnActed(MetadataDelta delta)
    {
        foreach (var topic in delta.ChangedTopics)
        {
            foreach (var number in topic.Partitions)
            {
                if (topic.Before.TryGetPartition(number, out var before) && topic.After.TryGetPartition(number, out var after)
                    && after.HasLeader && after.Leader != before.Leader && !before.Isr.Contains(after.Leader))
                    uncleanElections.Mark();
            }
        }
    }

    private void Count(MetricRegistry registry, string name, string description, Func<PartitionImage, bool> belongs) => registry.Gauge(
        Domain, Controller, name, description,
        () => metadata.Image.Topics.ByName.Values.Sum(topic => topic.Partitions.Values.Count(belongs)));
}
