using Milena.Protocol;

namespace Milena.Broker.Telemetry;

/// <summary>One number that a client says of itself.</summary>
/// <param name="Name">As the client calls it: <c>org.apache.kafka.producer.connection.creation.rate</c>.</param>
/// <param name="IsCounter">Whether it only grows.</param>
/// <param name="IsDelta">Whether it is what was added since the last push.</param>
/// <param name="Labels">Names and values.</param>
/// <param name="Value">The number.</param>
internal sealed record TelemetryPoint(string Name, bool IsCounter, bool IsDelta, IReadOnlyList<KeyValuePair<string, string>> Labels, double Value);

/// <summary>
/// Reads <c>MetricsData</c> of OpenTelemetry's protocol (metrics.proto 1.x) as far as Kafka's clients write it: gauges and sums; of
/// histograms, count and sum. Other kinds are passed over. The depth is fixed and counts are bounded.
/// </summary>
internal static class OtlpMetrics
{
    /// <summary>The most numbers that a push may carry; Kafka's clients send some hundreds.</summary>
    public const int PointsMax = 10_000;

    /// <summary>The longest name, and the longest label.</summary>
    public const int TextBytesMax = 1024;

    private const int LabelsMax = 32;
    private const ulong Delta = 1;

    /// <summary>Throws <see cref="MalformedMessageException"/> for what cannot be read or is too much.</summary>
    public static List<TelemetryPoint> Read(ReadOnlySpan<byte> data)
    {
        var points = new List<TelemetryPoint>();
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 1)
                ReadResource(reader.ReadBytes(), points);
            else
                reader.Skip();
        }

        return points;
    }

    private static void ReadResource(ReadOnlySpan<byte> data, List<TelemetryPoint> points)
    {
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 2)
                ReadScope(reader.ReadBytes(), points);
            else
                reader.Skip();
        }
    }

    private static void ReadScope(ReadOnlySpan<byte> data, List<TelemetryPoint> points)
    {
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 2)
                ReadMetric(reader.ReadBytes(), points);
            else
                reader.Skip();
        }
    }

    private static void ReadMetric(ReadOnlySpan<byte> data, List<TelemetryPoint> points)
    {
        const int Gauge = 5;
        const int Sum = 7;
        const int Histogram = 9;
        var (name, kind) = ("", 0);
        ReadOnlySpan<byte> body = default;
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 1)
                name = reader.ReadText(TextBytesMax);
            else if (reader.Field is Gauge or Sum or Histogram)
            {
                kind = reader.Field;
                body = reader.ReadBytes();
            }
            else
                reader.Skip();
        }

        if (name == "")
            throw new MalformedMessageException("a metric has no name");
        if (kind != 0)
            ReadPoints(body, name, isHistogram: kind == Histogram, isSum: kind == Sum, points);
    }

    private static void ReadPoints(ReadOnlySpan<byte> data, string name, bool isHistogram, bool isSum, List<TelemetryPoint> points)
    {
        // What says how to take the points may stand behind them.
        var (isDelta, isMonotonic) = (false, isHistogram);
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 2 && (isSum || isHistogram))
                isDelta = reader.ReadVarint() == Delta;
            else if (reader.Field == 3 && isSum)
                isMonotonic = reader.ReadVarint() != 0;
            else
                reader.Skip();
        }

        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field != 1)
                reader.Skip();
            else if (points.Count >= PointsMax)
                throw new MalformedMessageException($"more than {PointsMax} numbers in one push");
            else if (isHistogram)
                ReadHistogram(reader.ReadBytes(), name, isDelta, points);
            else
                points.Add(ReadNumber(reader.ReadBytes(), name, isMonotonic, isDelta));
        }
    }

    private static TelemetryPoint ReadNumber(ReadOnlySpan<byte> data, string name, bool isMonotonic, bool isDelta)
    {
        var labels = new List<KeyValuePair<string, string>>();
        var value = 0.0;
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            switch (reader.Field)
            {
                case 4:
                    value = reader.ReadDouble();
                    break;
                case 6:
                    value = (long)reader.ReadFixed64();
                    break;
                case 7:
                    ReadLabel(reader.ReadBytes(), labels);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new TelemetryPoint(name, isMonotonic, isDelta, labels, value);
    }

    private static void ReadHistogram(ReadOnlySpan<byte> data, string name, bool isDelta, List<TelemetryPoint> points)
    {
        var labels = new List<KeyValuePair<string, string>>();
        var (count, sum) = (0.0, 0.0);
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            switch (reader.Field)
            {
                case 4:
                    count = reader.ReadFixed64();
                    break;
                case 5:
                    sum = reader.ReadDouble();
                    break;
                case 9:
                    ReadLabel(reader.ReadBytes(), labels);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        points.Add(new TelemetryPoint(name + ".count", IsCounter: true, isDelta, labels, count));
        points.Add(new TelemetryPoint(name + ".sum", IsCounter: true, isDelta, labels, sum));
    }

    private static void ReadLabel(ReadOnlySpan<byte> data, List<KeyValuePair<string, string>> labels)
    {
        var (name, value) = ("", "");
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            if (reader.Field == 1)
                name = reader.ReadText(TextBytesMax);
            else if (reader.Field == 2)
                value = ReadValue(reader.ReadBytes());
            else
                reader.Skip();
        }

        if (labels.Count == LabelsMax)
            throw new MalformedMessageException($"a number has more than {LabelsMax} labels");
        labels.Add(new(name, value));
    }

    private static string ReadValue(ReadOnlySpan<byte> data)
    {
        var value = "";
        for (var reader = new ProtobufReader(data); reader.Next();)
        {
            switch (reader.Field)
            {
                case 1:
                    value = reader.ReadText(TextBytesMax);
                    break;
                case 2:
                    value = reader.ReadVarint() != 0 ? "true" : "false";
                    break;
                case 3:
                    value = FormattableString.Invariant($"{(long)reader.ReadVarint()}");
                    break;
                case 4:
                    value = FormattableString.Invariant($"{reader.ReadDouble()}");
                    break;
                default:
                    reader.Skip(); // lists and bytes are no labels
                    break;
            }
        }

        return value;
    }
}
