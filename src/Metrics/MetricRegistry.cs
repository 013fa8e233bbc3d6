using System.Collections.Concurrent;
using Milena.Common;

namespace Milena.Metrics;

/// <summary>
/// Everything that a node measures, in families of one name. One a node; any thread may use it. Who measures asks for its metrics once,
/// when it is made.
/// </summary>
public sealed class MetricRegistry : IDisposable
{
    /// <summary>The meter of <c>System.Diagnostics.Metrics</c> to listen to.</summary>
    public const string MeterName = "Milena";

    private static readonly MetricTag[] NoTags = [];

    private readonly ConcurrentDictionary<(string Domain, string Type, string Name), MetricFamily> byName = new();
    private readonly ConcurrentQueue<WindowRate> rates = new();
    private readonly Ticker ticker = new();
    private readonly MetricInstruments instruments = new();
    private ITimer? timer;

    /// <param name="time">The clock of rates and percentiles.</param>
    public MetricRegistry(TimeProvider time) => Time = time;

    /// <summary>The clock of rates and percentiles.</summary>
    public TimeProvider Time { get; }

    /// <summary>All families, in the order of their names.</summary>
    public IReadOnlyList<MetricFamily> Families =>
    [
        .. byName.Values
            .OrderBy(family => family.Domain, StringComparer.Ordinal)
            .ThenBy(family => family.Type, StringComparer.Ordinal)
            .ThenBy(family => family.Name, StringComparer.Ordinal),
    ];

    /// <summary>The names of a family's instruments in the meter <see cref="MeterName"/>.</summary>
    public static IReadOnlyList<string> InstrumentsOf(MetricFamily family) => MetricInstruments.NamesOf(family);

    /// <summary>Starts the timer that keeps rates and percentiles up to date.</summary>
    public void Start()
    {
        Invariant.Holds(timer is null);
        var step = TimeSpan.FromSeconds(Metrics.Meter.StepSeconds);
        timer = Time.CreateTimer(static state => ((MetricRegistry)state!).Tick(), this, step, step);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        timer?.Dispose();
        instruments.Dispose();
    }

    /// <summary>Adds a family, whose name must be new.</summary>
    public void Add(MetricFamily family)
    {
        if (!byName.TryAdd((family.Domain, family.Type, family.Name), family))
            throw new InvariantViolation($"there is a metric {family} already");
        instruments.Add(family);
    }

    /// <summary>A counter of events.</summary>
    public Meter Meter(string domain, string type, string name, string eventType, string description, params MetricTag[] tags)
    {
        var meter = new Meter(Time, eventType);
        Add(new(domain, type, name, MetricKind.Meter, description, (family, visitor) => visitor.OnMeter(family, tags, meter))
        {
            TagNames = NamesOf(tags),
        });
        return meter;
    }

    /// <summary>How values are distributed.</summary>
    public Histogram Histogram(string domain, string type, string name, string description, double unit = 1)
    {
        var histogram = new Histogram(Time, unit);
        Add(new(domain, type, name, MetricKind.Histogram, description, (family, visitor) => visitor.OnHistogram(family, NoTags, histogram)));
        return histogram;
    }

    /// <summary>How long something takes, in ms, and how often it happens.</summary>
    public Timing Timing(string domain, string type, string name, string eventType, string description)
    {
        var timing = new Timing(Time, eventType);
        Add(new(domain, type, name, MetricKind.Timer, description, (family, visitor) => visitor.OnTimer(family, NoTags, timing)));
        return timing;
    }

    /// <summary>A number that is asked for when somebody looks.</summary>
    public void Gauge(string domain, string type, string name, string description, Func<double> read, params MetricTag[] tags) =>
        Add(new(domain, type, name, MetricKind.Gauge, description, (family, visitor) => visitor.OnGauge(family, tags, read()))
        {
            TagNames = NamesOf(tags),
        });

    /// <summary>A text that is asked for when somebody looks.</summary>
    public void Text(string domain, string type, string name, string description, Func<string> read) =>
        Add(new(domain, type, name, MetricKind.Text, description, (family, visitor) => visitor.OnText(family, NoTags, read())));

