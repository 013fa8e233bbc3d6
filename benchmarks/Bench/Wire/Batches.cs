using Milena.Protocol.Records;

namespace Milena.Bench.Wire;

/// <summary>Batches as a producer makes them: uncompressed records of one size, that fill a batch of about that many bytes.</summary>
internal static class Batches
{
    public static byte[] Encode(int batchBytes, int recordBytes, int? count = null)
    {
        using var builder = new RecordBatchBuilder();
        var value = new byte[recordBytes];
        new Random(1).NextBytes(value);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        do
            builder.Append(now, default, value);
        while (count is { } wanted ? builder.Count < wanted : builder.SizeInBytes + recordBytes + 12 <= batchBytes);
        return builder.Build().ToArray();
    }

    /// <summary>Checks and decodes what was fetched, as a consumer does: every CRC, every record.</summary>
    /// <returns>How many records and bytes the whole batches have, and the offset behind them.</returns>
    public static (int Records, int Bytes, long NextOffset) Decode(ReadOnlySpan<byte> bytes)
    {
        var records = 0;
        var next = -1L;
        var batches = RecordBatches.Enumerate(bytes);
        while (batches.MoveNext())
        {
            var batch = batches.Current;
            if (!batch.IsValidCrc)
                throw new InvalidDataException("a batch has been damaged on its way");
            foreach (var record in batch.ReadRecords(batch.RecordsData))
                records += record.Value.IsNull ? 0 : 1;
            next = batch.NextOffset;
        }

        return (records, batches.Consumed, next);
    }
}
