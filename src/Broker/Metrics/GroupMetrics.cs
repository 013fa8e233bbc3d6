using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metrics;

namespace Milena.Broker.Metrics;

/// <summary>The coordinators. Groups: <c>GroupMetadataManager</c>, as dashboards know it, and <c>group-coordinator-metrics</c>; and transactions.</summary>
internal static class GroupMetrics
{
    private const string Domain = "kafka.server";
    private const string Manager = "GroupMetadataManager";
    private const string Type = "group-coordinator-metrics";

    private static readonly string[] Protocols = ["classic", "consumer", "share", "streams"];

    public static void Register(MetricRegistry registry, GroupCoordinator groups)
    {
        registry.Gauge(Domain, Manager, "NumOffsets", "committed offsets", () => groups.CountOffsets());
        registry.Gauge(Domain, Manager, "NumGroups", "groups of the classic protocol", () => Classic(groups).Count());
        InState(registry, groups, "PreparingRebalance");
        InState(registry, groups, "CompletingRebalance");
        InState(registry, groups, "Stable");
        InState(registry, groups, "Empty");
        InState(registry, groups, "Dead");

        registry.Attributes(
            Domain, Type, "group-count", "groups, by protocol", ["protocol"],
            () => Protocols.Select(protocol =>
                (new[] { new MetricTag("protocol", protocol) }, (double)groups.Summaries().Count(group => group.Type == protocol))));
        registry.Attributes(
            Domain, Type, "consumer-group-count", "groups of the consumer protocol, by state", ["state"],
            () => groups.Summaries().Where(group => group.Type == "consumer").CountBy(group => group.State.ToLowerInvariant())
                .Select(count => (new[] { new MetricTag("state", count.Key) }, (double)count.Value)));
        registry.Attributes(
            Domain, Type, "num-partitions", "partitions of the groups' topic, by state", ["state"],
            () =>
            {
                var (open, loading) = groups.CountPartitions();
                return
                [
                    ([new("state", "loading")], loading),
                    ([new("state", "active")], open),
                    ([new("state", "failed")], groups.Counters.LoadsFailed),
                ];
            });
        groups.Counters.LoadTimes = Record(registry.Stats(Domain, Type, "partition-load-time", "ms to load a partition of the groups' topic"));
        registry.Rate(Domain, Type, "offset-commit", "offsets committed", () => groups.Counters.OffsetsCommitted, "count");
        registry.Rate(Domain, Type, "offset-expiration", "offsets that became too old", () => groups.Counters.OffsetsExpired, "count");
        registry.Rate(Domain, Type, "offset-deletion", "offsets deleted by request or with their topic", () => groups.Counters.OffsetsDeleted, "count");
        registry.Rate(Domain, Type, "group-completed-rebalance", "rebalances of classic groups that ended", () => groups.Counters.RebalancesCompleted, "count");
        registry.Rate(Domain, Type, "consumer-group-rebalance", "rebalances of groups of the consumer protocol", () => groups.Counters.ConsumerRebalances, "count");
    }

    public static void Register(MetricRegistry registry, TransactionCoordinator transactions) => transactions.LoadTimes = Record(
        registry.Stats(Domain, "transaction-coordinator-metrics", "partition-load-time", "ms to load a partition of the transactions' topic"));

    private static Action<long> Record(WindowStats stats) => ms => stats.Record(ms);

    private static IEnumerable<GroupSummary> Classic(GroupCoordinator groups) => groups.Summaries().Where(group => group.Type == "classic");

    private static void InState(MetricRegistry registry, GroupCoordinator groups, string state) => registry.Gauge(
        Domain, Manager, $"NumGroups{state}", $"classic groups in the state {state}", () => Classic(groups).Count(group => group.State == state));
}
