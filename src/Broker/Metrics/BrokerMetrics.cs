using Milena.Broker.Fetching;
using Milena.Broker.Quotas;
using Milena.Metadata.Quotas;
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

    /// <summary>What clients use of their quotas, by user and client id.</summary>
    public void Add(ClientQuotas quotas)
    {
        string[] tags = ["user", "client-id"];
        foreach (var kind in Enum.GetValues<QuotaKind>())
        {
            var (level, description) = kind switch
            {
                QuotaKind.Request => ("request-time", "time that requests of the client take, in percent of a thread"),
                QuotaKind.ControllerMutation => ("tokens", "partitions that the client may create or delete at once"),
                _ => ("byte-rate", "bytes a second of the client"),
            };
            Registry.Attributes("kafka.server", kind.ToString(), level, description, tags, () => Of(kind, reading => reading.Level));
            Registry.Attributes(
                "kafka.server", kind.ToString(), "throttle-time", "time for which the client is held up, in ms", tags,
                () => Of(kind, reading => reading.ThrottleMs));
        }

        IEnumerable<(MetricTag[] Tags, double Value)> Of(QuotaKind kind, Func<QuotaReading, double> value) => quotas.Readings(kind)
            .Select(reading => (new MetricTag[] { new("user", reading.Holder.User), new("client-id", reading.Holder.ClientId) }, value(reading)));
    }

    public void Dispose() => Registry.Dispose();
}
