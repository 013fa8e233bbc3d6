using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>
/// Checks what a producer sent for one partition, in the order of Apache Kafka's broker, and makes of it the batch to append. The
/// header is checked against itself and the rules; the records are looked at only where that must be: keys of compacted topics,
/// another codec, old formats, bounds on the past, and to name the records of a batch that is refused for its times. Everything
/// else is stored as it was sent, so readers must expect a batch whose records are not what its header says.
/// </summary>
public static class BatchValidator
{
    /// <summary>More faults than this are not listed: a record takes seven bytes, its fault a hundred.</summary>
    public const int RecordFaultsMax = 100;

    /// <summary>The first version of Produce that carries batches of magic 2, and only those.</summary>
    private const short BatchVersion = 3;

    /// <summary>The first version of Produce that may carry zstd (KIP-110).</summary>
    private const short ZstdVersion = 7;

    /// <summary>
    /// What a broker checks before it looks at the partition: that the records of a Produce request of this version are one batch in a
    /// format that the version may carry. Null is given as no bytes.
    /// </summary>
    /// <returns><see cref="ErrorCode.None"/>, or why the partition is refused, and a message for the user.</returns>
    public static ErrorCode CheckRequest(ReadOnlySpan<byte> records, short version, out string? message)
    {
        var error = CheckRun(records, out message);
        if (error != ErrorCode.None)
            return error;
        var batch = new RecordBatchView(records);
        if (version >= BatchVersion && batch.IsLegacy)
        {
            message = $"Produce v{version} carries record batches of magic 2, not of magic {batch.Magic}";
            return ErrorCode.InvalidRecord;
        }

        if (version < ZstdVersion && batch.Codec == CompressionCodec.Zstd)
        {
            message = $"zstd needs Produce v{ZstdVersion}, not v{version}";
            return ErrorCode.UnsupportedCompressionType;
        }

        return ErrorCode.None;
    }

    /// <summary>
    /// Validates the records of one partition. They are changed in place where the topic keeps the time of the append. Dispose the result
    /// when the batch has been appended.
    /// </summary>
    public static BatchValidation Validate(Memory<byte> records, BatchRules rules, long nowMs)
    {
        var error = CheckRun(records.Span, out var message);
        if (error != ErrorCode.None)
            return BatchValidation.Refused(error, message!);
        var batch = new RecordBatchView(records.Span);
        try
        {
            if (batch.IsLegacy)
                return LegacyProduce.Validate(records.Span, rules, nowMs);
            error = CheckHeader(batch, rules, out message);
            return error == ErrorCode.None ? ValidateRecords(records, batch, rules, nowMs) : BatchValidation.Refused(error, message!);
        }
        catch (DecompressedSizeException e)
        {
            // Producers split what is too large and send it again, which is what helps an honest one here.
            return BatchValidation.Refused(ErrorCode.MessageTooLarge, e.Message);
        }
        catch (MalformedMessageException e)
        {
            return BatchValidation.Refused(ErrorCode.InvalidRecord, e.Message);
        }
    }

    /// <summary>Patches the time of the append, if the topic wants it.</summary>
    internal static BatchValidation Accept(Memory<byte> batch, IDisposable? owner, BatchRules rules, long nowMs)
    {
        if (rules.TimestampType == TimestampType.CreateTime)
            return BatchValidation.Accepted(batch, owner, -1);
        RecordBatchHeader.SetMaxTimestamp(batch.Span, TimestampType.LogAppendTime, nowMs);
        return BatchValidation.Accepted(batch, owner, nowMs);
    }

    /// <summary>The size that may not be exceeded, as received and as stored.</summary>
    internal static BatchValidation TooLarge(int size, BatchRules rules) =>
        BatchValidation.Refused(ErrorCode.MessageTooLarge, TooLargeMessage(size, rules));

    /// <summary>That there is one whole batch, or any number of messages of old formats, and nothing else.</summary>
    private static ErrorCode CheckRun(ReadOnlySpan<byte> records, out string? message)
    {
        var batches = RecordBatches.Enumerate(records);
        var (count, onlyLegacy) = (0, true);
        while ((count <= 1 || onlyLegacy) && batches.MoveNext())
        {
            count++;
            onlyLegacy &= batches.Current.IsLegacy;
        }

        message = (batches.End, count) switch
        {
            (BatchRunEnd.Corrupt, _) => "there are bytes that are no record batch",
            (_, 0) => "there is no whole record batch",
            (BatchRunEnd.Complete, _) => null,
            (BatchRunEnd.Partial, _) => "there is a record batch that is cut",
            _ => "there is more than one record batch",
        };
        return message is null ? ErrorCode.None : batches.End == BatchRunEnd.Corrupt ? ErrorCode.CorruptMessage : ErrorCode.InvalidRecord;
    }

