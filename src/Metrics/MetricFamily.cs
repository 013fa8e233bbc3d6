using Milena.Common;

namespace Milena.Metrics;

/// <summary>
/// Metrics of one name, which differ in their tags: a single one without tags, or one for each topic, partition or listener.
/// The members are listed when somebody looks, and kept by whoever measures.
/// </summary>
public sealed class MetricFamily
{
    private readonly Action<MetricFamily, IMetricVisitor> visit;

    /// <param name="domain">The MBean's domain: <c>kafka.server</c>.</param>
    /// <param name="type">The MBean's type: <c>ReplicaManager</c>.</param>
    /// <param name="name">The MBean's name, or an attribute of the MBean.</param>
    /// <param name="kind">What it shows.</param>
    /// <param name="description">What it says, in half a sentence.</param>
    /// <param name="visit">Shows all members to a visitor. Called by any thread.</param>
    public MetricFamily(
        string domain, string type, string name, MetricKind kind, string description, Action<MetricFamily, IMetricVisitor> visit)
    {
        Invariant.Holds(description.Length > 0);
        Domain = domain;
        Type = type;
        Name = name;
        Kind = kind;
        Description = description;
        this.visit = visit;
    }

    /// <summary>The MBean's domain.</summary>
    public string Domain { get; }

    /// <summary>The MBean's type.</summary>
    public string Type { get; }

    /// <summary>The MBean's name; or, if it <see cref="IsAttribute"/>, one of its attributes.</summary>
    public string Name { get; }

    /// <summary>What it shows.</summary>
    public MetricKind Kind { get; }

    /// <summary>What it says.</summary>
    public string Description { get; }

    /// <summary>
    /// Kafka has two ways: a bean for each metric (Yammer's, <c>type=T,name=N</c>), and a bean with many attributes (its own,
    /// <c>type=T</c>). True for the second.
    /// </summary>
    public bool IsAttribute { get; init; }

    /// <summary>The tags that its members have, for the documentation.</summary>
    public IReadOnlyList<string> TagNames { get; init; } = [];

    /// <summary>The name in Prometheus where it is not the one that follows from the bean's.</summary>
    public string? PrometheusName { get; init; }

    /// <summary>A label that all its samples have in Prometheus beside their tags.</summary>
    public MetricTag? PrometheusLabel { get; init; }

    /// <summary>What its values are multiplied by in Prometheus, which wants seconds.</summary>
    public double PrometheusScale { get; init; } = 1;

    /// <summary>Shows all members to a visitor.</summary>
    public void Visit(IMetricVisitor visitor) => visit(this, visitor);

    /// <inheritdoc/>
    public override string ToString() => IsAttribute ? $"{Domain}:type={Type}, {Name}" : $"{Domain}:type={Type},name={Name}";
}

/// <summary>Is shown the members of families, one after the other.</summary>
public interface IMetricVisitor
{
    /// <summary>Of <see cref="MetricKind.Gauge"/>.</summary>
    void OnGauge(MetricFamily family, MetricTag[] tags, double value);

    /// <summary>Of <see cref="MetricKind.Text"/>.</summary>
    void OnText(MetricFamily family, MetricTag[] tags, string value);

    /// <summary>Of <see cref="MetricKind.Meter"/>.</summary>
    void OnMeter(MetricFamily family, MetricTag[] tags, Meter meter);

    /// <summary>Of <see cref="MetricKind.Histogram"/>.</summary>
    void OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram);

    /// <summary>Of <see cref="MetricKind.Timer"/>.</summary>
    void OnTimer(MetricFamily family, MetricTag[] tags, Timing timing);
}
