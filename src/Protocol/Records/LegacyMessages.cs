using System.Buffers.Binary;
using System.IO.Hashing;
using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>What a conversion to an old format came to.</summary>
/// <param name="Error">
/// <see cref="ErrorCode.UnsupportedCompressionType"/> if the first batch is one that the old format cannot express, and otherwise
/// <see cref="ErrorCode.None"/>.
/// </param>
/// <param name="NextOffset">
/// The offset behind the last batch that was converted or passed over; -1 if there was none. A reader whose messages are none, because
/// all batches were markers, goes on from here.
/// </param>
public readonly record struct DownConversion(ErrorCode Error, long NextOffset);

/// <summary>
/// Between record batches and messages of magic 0 and 1, which clients before 0.11 know. Reading them needs no conversion
/// (<see cref="RecordBatchView.ReadRecords(PooledBuffer, int)"/> shows all formats alike). Conversion down loses headers, markers and
/// the producer's fields, and keeps offsets, keys, values, codec and, in magic 1, times.
/// </summary>
public static class LegacyMessages
{
    /// <summary>The newest format that a version of Fetch may be answered with: magic 0 to v1, magic 1 to v3, magic 2 from v4 on.</summary>
    public static sbyte MagicOfFetch(short version) => version switch
    {
        < 2 => 0,
        < 4 => 1,
        _ => 2,
    };

    /// <summary>
    /// Makes one batch of magic 2 of a run of messages, with their offsets and in the codec of the first. Compaction rewrites old
    /// segments so. The batch lies in the builder; empty if there are no messages.
    /// </summary>
    /// <param name="messages">Whole messages of magic 0 or 1.</param>
    /// <param name="builder">Begun anew.</param>
    /// <param name="maxBytes">How many bytes may come out of each compressed set.</param>
    /// <exception cref="MalformedMessageException">A message is damaged, or the offsets do not ascend.</exception>
    public static Memory<byte> ToBatch(ReadOnlySpan<byte> messages, RecordBatchBuilder builder, int maxBytes)
    {
        using var scratch = new PooledBuffer();
        var first = true;
        foreach (var message in RecordBatches.Enumerate(messages))
        {
            foreach (var record in message.ReadRecords(scratch, maxBytes))
            {
                if (first)
                    builder.Begin(OptionsOf(message, record));
                first = false;
                if (record.Offset < builder.NextOffset || record.Offset - builder.BaseOffset > int.MaxValue)
                    throw new MalformedMessageException($"message {record.Offset} follows {builder.NextOffset - 1}");
                builder.AppendAt(record.Offset, record);
            }
        }

        return first ? default : builder.Build();
    }

    /// <summary>Appends the messages of the batches, in an old format. Batches that are in it already are copied.</summary>
    /// <param name="batches">Whole batches, of any magic.</param>
    /// <param name="magic">0 or 1.</param>
    /// <param name="fromOffset">Where the reader stands: records before it are left out, where that is possible.</param>
    /// <param name="destination">Where to append.</param>
    /// <param name="maxBytes">How many bytes may come out of each compressed batch.</param>
    /// <exception cref="MalformedMessageException">A batch is damaged.</exception>
    public static DownConversion FromBatches(
        ReadOnlySpan<byte> batches, sbyte magic, long fromOffset, PooledBuffer destination, int maxBytes)
    {
        using var scratch = new PooledBuffer();
        var nextOffset = -1L;
        foreach (var batch in RecordBatches.Enumerate(batches))
        {
            if (batch.Magic <= magic)
                destination.Write(batch.Bytes);
            else if (batch.Codec > CompressionCodec.Lz4)
                return new(nextOffset < 0 ? ErrorCode.UnsupportedCompressionType : ErrorCode.None, nextOffset);
            else if (!batch.IsControl)
                Convert(batch, magic, fromOffset, destination, scratch, maxBytes);
            nextOffset = batch.NextOffset;
        }

        return new(ErrorCode.None, nextOffset);
    }

    private static RecordBatchOptions OptionsOf(RecordBatchView message, in Record firstRecord) => RecordBatchOptions.Default with
    {
        BaseOffset = firstRecord.Offset,
        Codec = message.Codec,
        TimestampType = message.TimestampType,
        LogAppendTimeMs = message.TimestampType == TimestampType.LogAppendTime ? message.MaxTimestamp : -1,
    };

    private static void Convert(
        RecordBatchView batch, sbyte magic, long fromOffset, PooledBuffer destination, PooledBuffer scratch, int maxBytes)
    {
        var attributes = magic == 1 && batch.TimestampType == TimestampType.LogAppendTime ? RecordBatchHeader.TimestampTypeMask : 0;
        if (batch.Codec == CompressionCodec.None)
        {
            foreach (var record in batch.ReadRecords(scratch, maxBytes))
            {
                if (record.Offset >= fromOffset)
                    Write(destination, magic, record.Offset, attributes, record.TimestampMs, record.Key, record.Value);
            }

            return;
        }

        using var messages = new PooledBuffer();
        var (firstOffset, lastOffset) = (-1L, -1L);
        var maxTimestamp = -1L;
        foreach (var record in batch.ReadRecords(scratch, maxBytes))
        {
            firstOffset = firstOffset < 0 ? record.Offset : firstOffset;
            lastOffset = record.Offset;
            maxTimestamp = Math.Max(maxTimestamp, record.TimestampMs);
            var innerOffset = magic == 0 ? lastOffset : lastOffset - firstOffset;
            Write(messages, magic, innerOffset, attributes, record.TimestampMs, record.Key, record.Value);
        }

        if (lastOffset < 0)
            return;
        scratch.Clear();
        var framing = magic == 0 ? Lz4Framing.Magic0 : Lz4Framing.Standard;
        CompressionCodecs.Compress(batch.Codec, messages.Span, scratch, level: null, framing);
        Write(destination, magic, lastOffset, attributes | (int)batch.Codec, maxTimestamp, NullableSpan.Null, scratch.Span);
    }

    private static void Write(
        PooledBuffer destination, sbyte magic, long offset, int attributes, long timestampMs, NullableSpan key, NullableSpan value)
    {
        var size = checked(RecordBatchView.HeaderSize(magic) + key.Span.Length + value.Span.Length);
        var message = destination.GetSpan(size)[..size];
        BinaryPrimitives.WriteInt64BigEndian(message, offset);
        BinaryPrimitives.WriteInt32BigEndian(message[RecordBatchHeader.LengthOffset..], size - RecordBatchHeader.LogOverhead);
        message[RecordBatchHeader.MagicOffset] = (byte)magic;
        message[LegacyMessage.AttributesOffset] = (byte)attributes;
        if (magic == 1)
            BinaryPrimitives.WriteInt64BigEndian(message[LegacyMessage.TimestampOffset..], timestampMs);
        var rest = Write(message[LegacyMessage.KeyOffset(magic)..], key);
        Write(rest, value);
        var crc = Crc32.HashToUInt32(message[RecordBatchHeader.MagicOffset..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[LegacyMessage.CrcOffset..], crc);
        destination.Advance(size);
    }

    private static Span<byte> Write(Span<byte> destination, NullableSpan bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, bytes.Length);
        bytes.Span.CopyTo(destination[sizeof(int)..]);
        return destination[(sizeof(int) + bytes.Span.Length)..];
    }
}