    private static ErrorCode CheckHeader(RecordBatchView batch, BatchRules rules, out string? message)
    {
        message = batch.BaseOffset != 0 ? $"the base offset is {batch.BaseOffset} and should be 0" : null;
        if (message is not null)
            return ErrorCode.InvalidRecord;
        if (batch.SizeInBytes > rules.MaxMessageBytes)
        {
            message = TooLargeMessage(batch.SizeInBytes, rules);
            return ErrorCode.MessageTooLarge;
        }

        if (!batch.IsValidCrc)
        {
            message = $"the batch does not match its CRC of {batch.Crc:x8}";
            return ErrorCode.CorruptMessage;
        }

        message = HeaderFault(batch);
        if (message is not null)
            return ErrorCode.InvalidRecord;
        if (!CompressionCodecs.IsKnown(batch.Codec))
        {
            message = $"no compression has the number {(int)batch.Codec}";
            return ErrorCode.UnsupportedCompressionType;
        }

        message = batch.TimestampType == TimestampType.LogAppendTime ? "only a broker gives records the time of their append" : null;
        return message is null ? ErrorCode.None : ErrorCode.InvalidTimestamp;
    }

    private static string? HeaderFault(RecordBatchView batch)
    {
        if (batch.LastOffsetDelta < 0)
            return $"the last offset delta is {batch.LastOffsetDelta}";
        if (batch.RecordCount <= 0)
            return $"the count of records is {batch.RecordCount}";
        if (batch.RecordCount - 1 != batch.LastOffsetDelta)
            return $"{batch.RecordCount} records cannot have a last offset delta of {batch.LastOffsetDelta}";
        if (batch.IsControl)
            return "clients may not write control records";
        if (batch.HasProducerId && batch.BaseSequence < 0)
            return $"producer {batch.ProducerId} sent sequence number {batch.BaseSequence}";
        if (batch.IsTransactional && !batch.HasProducerId)
            return "a transaction without a producer id";
        if (batch.DeleteHorizon is not null)
            return "only compaction sets a delete horizon";
        return batch.Codec == CompressionCodec.None && batch.RecordCount > batch.RecordsData.Length / RecordEnumerator.RecordBytesMin
            ? $"{batch.RecordCount} records do not fit into {batch.RecordsData.Length} bytes"
            : null;
    }

    private static BatchValidation ValidateRecords(Memory<byte> records, RecordBatchView batch, BatchRules rules, long nowMs)
    {
        var target = rules.Codec ?? batch.Codec;
        var timesFit = rules.AllowsTimestamp(batch.MaxTimestamp, nowMs) && rules.AllowsTimestamp(batch.BaseTimestamp, nowMs);

        // The header gives the latest time, but of the earlier ones only the first. Where the past is bounded, look.
        var boundedPast = rules.TimestampBeforeMaxMs != long.MaxValue && rules.TimestampType == TimestampType.CreateTime;
        if (timesFit && !boundedPast && !rules.RequireKeys && target == batch.Codec)
            return Accept(records, owner: null, rules, nowMs);

        using var scratch = new PooledBuffer();
        var faults = new RecordFaults(rules, nowMs);
        var index = 0;
        foreach (var record in batch.ReadRecords(scratch, rules.DecompressedBytesMax))
        {
            faults.CheckOffset(record.Offset - batch.BaseOffset, index);
            faults.Check(record, index++);
        }

        if (faults.Any)
            return faults.Refusal();
        if (!timesFit)
            return BatchValidation.Refused(ErrorCode.InvalidTimestamp, $"the batch has a timestamp out of range: {batch.MaxTimestamp}");
        return target == batch.Codec
            ? Accept(records, owner: null, rules, nowMs)
            : Recompress(batch, batch.Codec == CompressionCodec.None ? batch.RecordsData : scratch.Span, target, rules, nowMs);
    }

    private static BatchValidation Recompress(
        RecordBatchView batch, ReadOnlySpan<byte> records, CompressionCodec codec, BatchRules rules, long nowMs)
    {
        var converted = new PooledBuffer();
        converted.Write(batch.Bytes[..RecordBatchHeader.Size]);
        CompressionCodecs.Compress(codec, records, converted, rules.CompressionLevel);
        if (converted.Length > rules.MaxMessageBytes)
        {
            var length = converted.Length;
            converted.Dispose();
            return TooLarge(length, rules);
        }

        RecordBatchHeader.SetLength(converted.Span);
        RecordBatchHeader.SetAttributes(converted.Span, (short)((batch.Attributes & ~RecordBatchHeader.CodecMask) | (int)codec));
        return Accept(converted.Memory, converted, rules, nowMs);
    }

    private static string TooLargeMessage(int size, BatchRules rules) =>
        $"the record batch has {size} bytes, more than the topic's {rules.MaxMessageBytes}";
}
