using System.Text;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests;

/// <summary>Record batches as producers send them, and the records of what comes back.</summary>
internal static class Batches
{
    public static byte[] Of(params string[] values) => Of(RecordBatchOptions.Default, timestampMs: 1_767_000_000_000, values);

    public static byte[] Of(CompressionCodec codec, params string[] values) =>
        Of(RecordBatchOptions.Default with { Codec = codec }, timestampMs: 1_767_000_000_000, values);

    /// <summary>One batch whose records are a millisecond apart.</summary>
    public static byte[] Of(RecordBatchOptions options, long timestampMs, params string[] values)
    {
        using var builder = new RecordBatchBuilder(options);
        for (var i = 0; i < values.Length; i++)
            builder.Append(timestampMs + i, NullableSpan.Null, Encoding.UTF8.GetBytes(values[i]));
        return builder.Build().ToArray();
    }

    /// <summary>A batch of one record that is so large, header included.</summary>
    public static byte[] OfSize(int bytes)
    {
        var batch = Of(new string('x', bytes - 80));
        return batch.Length == bytes ? batch : Of(new string('x', bytes - 80 + bytes - batch.Length));
    }

    public static byte[] Idempotent(long producerId, short epoch, int sequence, params string[] values) =>
        Of(
            RecordBatchOptions.Default with { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence },
            1_767_000_000_000,
            values);

    public static byte[] Transactional(long producerId, short epoch, int sequence, params string[] values) =>
        Of(
            RecordBatchOptions.Default with { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence, IsTransactional = true },
            1_767_000_000_000,
            values);

    /// <summary>A copy in which one byte, counted from the end if negative, is another.</summary>
    public static byte[] With(this byte[] batch, int at, byte value)
    {
        var copy = batch.ToArray();
        copy[at < 0 ? copy.Length + at : at] = value;
        return copy;
    }

    /// <summary>
    /// The values of whole batches (or old messages), with their offsets; a partial one at the end is dropped and markers
    /// are passed over, as clients do.
    /// </summary>
    public static IReadOnlyList<(long Offset, string Value)> Read(RecordBytes records)
    {
        var found = new List<(long, string)>();
        using var scratch = new PooledBuffer();
        foreach (var batch in RecordBatches.Enumerate(records.ToArray()))
        {
            if (batch.IsControl)
                continue;
            foreach (var record in batch.ReadRecords(scratch, 1 << 24))
                found.Add((record.Offset, Encoding.UTF8.GetString(record.Value.Span)));
        }

        return found;
    }

    public static string[] Values(RecordBytes records) => [.. Read(records).Select(record => record.Value)];
}
