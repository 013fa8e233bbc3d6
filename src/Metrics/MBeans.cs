using System.Globalization;
using System.Text;

namespace Milena.Metrics;

/// <summary>An object as JMX shows it.</summary>
/// <param name="Name">Its name: <c>kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,topic=t</c>.</param>
/// <param name="Attributes">Its attributes: numbers (long or double), texts, and what consists of attributes itself.</param>
public sealed record MBean(string Name, IReadOnlyDictionary<string, object> Attributes);

/// <summary>Makes of metrics the objects that JMX shows in Apache Kafka, with the attributes that its kinds of metrics have.</summary>
public sealed class MBeans : IMetricVisitor
{
    private readonly Dictionary<string, Dictionary<string, object>> beans = new(StringComparer.Ordinal);

    private MBeans()
    {
    }

    /// <summary>All of them, as of now, by name.</summary>
    public static IReadOnlyList<MBean> Of(MetricRegistry registry)
    {
        var visitor = new MBeans();
        foreach (var family in registry.Families)
            family.Visit(visitor);
        return [.. visitor.beans.OrderBy(bean => bean.Key, StringComparer.Ordinal).Select(bean => new MBean(bean.Key, bean.Value))];
    }

    /// <summary>The name of the bean of a family's member.</summary>
    public static string NameOf(MetricFamily family, IEnumerable<MetricTag> tags)
    {
        var name = new StringBuilder($"{family.Domain}:type={family.Type}");
        if (!family.IsAttribute)
            name.Append(",name=").Append(Quoted(family.Name));
        foreach (var tag in tags)
            name.Append(CultureInfo.InvariantCulture, $",{tag.Name}={Quoted(tag.Value)}");
        return name.ToString();
    }

    void IMetricVisitor.OnGauge(MetricFamily family, MetricTag[] tags, double value) => Add(Bean(family, tags), family, value);

    void IMetricVisitor.OnText(MetricFamily family, MetricTag[] tags, string value) => Add(Bean(family, tags), family, value);

    void IMetricVisitor.OnMeter(MetricFamily family, MetricTag[] tags, Meter meter) => AddRates(Bean(family, tags), meter);

    void IMetricVisitor.OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram) =>
        AddDistribution(Bean(family, tags), histogram);

    void IMetricVisitor.OnTimer(MetricFamily family, MetricTag[] tags, Timing timing)
    {
        var bean = Bean(family, tags);
        AddRates(bean, timing.Rate);
        AddDistribution(bean, timing.Duration);
        bean["LatencyUnit"] = "MILLISECONDS";
    }

    private Dictionary<string, object> Bean(MetricFamily family, MetricTag[] tags)
    {
        var name = NameOf(family, tags);
        return beans.TryGetValue(name, out var bean) ? bean : beans[name] = new(StringComparer.Ordinal);
    }

    private static void Add(Dictionary<string, object> bean, MetricFamily family, object value)
    {
        if (!family.IsAttribute)
            bean["Value"] = value;
        else if (family.Name.Split('.') is [var whole, var part]) // HeapMemoryUsage.used: an attribute that has parts
            ((Dictionary<string, object>)(bean.TryGetValue(whole, out var known) ? known : bean[whole] = new Dictionary<string, object>()))[part] = value;
        else
            bean[family.Name] = value;
    }

    private static void AddRates(Dictionary<string, object> bean, Meter meter)
    {
        var rates = meter.Read();
        bean["Count"] = meter.Count;
        bean["MeanRate"] = rates.Mean;
        bean["OneMinuteRate"] = rates.OneMinute;
        bean["FiveMinuteRate"] = rates.FiveMinutes;
        bean["FifteenMinuteRate"] = rates.FifteenMinutes;
        bean["EventType"] = meter.EventType;
        bean["RateUnit"] = "SECONDS";
    }

    private static void AddDistribution(Dictionary<string, object> bean, Histogram histogram)
    {
        var read = histogram.Read();
        bean["Count"] = read.Count;
        bean["Min"] = read.Min;
        bean["Max"] = read.Max;
        bean["Mean"] = read.Mean;
        bean["StdDev"] = read.StdDev;
        bean["50thPercentile"] = read.P50;
        bean["75thPercentile"] = read.P75;
        bean["95thPercentile"] = read.P95;
        bean["98thPercentile"] = read.P98;
        bean["99thPercentile"] = read.P99;
        bean["999thPercentile"] = read.P999;
    }

    // Java's ObjectName.quote, for what Kafka would quote: * and ? would else be patterns.
    private static string Quoted(string value)
    {
        if (value.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '%' or '.' or ' '))
            return value;
        var quoted = new StringBuilder("\"");
        foreach (var character in value)
        {
            if (character is '\\' or '"' or '*' or '?')
                quoted.Append('\\');
            quoted.Append(character == '\n' ? "\\n" : character);
        }

        return quoted.Append('"').ToString();
    }
}
