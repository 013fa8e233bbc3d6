using Milena.Metrics;
using Milena.Protocol;

namespace Milena.Broker.Metrics;

/// <summary>
/// What is known of the requests of each API (<c>kafka.network:type=RequestMetrics</c>): how many, how large, how long they take and
/// where, and with which errors they are answered.
/// </summary>
/// <remarks>
/// A request is handled by the thread that receives it, so RequestQueueTimeMs and ResponseQueueTimeMs are 0 here: their names exist for
/// the sake of dashboards. LocalTimeMs is the time of that thread, RemoteTimeMs what the request waits (for records, the disk, a
/// group, a commit), ResponseSendTimeMs the time until the answer is with the system, behind those before it. Times are measured in
/// microseconds and shown in ms, with their fractions.
/// </remarks>
internal sealed class RequestMetrics
{
    private const string Domain = "kafka.network";
    private const string Type = "RequestMetrics";
    private const string ConsumerFetch = "FetchConsumer";

    private static readonly string[] RequestTag = ["request"];
    private readonly ApiMetrics?[] apis = new ApiMetrics?[128]; // by key; made when the API is asked first
    private readonly TimeProvider time;

    public RequestMetrics(MetricRegistry registry)
    {
        time = registry.Time;
        MicrosecondsPerTick = 1e6 / time.TimestampFrequency;
        registry.Add(new(Domain, Type, "RequestsPerSec", MetricKind.Meter, "requests answered, by version", VisitVersions)
        {
            TagNames = ["request", "version"],
        });
        registry.Add(new(Domain, Type, "ErrorsPerSec", MetricKind.Meter, "errors in answers, NONE among them", VisitErrors)
        {
            TagNames = ["request", "error"],
        });
        Add(registry, "RequestBytes", "size of requests", api => api.RequestBytes);
        Add(registry, "TotalTimeMs", "time from the request to its answer", api => api.TotalTime);
        Add(registry, "RequestQueueTimeMs", "time until a thread takes it up, which is none here", api => api.RequestQueueTime);
        Add(registry, "LocalTimeMs", "time for which it keeps a thread busy", api => api.LocalTime);
        Add(registry, "RemoteTimeMs", "time for which it waits: for records, for the disk, for others", api => api.RemoteTime);
        Add(registry, "ThrottleTimeMs", "time for which its client is held up by a quota", api => api.ThrottleTime);
        Add(registry, "ResponseQueueTimeMs", "time until a thread takes up its answer, which is none here", api => api.ResponseQueueTime);
        Add(registry, "ResponseSendTimeMs", "time until its answer is sent", api => api.ResponseSendTime);
        registry.Gauge(
            "kafka.server", "KafkaRequestHandlerPool", "RequestHandlerAvgIdlePercent",
            "share of the processors' time in which no request was handled, over the last minute: 0 to 1", new HandlerIdle(this, registry).Read);
    }

    /// <summary>What a timestamp's tick is.</summary>
    public double MicrosecondsPerTick { get; }

    /// <summary>The clock's now.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>The metrics of an API.</summary>
    public ApiMetrics Of(ApiKey key) => Volatile.Read(ref apis[(int)key]) ?? Make(key);

    private ApiMetrics Make(ApiKey key)
    {
        var made = new ApiMetrics(key, time);
        return Interlocked.CompareExchange(ref apis[(int)key], made, null) ?? made;
    }

    private void Add(MetricRegistry registry, string name, string description, Func<ApiMetrics, Histogram> part) => registry.Add(
        new(Domain, Type, name, MetricKind.Histogram, description, (family, visitor) =>
        {
            foreach (var (api, tags) in Named())
                visitor.OnHistogram(family, tags, part(api));
        })
        {
            TagNames = RequestTag,
        });

    // Kafka shows fetches twice, all of them and those of consumers, which here are the same until there are followers.
    private IEnumerable<(ApiMetrics Api, MetricTag[] Tags)> Named()
    {
        foreach (var api in apis)
        {
            if (api is null)
                continue;
            yield return (api, [new("request", api.Key.ToString())]);
            if (api.Key == ApiKey.Fetch)
                yield return (api, [new("request", ConsumerFetch)]);
        }
    }

    private void VisitVersions(MetricFamily family, IMetricVisitor visitor)
    {
        foreach (var (api, tags) in Named())
        {
            foreach (var (version, meter) in api.Versions)
                visitor.OnMeter(family, [.. tags, new("version", version)], meter);
        }
    }

    private void VisitErrors(MetricFamily family, IMetricVisitor visitor)
    {
        foreach (var (api, tags) in Named())
        {
            foreach (var (error, meter) in api.Errors)
                visitor.OnMeter(family, [.. tags, new("error", error)], meter);
        }
    }

    /// <summary>Requests keep threads busy for as long as their local times say; all processors together are Kafka's handler threads.</summary>
    private sealed class HandlerIdle
    {
        private const double MicrosecondsPerSecond = 1e6;
        private readonly WindowRate busy;

        public HandlerIdle(RequestMetrics metrics, MetricRegistry registry) =>
            busy = registry.Track(() => (long)metrics.apis.Sum(api => (api?.LocalTime.Sum ?? 0) * 1000));

        public double Read() => Math.Clamp(1 - (busy.Read() / MicrosecondsPerSecond / Environment.ProcessorCount), 0, 1);
    }
}
