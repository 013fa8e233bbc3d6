using System.Diagnostics.Metrics;

namespace Milena.Metrics;

/// <summary>
/// Shows families to whoever listens to <c>System.Diagnostics.Metrics</c>, such as OpenTelemetry: instruments of a meter called
/// <c>Milena</c>, which are asked when somebody collects, so they cost nothing otherwise.
/// </summary>
/// <remarks>
/// An instrument has the name of Prometheus without <c>_total</c>, which exporters add by themselves; a histogram is two of them, its
/// percentiles with the tag <c>quantile</c>, and its count.
/// </remarks>
internal sealed class MetricInstruments : IDisposable
{
    private readonly System.Diagnostics.Metrics.Meter meter = new(MetricRegistry.MeterName);

    public void Add(MetricFamily family)
    {
        if (family.Domain == ProcessMetrics.Domain)
            return; // the runtime shows its own
        var names = NamesOf(family);
        if (names is [var percentiles, var count])
        {
            meter.CreateObservableGauge(percentiles, () => Collect(family, isCount: false), description: family.Description);
            meter.CreateObservableCounter(count, () => Collect(family, isCount: true), description: family.Description);
        }
        else if (PrometheusNames.IsCounter(family))
            meter.CreateObservableCounter(names[0], () => Collect(family, isCount: true), description: family.Description);
        else
            meter.CreateObservableGauge(names[0], () => Collect(family, isCount: false), description: family.Description);
    }

    public static string[] NamesOf(MetricFamily family)
    {
        var name = PrometheusNames.Of(family);
        return family.Kind is MetricKind.Histogram or MetricKind.Timer
            ? [name, $"{name}_count"]
            : [PrometheusNames.IsCounter(family) ? name[..^PrometheusNames.Total.Length] : name];
    }

    public void Dispose() => meter.Dispose();

    private static List<Measurement<double>> Collect(MetricFamily family, bool isCount)
    {
        var collector = new Collector(isCount);
        family.Visit(collector);
        return collector.Measurements;
    }

    private sealed class Collector(bool isCount) : IMetricVisitor
    {
        public List<Measurement<double>> Measurements { get; } = [];

        public void OnGauge(MetricFamily family, MetricTag[] tags, double value) => Add(value, tags);

        public void OnText(MetricFamily family, MetricTag[] tags, string value) =>
            Add(1, tags, new(PrometheusNames.TextLabel(family), value));

        public void OnMeter(MetricFamily family, MetricTag[] tags, Meter meter) => Add(meter.Count, tags);

        public void OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram)
        {
            if (isCount)
            {
                Add(histogram.Count, tags);
                return;
            }

            var read = histogram.Read();
            Add(read.P50, tags, new("quantile", "0.50"));
            Add(read.P75, tags, new("quantile", "0.75"));
            Add(read.P95, tags, new("quantile", "0.95"));
            Add(read.P98, tags, new("quantile", "0.98"));
            Add(read.P99, tags, new("quantile", "0.99"));
            Add(read.P999, tags, new("quantile", "0.999"));
        }

        public void OnTimer(MetricFamily family, MetricTag[] tags, Timing timing) => OnHistogram(family, tags, timing.Duration);

        private void Add(double value, MetricTag[] tags, MetricTag own = default)
        {
            var all = new KeyValuePair<string, object?>[tags.Length + (own.Name is null ? 0 : 1)];
            for (var i = 0; i < tags.Length; i++)
                all[i] = new(tags[i].Name, tags[i].Value);
            if (own.Name is not null)
                all[^1] = new(own.Name, own.Value);
            Measurements.Add(new(value, all));
        }
    }
}
