using System.Buffers.Binary;
using System.Text;

namespace Milena.Broker.Tests.Telemetry;

/// <summary>Writes metrics as OpenTelemetry's metrics.proto has them.</summary>
internal static class Otlp
{
    public static byte[] Push(params byte[][] metrics) => Message(1, Message(2, [.. Message(1, Text(1, "scope")), .. metrics.SelectMany(metric => Message(2, metric))]));

    public static byte[] Gauge(string name, double value, params (string Name, string Value)[] labels) =>
        [.. Text(1, name), .. Text(2, "what it is"), .. Text(3, "1"), .. Message(5, Message(1, Number(value, labels)))];

    public static byte[] Sum(string name, double value, bool isDelta, bool isMonotonic = true) =>
        [.. Text(1, name), .. Message(7, [.. Message(1, Number(value)), .. Number(2, isDelta ? 1UL : 2UL), .. Number(3, isMonotonic ? 1UL : 0)])];

    public static byte[] Histogram(string name, ulong count, double sum) =>
        [.. Text(1, name), .. Message(9, [.. Message(1, [.. Fixed(4, count), .. Fixed(5, BitConverter.DoubleToUInt64Bits(sum))]), .. Number(2, 2)])];

    public static byte[] Number(double value, params (string Name, string Value)[] labels) =>
        [.. Fixed(2, 1), .. Fixed(3, 2), .. Fixed(4, BitConverter.DoubleToUInt64Bits(value)), .. labels.SelectMany(label => Message(7, Label(label.Name, label.Value)))];

    public static byte[] Label(string name, string value) => [.. Text(1, name), .. Message(2, Text(1, value))];

    public static byte[] Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Message(int field, byte[] body) => [.. Varint((ulong)((field << 3) | 2)), .. Varint((ulong)body.Length), .. body];

    public static byte[] Number(int field, ulong value) => [.. Varint((ulong)(field << 3)), .. Varint(value)];

    public static byte[] Fixed(int field, ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return [.. Varint((ulong)((field << 3) | 1)), .. bytes];
    }

    public static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }
}
