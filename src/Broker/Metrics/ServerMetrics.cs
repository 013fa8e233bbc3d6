using System.Reflection;
using Milena.Metrics;

namespace Milena.Broker.Metrics;

/// <summary>The node itself: <c>kafka.server:type=KafkaServer</c> and <c>app-info</c>.</summary>
internal static class ServerMetrics
{
    private const string Domain = "kafka.server";
    private const string Type = "KafkaServer";

    public static void Register(MetricRegistry registry, Func<BrokerState> state, Func<string> clusterId)
    {
        var startedMs = registry.Time.GetUtcNow().ToUnixTimeMilliseconds();
        registry.Gauge(
            Domain, Type, "BrokerState", "0 not running, 1 starting, 2 recovering, 3 running, 6 about to stop, 7 stopping", () => (int)state());
        registry.Text(Domain, Type, "ClusterId", "the cluster's id", clusterId);
        registry.Gauge(
            Domain, Type, "yammer-metrics-count", "metrics that are beans of their own",
            () => registry.Families.Count(family => !family.IsAttribute));
        registry.Gauge(Domain, Type, "linux-disk-read-bytes", "bytes read from disks", () => ProcessMetrics.DiskBytes("read_bytes:"));
        registry.Gauge(Domain, Type, "linux-disk-write-bytes", "bytes written to disks", () => ProcessMetrics.DiskBytes("write_bytes:"));

        var version = typeof(ServerMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        registry.TextAttribute(Domain, "app-info", "version", "the version of this program", () => version);
        registry.TextAttribute(Domain, "app-info", "commit-id", "the commit that it was built from, if that is known", () => "unknown");
        registry.Attribute(Domain, "app-info", "start-time-ms", "when it was started, ms since 1970", () => startedMs);
    }
}

/// <summary>Where a broker is in its life; the numbers are Kafka's.</summary>
internal enum BrokerState
{
    NotRunning = 0,
    Starting = 1,
    Recovering = 2,
    Running = 3,
    PendingControlledShutdown = 6,
    ShuttingDown = 7,
}
