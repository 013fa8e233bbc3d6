using Milena.Broker.Telemetry;
using Milena.Protocol;

namespace Milena.Broker.Tests.Telemetry;

/// <summary>What clients push is read within bounds, whatever it is.</summary>
public sealed class OtlpMetricsTests
{
    [Fact]
    public void Gauges_sums_and_histograms_are_read()
    {
        var points = OtlpMetrics.Read(Otlp.Push(
            Otlp.Gauge("latency", 2.5, ("node", "1"), ("topic", "t")),
            Otlp.Sum("sent", 7, isDelta: true),
            Otlp.Sum("open", 3, isDelta: false, isMonotonic: false),
            Otlp.Histogram("sizes", 4, 100)));
        Assert.Equal(
            [
                ("latency", false, false, 2.5), ("sent", true, true, 7), ("open", false, false, 3),
                ("sizes.count", true, false, 4), ("sizes.sum", true, false, 100),
            ],
            points.Select(point => (point.Name, point.IsCounter, point.IsDelta, point.Value)));
        Assert.Equal([new("node", "1"), new("topic", "t")], points[0].Labels);
    }

    [Fact]
    public void Whole_numbers_and_labels_of_all_kinds_are_read()
    {
        byte[] number =
        [
            .. Otlp.Fixed(6, unchecked((ulong)-5)),
            .. Otlp.Message(7, [.. Otlp.Text(1, "b"), .. Otlp.Message(2, Otlp.Number(2, 1))]),
            .. Otlp.Message(7, [.. Otlp.Text(1, "i"), .. Otlp.Message(2, Otlp.Number(3, 42))]),
            .. Otlp.Message(7, [.. Otlp.Text(1, "d"), .. Otlp.Message(2, Otlp.Fixed(4, BitConverter.DoubleToUInt64Bits(0.5)))]),
            .. Otlp.Message(7, [.. Otlp.Text(1, "list"), .. Otlp.Message(2, Otlp.Message(5, []))]),
        ];
        var point = Assert.Single(OtlpMetrics.Read(Otlp.Push([.. Otlp.Text(1, "n"), .. Otlp.Message(5, Otlp.Message(1, number))])));
        Assert.Equal(-5, point.Value);
        Assert.Equal(["b=true", "i=42", "d=0.5", "list="], point.Labels.Select(label => $"{label.Key}={label.Value}"));
    }

    [Fact]
    public void Fields_and_kinds_that_are_not_known_are_passed_over()
    {
        byte[] summary = [.. Otlp.Text(1, "quantiles"), .. Otlp.Message(11, Otlp.Message(1, [1, 2, 3]))];
        byte[] strange = [.. Otlp.Number(15, ulong.MaxValue), .. Otlp.Fixed(16, 1), (17 << 3 | 5) & 0x7F | 0x80, 1, 0, 0, 0, 0];
        Assert.Equal(["known"], OtlpMetrics.Read([.. Otlp.Push(summary), .. strange, .. Otlp.Push(Otlp.Gauge("known", 1))]).Select(point => point.Name));
        Assert.Empty(OtlpMetrics.Read([]));
    }

    public static TheoryData<string, byte[]> Wrong => new()
    {
        { "a length beyond the end", [0x0A, 0x05, 1] },
        { "a length beyond all bounds", [0x0A, .. Otlp.Varint(ulong.MaxValue)] },
        { "a number without an end", [0x08, 0xFF] },
        { "a number of eleven bytes", [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1] },
        { "field 0", [0x02, 0] },
        { "a group", [0x1B, 0x1C] },
        { "a number where a message belongs", [0x08, 1] },
        { "no name", Otlp.Push(Otlp.Message(5, Otlp.Message(1, Otlp.Number(1)))) },
        { "a name without measure", Otlp.Push(Otlp.Gauge(new string('n', OtlpMetrics.TextBytesMax + 1), 1)) },
        { "labels without measure", Otlp.Push(Otlp.Gauge("n", 1, [.. Enumerable.Range(0, 33).Select(i => ($"{i}", ""))])) },
        { "numbers without measure", Otlp.Push([.. Otlp.Text(1, "n"), .. Otlp.Message(5, [.. Enumerable.Range(0, OtlpMetrics.PointsMax + 1).SelectMany(_ => new byte[] { 0x0A, 0 })])]) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_be_read_or_is_too_much_is_refused(string what, byte[] data)
    {
        Assert.NotEmpty(what);
        Assert.Throws<MalformedMessageException>(() => OtlpMetrics.Read(data));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Noise_is_read_or_refused_and_never_a_fault(int seed)
    {
        var random = new Random(seed);
        var good = Otlp.Push(Otlp.Gauge("latency", 2.5, ("node", "1")), Otlp.Sum("sent", 7, isDelta: true), Otlp.Histogram("sizes", 4, 100));
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = good.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var fault = Record.Exception(() => OtlpMetrics.Read(bytes.AsSpan(0, random.Next(bytes.Length + 1))));
            Assert.True(fault is null or MalformedMessageException, $"{Convert.ToHexString(bytes)}: {fault}");
        }
    }
}
