using System.Buffers.Binary;
using Milena.Protocol.Compression;

namespace Milena.Protocol.Records;

/// <summary>
/// Where the fields of a record batch lie, and how they are changed in place. Everything is big endian. The base offset, the
/// length, the leader epoch and the magic lie before the CRC's range, so a broker gives a batch its place in the log without
/// touching the CRC; whoever changes a field behind it recomputes the CRC.
/// </summary>
public static class RecordBatchHeader
{
    /// <summary>int64: offset of the first record. In a message of magic 0 or 1, of the last one it holds.</summary>
    public const int BaseOffsetOffset = 0;

    /// <summary>int32: bytes that follow this field.</summary>
    public const int LengthOffset = 8;

    /// <summary>int32: epoch of the leader that appended the batch; -1 from a client.</summary>
    public const int PartitionLeaderEpochOffset = 12;

    /// <summary>int8, at the same place in all three formats.</summary>
    public const int MagicOffset = 16;

    /// <summary>uint32: CRC-32C of everything from <see cref="AttributesOffset"/> on.</summary>
    public const int CrcOffset = 17;

    /// <summary>int16: see the masks below.</summary>
    public const int AttributesOffset = 21;

    /// <summary>int32: last offset minus base offset; compaction keeps it when it removes records.</summary>
    public const int LastOffsetDeltaOffset = 23;

    /// <summary>int64: what the records' timestamps count from, or the delete horizon in ms.</summary>
    public const int BaseTimestampOffset = 27;

    /// <summary>int64: ms.</summary>
    public const int MaxTimestampOffset = 35;

    /// <summary>int64: -1 for none.</summary>
    public const int ProducerIdOffset = 43;

    /// <summary>int16: -1 for none.</summary>
    public const int ProducerEpochOffset = 51;

    /// <summary>int32: -1 for none.</summary>
    public const int BaseSequenceOffset = 53;

    /// <summary>int32.</summary>
    public const int RecordCountOffset = 57;

    /// <summary>The header of magic 2, which is where its records begin.</summary>
    public const int Size = 61;

    /// <summary>Offset and length: what stands before the part that the length counts, in all three formats.</summary>
    public const int LogOverhead = 12;

    /// <summary>Attribute bits 0 to 2: the <see cref="CompressionCodec"/>.</summary>
    public const short CodecMask = 0x07;

    /// <summary>Attribute bit 3: the <see cref="TimestampType"/>.</summary>
    public const short TimestampTypeMask = 0x08;

    /// <summary>Attribute bit 4: part of a transaction.</summary>
    public const short TransactionalMask = 0x10;

    /// <summary>Attribute bit 5: written by a broker or controller, not shown to applications.</summary>
    public const short ControlMask = 0x20;

    /// <summary>Attribute bit 6: the base timestamp is the delete horizon (KIP-534).</summary>
    public const short DeleteHorizonMask = 0x40;

    /// <summary>The magic of the format that is written.</summary>
    public const sbyte CurrentMagic = 2;

    /// <summary>Puts the batch at its place in the log. The CRC stays as it is.</summary>
    public static void SetBaseOffset(Span<byte> batch, long baseOffset) =>
        BinaryPrimitives.WriteInt64BigEndian(batch[BaseOffsetOffset..], baseOffset);

    /// <summary>Stamps the epoch of the leader that appends the batch (magic 2 only). The CRC stays as it is.</summary>
    public static void SetPartitionLeaderEpoch(Span<byte> batch, int leaderEpoch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[PartitionLeaderEpochOffset..], leaderEpoch);

    /// <summary>Sets type and maximum of the timestamps, and the CRC if that changes a byte.</summary>
    public static void SetMaxTimestamp(Span<byte> batch, TimestampType type, long maxTimestampMs)
    {
        var view = new RecordBatchView(batch);
        if (view.TimestampType == type && view.MaxTimestamp == maxTimestampMs)
            return;
        var attributes = (short)((view.Attributes & ~TimestampTypeMask) | (type == TimestampType.LogAppendTime ? TimestampTypeMask : 0));
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesOffset..], attributes);
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampOffset..], maxTimestampMs);
        UpdateCrc(batch[..view.SizeInBytes]);
    }

    /// <summary>Sets the attributes and the CRC.</summary>
    public static void SetAttributes(Span<byte> batch, short attributes)
    {
        var view = new RecordBatchView(batch);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesOffset..], attributes);
        UpdateCrc(batch[..view.SizeInBytes]);
    }

    /// <summary>Says who produced the batch and as which of its records, and sets the CRC. -1 stands for none.</summary>
    public static void SetProducer(Span<byte> batch, long producerId, short producerEpoch, int baseSequence, bool transactional)
    {
        var view = new RecordBatchView(batch);
        var attributes = (short)(transactional ? view.Attributes | TransactionalMask : view.Attributes & ~TransactionalMask);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesOffset..], attributes);
        BinaryPrimitives.WriteInt64BigEndian(batch[ProducerIdOffset..], producerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[ProducerEpochOffset..], producerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[BaseSequenceOffset..], baseSequence);
        UpdateCrc(batch[..view.SizeInBytes]);
    }

    /// <summary>Says that the batch is exactly the span. The CRC stays as it is.</summary>
    internal static void SetLength(Span<byte> batch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[LengthOffset..], batch.Length - LogOverhead);

    /// <summary>Computes the CRC of one batch of magic 2, which must be exactly the span, and writes it.</summary>
    public static void UpdateCrc(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[CrcOffset..], Crc32C.Compute(batch[AttributesOffset..]));
}
