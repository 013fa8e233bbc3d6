using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

/// <summary>Batches and records made of a seed.</summary>
internal static class RandomBatches
{
    internal static readonly CompressionCodec[] Codecs = Enum.GetValues<CompressionCodec>();

    /// <summary>A batch of up to so many records, with nulls, empty parts, repeated headers, times in any order and gaps between offsets.</summary>
    internal static byte[] Next(Random random, int maxRecords, List<TestRecord>? expected = null, CompressionCodec? codec = null)
    {
        var appendTime = random.Next(4) == 0;
        var options = RecordBatchOptions.Default with
        {
            BaseOffset = random.NextInt64(1L << 40),
            PartitionLeaderEpoch = random.Next(100),
            Codec = codec ?? Codecs[random.Next(Codecs.Length)],
            TimestampType = appendTime ? TimestampType.LogAppendTime : TimestampType.CreateTime,
            LogAppendTimeMs = appendTime ? 1_800_000_000_000 : -1,
            ProducerId = random.Next(-1, 3),
            IsTransactional = random.Next(2) == 0,
        };
        using var builder = new RecordBatchBuilder(options);
        var offset = options.BaseOffset;
        for (var i = random.Next(1, maxRecords + 1); i > 0; i--)
        {
            var timestamp = 1_700_000_000_000 + random.Next(-100_000, 100_000);
            var (key, value) = (Bytes(random, 30), Bytes(random, 300));
            var headers = new RecordHeader[Math.Max(0, random.Next(-4, 4))];
            foreach (ref var header in headers.AsSpan())
                header = new($"name {random.Next(3)}", Bytes(random, 20) is { } bytes ? (ReadOnlyMemory<byte>?)bytes : null);
            builder.AppendAt(offset, timestamp, key, value, headers);
            expected?.Add(new(
                offset, appendTime ? options.LogAppendTimeMs : timestamp, Text(key), Text(value), string.Concat(headers.Select(Text))));
            offset += random.Next(5) == 0 ? random.Next(1, 1000) : 1;
        }

        return builder.Build().ToArray();
    }

    /// <summary>Bytes that compress a little, or null.</summary>
    internal static byte[]? Bytes(Random random, int maxLength)
    {
        if (random.Next(8) == 0)
            return null;
        var bytes = new byte[random.Next(maxLength)];
        foreach (ref var b in bytes.AsSpan())
            b = (byte)random.Next(random.Next(1, 256));
        return bytes;
    }

    private static string? Text(byte[]? bytes) => bytes is null ? null : System.Text.Encoding.Latin1.GetString(bytes);

    private static string Text(RecordHeader header) => $"{header.Name}={Text(header.Value?.ToArray()) ?? "null"};";
}
