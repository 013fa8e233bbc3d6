using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>
/// What clients of Produce v0 to v2 send: messages of magic 0 or 1, alone or in compressed sets. They become one batch of magic 2,
/// in the codec they came in. Their offsets are the client's and count for nothing.
/// </summary>
internal static class LegacyProduce
{
    internal static BatchValidation Validate(ReadOnlySpan<byte> messages, BatchRules rules, long nowMs)
    {
        var refusal = CheckMessages(messages, rules, out var codec);
        if (refusal is not null)
            return refusal.Value;

        var options = RecordBatchOptions.Default with { Codec = rules.Codec ?? codec, CompressionLevel = rules.CompressionLevel };
        var builder = new RecordBatchBuilder(options);
        BatchValidation result = default;
        try
        {
            return result = Convert(messages, rules, builder, nowMs);
        }
        finally
        {
            if (!result.IsConverted)
                builder.Dispose();
        }
    }

    private static BatchValidation? CheckMessages(ReadOnlySpan<byte> messages, BatchRules rules, out CompressionCodec codec)
    {
        codec = CompressionCodec.None;
        foreach (var message in RecordBatches.Enumerate(messages))
        {
            if (message.SizeInBytes > rules.MaxMessageBytes)
                return BatchValidator.TooLarge(message.SizeInBytes, rules);
            if (!message.IsValidCrc)
                return BatchValidation.Refused(ErrorCode.CorruptMessage, $"a message does not match its CRC of {message.Crc:x8}");
            if (message.Codec > CompressionCodec.Lz4)
                return BatchValidation.Refused(
                    ErrorCode.UnsupportedCompressionType,
                    $"messages of magic {message.Magic} do not know {CompressionCodecs.Name(message.Codec)}");
            if (message.Magic == 1 && message.TimestampType == TimestampType.LogAppendTime)
                return BatchValidation.Refused(ErrorCode.InvalidTimestamp, "only a broker gives messages the time of their append");
            if (message.Codec != CompressionCodec.None)
                codec = message.Codec;
        }

        return null;
    }

    private static BatchValidation Convert(ReadOnlySpan<byte> messages, BatchRules rules, RecordBatchBuilder builder, long nowMs)
    {
        var faults = new RecordFaults(rules, nowMs);
        using var scratch = new PooledBuffer();
        foreach (var message in RecordBatches.Enumerate(messages))
        {
            var left = Math.Max(rules.DecompressedBytesMax - builder.SizeInBytes, 0);
            foreach (var record in message.ReadRecords(scratch, left))
            {
                faults.Check(record, builder.Count);
                builder.AppendAt(builder.Count, record);
            }
        }

        if (faults.Any)
            return faults.Refusal();
        if (builder.Count == 0)
            return BatchValidation.Refused(ErrorCode.InvalidRecord, "there are no messages");
        var batch = builder.Build();
        return batch.Length > rules.MaxMessageBytes
            ? BatchValidator.TooLarge(batch.Length, rules)
            : BatchValidator.Accept(batch, builder, rules, nowMs);
    }
}
