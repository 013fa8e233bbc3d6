using System.Buffers;
using System.Globalization;
using System.Text;

namespace Milena.Metrics;

/// <summary>
/// Writes metrics in the text format of Prometheus (version 0.0.4), or of OpenMetrics 1.0. Histograms and timers are summaries; a text
/// is a sample of 1 that carries it as a label.
/// </summary>
public sealed class PrometheusText(IBufferWriter<byte> output, bool openMetrics) : IMetricVisitor
{
    /// <summary>The content type of Prometheus's own format.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The content type of OpenMetrics.</summary>
    public const string OpenMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly StringBuilder text = new();
    private string name = "";
    private bool hasHead;

    /// <summary>Everything in a registry, in the order in which it must be written.</summary>
    public static IEnumerable<MetricFamily> InOrder(MetricRegistry registry) =>
        registry.Families.OrderBy(PrometheusNames.Of, StringComparer.Ordinal);

    /// <summary>Writes a family, all its members together; nothing if it has none. Families of one name follow one another.</summary>
    public void Write(MetricFamily family)
    {
        var next = PrometheusNames.Of(family);
        hasHead &= next == name;
        name = next;
        family.Visit(this);
        Flush();
    }

    /// <summary>Ends the document.</summary>
    public void End()
    {
        if (openMetrics)
            text.Append("# EOF\n");
        Flush();
    }

    /// <inheritdoc/>
    public void OnGauge(MetricFamily family, MetricTag[] tags, double value)
    {
        Head(family, PrometheusNames.IsCounter(family) ? "counter" : "gauge");
        Sample("", tags, family.PrometheusLabel ?? default, value * family.PrometheusScale);
    }

    /// <inheritdoc/>
    public void OnText(MetricFamily family, MetricTag[] tags, string value)
    {
        Head(family, "gauge");
        Sample("", tags, new(PrometheusNames.TextLabel(family), value), 1);
    }

    /// <inheritdoc/>
    public void OnMeter(MetricFamily family, MetricTag[] tags, Meter meter)
    {
        Head(family, "counter");
        Sample("", tags, default, meter.Count);
    }

    /// <inheritdoc/>
    public void OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram)
    {
        Head(family, "summary");
        var read = histogram.Read();
        Sample("", tags, new("quantile", "0.50"), read.P50);
        Sample("", tags, new("quantile", "0.75"), read.P75);
        Sample("", tags, new("quantile", "0.95"), read.P95);
        Sample("", tags, new("quantile", "0.98"), read.P98);
        Sample("", tags, new("quantile", "0.99"), read.P99);
        Sample("", tags, new("quantile", "0.999"), read.P999);
        Sample("_sum", tags, default, histogram.Sum);
        Sample("_count", tags, default, read.Count);
    }

    /// <inheritdoc/>
    public void OnTimer(MetricFamily family, MetricTag[] tags, Timing timing) => OnHistogram(family, tags, timing.Duration);

    private void Head(MetricFamily family, string type)
    {
        if (hasHead)
            return;
        hasHead = true;
        // OpenMetrics names the family without what it demands of a counter's samples.
        var head = openMetrics && type == "counter" && name.EndsWith("_total", StringComparison.Ordinal) ? name[..^"_total".Length] : name;
        text.Append("# HELP ").Append(head).Append(' ');
        Escape(family.Description, quotes: openMetrics);
        text.Append("\n# TYPE ").Append(head).Append(' ').Append(type).Append('\n');
    }

    private void Sample(string suffix, MetricTag[] tags, MetricTag own, double value)
    {
        text.Append(name).Append(suffix);
        if (tags.Length > 0 || own.Name is not null)
        {
            text.Append('{');
            foreach (var tag in tags)
                Label(tag);
            if (own.Name is not null)
                Label(own);
            text[^1] = '}';
        }

        text.Append(' ').Append(Number(value)).Append('\n');
        if (text.Length > 8192)
            Flush();
    }

    private void Label(MetricTag tag)
    {
        text.Append(PrometheusNames.Clean(tag.Name)).Append("=\"");
        Escape(tag.Value, quotes: true);
        text.Append("\",");
    }

    private void Escape(string value, bool quotes)
    {
        foreach (var character in value)
        {
            switch (character)
            {
                case '\\':
                    text.Append("\\\\");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '"' when quotes:
                    text.Append("\\\"");
                    break;
                default:
                    text.Append(character);
                    break;
            }
        }
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private void Flush()
    {
        foreach (var chunk in text.GetChunks())
            Encoding.UTF8.GetBytes(chunk.Span, output);
        text.Clear();
    }
}