    /// <summary>A number for each of many things, which are listed when somebody looks.</summary>
    public void Gauges(
        string domain, string type, string name, string description, string[] tagNames, Func<IEnumerable<(MetricTag[] Tags, double Value)>> list) =>
        Add(new(domain, type, name, MetricKind.Gauge, description, EachOf(list)) { TagNames = tagNames });

    /// <summary>An attribute of a bean of Kafka's own kind.</summary>
    public void Attribute(string domain, string type, string name, string description, Func<double> read, params MetricTag[] tags) =>
        Add(new(domain, type, name, MetricKind.Gauge, description, (family, visitor) => visitor.OnGauge(family, tags, read()))
        {
            IsAttribute = true,
            TagNames = NamesOf(tags),
        });

    /// <summary>The same for a text.</summary>
    public void TextAttribute(string domain, string type, string name, string description, Func<string> read) =>
        Add(new(domain, type, name, MetricKind.Text, description, (family, visitor) => visitor.OnText(family, NoTags, read()))
        {
            IsAttribute = true,
        });

    /// <summary>The same for each of many things, which are listed when somebody looks.</summary>
    public void Attributes(
        string domain, string type, string name, string description, string[] tagNames, Func<IEnumerable<(MetricTag[] Tags, double Value)>> list) =>
        Add(new(domain, type, name, MetricKind.Gauge, description, EachOf(list)) { IsAttribute = true, TagNames = tagNames });

    /// <summary>
    /// The two attributes of a counter that somebody keeps: <c>name-rate</c>, per second, and its total, called <c>name-total</c> or
    /// (by the group coordinator) <c>name-count</c>.
    /// </summary>
    public void Rate(string domain, string type, string name, string description, Func<long> total, string totalSuffix = "total")
    {
        var rate = Track(total);
        Attribute(domain, type, $"{name}-rate", $"{description}, per second", rate.Read);
        Attribute(domain, type, $"{name}-{totalSuffix}", description, () => rate.Total);
    }

    /// <summary>The attributes <c>name-avg</c> and <c>name-max</c> of what is measured seldom.</summary>
    public WindowStats Stats(string domain, string type, string name, string description)
    {
        var stats = new WindowStats(Time);
        Attribute(domain, type, $"{name}-avg", $"{description}, on average", () => stats.Average);
        Attribute(domain, type, $"{name}-max", $"{description}, at most", () => stats.Max);
        return stats;
    }

    /// <summary>How fast a counter grows, for whoever makes a family of such rates himself. Kept for ever.</summary>
    public WindowRate Track(Func<long> total)
    {
        var rate = new WindowRate(Time, total);
        rates.Enqueue(rate);
        return rate;
    }

    /// <summary>What the timer does: gives rates and percentiles their step.</summary>
    internal void Tick()
    {
        foreach (var family in byName.Values)
        {
            if (family.Kind is MetricKind.Meter or MetricKind.Histogram or MetricKind.Timer)
                family.Visit(ticker);
        }

        foreach (var rate in rates)
            rate.Tick();
    }

    private static Action<MetricFamily, IMetricVisitor> EachOf(Func<IEnumerable<(MetricTag[] Tags, double Value)>> list) => (family, visitor) =>
    {
        foreach (var (tags, value) in list())
            visitor.OnGauge(family, tags, value);
    };

    private static string[] NamesOf(MetricTag[] tags) => Array.ConvertAll(tags, tag => tag.Name);

    private sealed class Ticker : IMetricVisitor
    {
        public void OnGauge(MetricFamily family, MetricTag[] tags, double value)
        {
        }

        public void OnText(MetricFamily family, MetricTag[] tags, string value)
        {
        }

        public void OnMeter(MetricFamily family, MetricTag[] tags, Meter meter) => meter.Tick();

        public void OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram) => histogram.Tick();

        public void OnTimer(MetricFamily family, MetricTag[] tags, Timing timing)
        {
            timing.Rate.Tick();
            timing.Duration.Tick();
        }
    }
}
