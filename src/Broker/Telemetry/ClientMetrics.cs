using Milena.Common;
using Milena.Metrics;

namespace Milena.Broker.Telemetry;

/// <summary>
/// Shows what clients say of themselves beside the broker's own metrics: <c>org.apache.kafka.producer.node.request.latency.avg</c> as
/// <c>kafka_client_producer_node_request_latency_avg</c>, labelled with the client. It holds the last number, or the sum of what was
/// added. Names and labels are the clients' choice, so all of it is bounded; what is too much is counted and not shown.
/// </summary>
internal sealed class ClientMetrics(MetricRegistry registry, int seriesMax = ClientMetrics.SeriesMaxDefault)
{
    /// <summary>How many numbers are kept for all clients together.</summary>
    public const int SeriesMaxDefault = 50_000;

    /// <summary>How many numbers are kept for one client.</summary>
    public const int SeriesOfClientMax = 1_000;

    /// <summary>How many names there may be, as a name stays once it was shown.</summary>
    public const int NamesMax = 500;

    private const string CommonPrefix = "org.apache.kafka.";
    private const int TagChars = 128;

    private static readonly string[] ClientTags = ["client_instance_id", "client_id", "client_software_name", "client_software_version"];

    private readonly Lock gate = new();
    private readonly HashSet<string> names = [];
    private readonly Dictionary<Uuid, Dictionary<string, Series>> byClient = [];
    private int count;

    /// <summary>How many numbers were not taken for want of room.</summary>
    public long Dropped { get; private set; }

    /// <summary>How many numbers are shown.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return count;
        }
    }

    /// <summary>Takes what a client pushed, as far as it was asked for.</summary>
    public void Take(ClientInstance client, IEnumerable<TelemetryPoint> points)
    {
        lock (gate)
        {
            if (!byClient.TryGetValue(client.Id, out var series))
                byClient[client.Id] = series = [];
            foreach (var point in points)
            {
                if (client.Subscription.Asks(point.Name))
                    Take(client.Client, series, point);
            }
        }
    }

    /// <summary>Nothing of that client is shown any more.</summary>
    public void Forget(Uuid client)
    {
        lock (gate)
        {
            if (byClient.Remove(client, out var series))
                count -= series.Count;
        }
    }

    private void Take(TelemetryClient client, Dictionary<string, Series> series, TelemetryPoint point)
    {
        var name = NameOf(point);
        var key = $"{name}{{{string.Join(',', point.Labels.Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal))}}}";
        if (series.TryGetValue(key, out var known))
        {
            known.Value = point.IsDelta ? known.Value + point.Value : point.Value;
            return;
        }

        if (series.Count == SeriesOfClientMax || count == seriesMax || !IsShown(name, point))
        {
            Dropped++;
            return;
        }

        series.Add(key, new Series(name, TagsOf(client, point)) { Value = point.Value });
        count++;
    }

    private bool IsShown(string name, TelemetryPoint point)
    {
        if (names.Contains(name))
            return true;
        if (names.Count == NamesMax)
            return false;
        names.Add(name);
        registry.Add(new MetricFamily("kafka.client", "telemetry", name, MetricKind.Gauge, $"what clients say of {point.Name}", Visit)
        {
            IsAttribute = true,
            TagNames = ClientTags,
            PrometheusName = name,
        });
        return true;
    }

    private void Visit(MetricFamily family, IMetricVisitor visitor)
    {
        (MetricTag[] Tags, double Value)[] shown;
        lock (gate)
        {
            shown =
            [
                .. byClient.Values.SelectMany(series => series.Values).Where(one => one.Name == family.Name).Select(one => (one.Tags, one.Value)),
            ];
        }

        foreach (var (tags, value) in shown)
            visitor.OnGauge(family, tags, value);
    }

    private static string NameOf(TelemetryPoint point)
    {
        var name = point.Name.StartsWith(CommonPrefix, StringComparison.Ordinal) ? point.Name[CommonPrefix.Length..] : point.Name;
        name = PrometheusNames.Clean($"kafka_client_{name[..Math.Min(name.Length, TagChars)]}".ToLowerInvariant());
        return point.IsCounter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static MetricTag[] TagsOf(TelemetryClient client, TelemetryPoint point)
    {
        var tags = new List<MetricTag>
        {
            new(ClientTags[0], client.InstanceId), new(ClientTags[1], Short(client.ClientId)),
            new(ClientTags[2], Short(client.SoftwareName)), new(ClientTags[3], Short(client.SoftwareVersion)),
        };
        foreach (var (label, value) in point.Labels)
        {
            var name = PrometheusNames.Clean(Short(label));
            if (name.Length > 0 && !char.IsAsciiDigit(name[0]) && tags.TrueForAll(tag => tag.Name != name))
                tags.Add(new(name, Short(value)));
        }

        return [.. tags];
    }

    private static string Short(string text) => text[..Math.Min(text.Length, TagChars)];

    private sealed class Series(string name, MetricTag[] tags)
    {
        public string Name { get; } = name;

        public MetricTag[] Tags { get; } = tags;

        public double Value { get; set; }
    }
}
