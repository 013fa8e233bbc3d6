namespace Milena.Metrics;

/// <summary>
/// What a metric is called in Prometheus: as the rules give it that jmx_exporter is usually run with for Kafka (its
/// <c>kafka-2_0_0.yml</c>, and Strimzi's), which dashboards and alerts rely on.
/// </summary>
public static class PrometheusNames
{
    /// <summary>What the names of counters end with.</summary>
    public const string Total = "_total";

    private const string PerSecond = "PerSec";
    private const string Percent = "Percent";

    // Strimzi's rules write these types without their hyphens, and all others with an underscore instead.
    private static readonly string[] JoinedTypes = ["raft-metrics", "raft-channel-metrics", "broker-metadata-metrics"];

    /// <summary>The name of a family's samples.</summary>
    public static string Of(MetricFamily family)
    {
        if (family.PrometheusName is { } given)
            return given;
        var type = JoinedTypes.Contains(family.Type) ? family.Type.Replace("-", "", StringComparison.Ordinal) : family.Type;
        var name = family switch
        {
            { Kind: MetricKind.Meter } when family.Name.EndsWith(PerSecond, StringComparison.Ordinal) => family.Name[..^PerSecond.Length] + Total,
            { Kind: MetricKind.Meter } => family.Name + Total,
            { Kind: MetricKind.Gauge } when family.Name.EndsWith(Percent, StringComparison.Ordinal) => family.Name[..^Percent.Length] + "_percent",
            { Kind: MetricKind.Text } when !IsState(family) => family.Name + "_info",
            _ => family.Name,
        };
        return Clean($"{family.Domain}_{type}_{name}".ToLowerInvariant());
    }

    /// <summary>Whether its samples only grow.</summary>
    public static bool IsCounter(MetricFamily family) =>
        family.Kind == MetricKind.Meter || (family.Kind == MetricKind.Gauge && Of(family).EndsWith(Total, StringComparison.Ordinal));

    /// <summary>The label that carries the value of a text.</summary>
    public static string TextLabel(MetricFamily family) => Clean(family.Name.ToLowerInvariant());

    /// <summary>A name with no other characters than Prometheus knows.</summary>
    public static string Clean(string name) => string.Create(name.Length, name, static (span, text) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(text[i]) ? text[i] : '_';
    });

    // current-state is a sample of 1 with the state as a label, and not called "info".
    private static bool IsState(MetricFamily family) => family.Name.EndsWith("-state", StringComparison.Ordinal);
}
