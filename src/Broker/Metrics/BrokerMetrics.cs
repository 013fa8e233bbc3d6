using Milena.Broker.Fetching;
using Milena.Metrics;

namespace Milena.Broker.Metrics;

/// <summary>
/// Gives everything that this node measures its Kafka name. Parts are added as they come up; those below the broker keep plain counters
/// and know nothing of it.
/// </summary>
internal sealed class BrokerMetrics : IDisposable
{
    public BrokerMetrics(TimeProvider time)
    {
        Registry = new(time);
        Requests = new(Registry);
        Topics = new(Registry);
        ProcessMetrics.Register(Registry);
    }

    public MetricRegistry Registry { get; }

    /// <summary>By request.</summary>
    public RequestMetrics Requests { get; }

    /// <summary>By topic.</summary>
    public TopicMetrics Topics { get; }

    public void Add(FetchSessionCache sessions)
    {
        const string Type = "FetchSessionCache";
        Registry.Gauge("kafka.server", Type, "NumIncrementalFetchSessions", "fetch sessions", () => sessions.Count);
        Registry.Gauge(
            "kafka.server", Type, "NumIncrementalFetchPartitionsCached", "partitions that they remember", () => sessions.PartitionCount);
        sessions.Evictions = Registry.Meter(
            "kafka.server", Type, "IncrementalFetchSessionEvictionsPerSec", "evictions", "sessions that gave way to others",
            new MetricTag("cacheShard", "0"));
    }

    public void Dispose() => Registry.Dispose();
}
