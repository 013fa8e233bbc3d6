using System.Buffers.Binary;
using Milena.Bench.Wire;
using Milena.Protocol.Records;

namespace Milena.Bench.Workers;

/// <summary>Fills a topic with small records of random keys, a number of batches in flight. Result: records, bytes.</summary>
internal static class KeyedWorker
{
    private const int BatchBytes = 128 * 1024;
    private const int InFlightMax = 4;
    private const int KeyBytes = 16;
    private const int ValueBytes = 24;

    public static void Run(int port, string topic, int keys, long totalBytes)
    {
        var dialect = Dialect.Of("kafka", topic);
        using var stream = new FrameStream(port);
        Worker.Measure(() =>
        {
            var random = new Random(1);
            using var builder = new RecordBatchBuilder();
            var (records, bytes, inFlight) = (0L, 0L, 0);
            while (bytes < totalBytes || inFlight > 0)
            {
                if (bytes < totalBytes && inFlight < InFlightMax)
                {
                    var batch = Next(builder, random, keys);
                    records += builder.Count;
                    bytes += batch.Length;
                    stream.Send(dialect.Produce(batch, acks: 1));
                    inFlight++;
                    continue;
                }

                dialect.CheckProduced(stream.Receive());
                inFlight--;
            }

            return [records, bytes];
        });
    }

    private static byte[] Next(RecordBatchBuilder builder, Random random, int keys)
    {
        Span<byte> key = stackalloc byte[KeyBytes];
        Span<byte> value = stackalloc byte[ValueBytes];
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        builder.Begin(RecordBatchOptions.Default);
        while (builder.SizeInBytes < BatchBytes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(key, random.Next(keys));
            random.NextBytes(value);
            builder.Append(now, key, value);
        }

        return builder.Build().ToArray();
    }
}
