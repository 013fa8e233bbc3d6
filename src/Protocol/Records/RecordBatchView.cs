using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Milena.Protocol.Compression;
using static Milena.Protocol.Records.RecordBatchHeader;

namespace Milena.Protocol.Records;

/// <summary>
/// One record batch where it lies: the fields of its header, read when asked for. It also shows a message of magic 0 or 1, as far
/// as that has the field: then <see cref="BaseOffset"/> is the offset of the last message in it, the producer's fields are -1 and
/// there is no epoch. A view is made only of bytes that hold a whole header and a plausible length, so no property can run out of
/// them; <see cref="RecordsData"/> and <see cref="IsValidCrc"/> need the whole batch (<see cref="IsComplete"/>).
/// </summary>
public readonly ref struct RecordBatchView
{
    private readonly ReadOnlySpan<byte> bytes;

    /// <summary>
    /// The batch that the bytes begin with. Throws <see cref="MalformedMessageException"/> if that is no batch or not a whole one.
    /// </summary>
    public RecordBatchView(ReadOnlySpan<byte> bytes)
    {
        if (Probe(bytes, out var size) != BatchRunEnd.None)
            ThrowMalformed();
        this.bytes = bytes[..size];
    }

    /// <summary>The batch at the beginning of the bytes, which <see cref="Probe"/> has found.</summary>
    internal RecordBatchView(ReadOnlySpan<byte> bytes, int size) => this.bytes = bytes.Length > size ? bytes[..size] : bytes;

    /// <summary>The batch that the bytes begin with, or false if that is no batch or not a whole one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RecordBatchView batch)
    {
        var found = Probe(bytes, out var size) == BatchRunEnd.None;
        batch = found ? new(bytes, size) : default;
        return found;
    }

    /// <summary>
    /// The batch whose header the bytes begin with, or false. Its records may be missing: for walking through a segment without
    /// reading more than headers.
    /// </summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out RecordBatchView batch)
    {
        var end = Probe(bytes, out var size);
        var found = end == BatchRunEnd.None
            || (end == BatchRunEnd.Partial && size > 0 && bytes.Length >= HeaderSize((sbyte)bytes[MagicOffset]));
        batch = found ? new(bytes, size) : default;
        return found;
    }

    /// <summary>The bytes of the batch, header included.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Offset of the first record; in magic 0 and 1, of the last.</summary>
    public long BaseOffset => BinaryPrimitives.ReadInt64BigEndian(bytes);

    /// <summary>The size of the whole batch, header included.</summary>
    public int SizeInBytes => LogOverhead + BinaryPrimitives.ReadInt32BigEndian(bytes[LengthOffset..]);

    /// <summary>True if all bytes of the batch are here, not only its header.</summary>
    public bool IsComplete => bytes.Length == SizeInBytes;

    /// <summary>The leader's epoch at the append, -1 for none.</summary>
    public int PartitionLeaderEpoch => IsLegacy ? -1 : BinaryPrimitives.ReadInt32BigEndian(bytes[PartitionLeaderEpochOffset..]);

    /// <summary>The format: 2, or 0 and 1 for messages of the time before.</summary>
    public sbyte Magic => (sbyte)bytes[MagicOffset];

    /// <summary>True for magic 0 and 1.</summary>
    public bool IsLegacy => Magic < CurrentMagic;

    /// <summary>The checksum as written.</summary>
    public uint Crc => BinaryPrimitives.ReadUInt32BigEndian(bytes[(IsLegacy ? LegacyMessage.CrcOffset : CrcOffset)..]);

    /// <summary>Whether the checksum fits the bytes. Computes it.</summary>
    public bool IsValidCrc => IsLegacy ? LegacyMessage.IsValidCrc(bytes) : Crc == Crc32C.Compute(bytes[AttributesOffset..]);

    /// <summary>The flags as written.</summary>
    public short Attributes =>
        IsLegacy ? bytes[LegacyMessage.AttributesOffset] : BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesOffset..]);

    /// <summary>How the records are compressed. Values 5 to 7 can stand in a batch but mean nothing.</summary>
    public CompressionCodec Codec => (CompressionCodec)(Attributes & CodecMask);

    /// <summary>Whose time the timestamps are.</summary>
    public TimestampType TimestampType => (Attributes & TimestampTypeMask) != 0 ? TimestampType.LogAppendTime : TimestampType.CreateTime;

    /// <summary>True if the batch belongs to a transaction.</summary>
    public bool IsTransactional => !IsLegacy && (Attributes & TransactionalMask) != 0;

    /// <summary>True if the batch holds markers for brokers and controllers, which applications do not see.</summary>
    public bool IsControl => !IsLegacy && (Attributes & ControlMask) != 0;

    /// <summary>When tombstones and markers in the batch may go, in ms, or null if compaction has not set it (KIP-534).</summary>
    public long? DeleteHorizon =>
        !IsLegacy && (Attributes & DeleteHorizonMask) != 0 ? BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampOffset..]) : null;

    /// <summary>Last offset minus base offset.</summary>
    public int LastOffsetDelta => IsLegacy ? 0 : BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaOffset..]);

    /// <summary>Offset of the last record, removed ones included.</summary>
    public long LastOffset => BaseOffset + LastOffsetDelta;

    /// <summary>The offset that follows this batch.</summary>
    public long NextOffset => LastOffset + 1;

    /// <summary>What the records' timestamps count from, ms: the delete horizon if there is one. -1 in magic 0.</summary>
    public long BaseTimestamp => Magic switch
    {
        0 => -1,
        1 => MaxTimestamp,
        _ => BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampOffset..]),
    };

    /// <summary>The largest timestamp, ms; the time of the append under LogAppendTime; -1 in magic 0.</summary>
    public long MaxTimestamp => Magic switch
    {
        0 => -1,
        1 => BinaryPrimitives.ReadInt64BigEndian(bytes[LegacyMessage.TimestampOffset..]),
        _ => BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampOffset..]),
    };

    /// <summary>The producer's id, -1 for none.</summary>
    public long ProducerId => IsLegacy ? -1 : BinaryPrimitives.ReadInt64BigEndian(bytes[ProducerIdOffset..]);

    /// <summary>True if an idempotent or transactional producer sent the batch.</summary>
    public bool HasProducerId => ProducerId >= 0;

    /// <summary>The producer's epoch, -1 for none.</summary>
    public short ProducerEpoch => IsLegacy ? (short)-1 : BinaryPrimitives.ReadInt16BigEndian(bytes[ProducerEpochOffset..]);

    /// <summary>The sequence number of the first record, -1 for none.</summary>
    public int BaseSequence => IsLegacy ? -1 : BinaryPrimitives.ReadInt32BigEndian(bytes[BaseSequenceOffset..]);

    /// <summary>The sequence number of the last record, -1 for none. After 2147483647 comes 0.</summary>
    public int LastSequence => BaseSequence < 0 ? -1 : (int)(((long)BaseSequence + LastOffsetDelta) & int.MaxValue);

    /// <summary>How many records there are; 0 if compaction kept only the header. -1 in magic 0 and 1, which do not say.</summary>
    public int RecordCount => IsLegacy ? -1 : BinaryPrimitives.ReadInt32BigEndian(bytes[RecordCountOffset..]);

    /// <summary>
    /// The records as they are stored: compressed, if there is a codec. Of a message of magic 0 or 1, its value. Throws
    /// <see cref="MalformedMessageException"/> only for such a message.
    /// </summary>
    public ReadOnlySpan<byte> RecordsData => IsLegacy ? LegacyReader.Value(this) : bytes[Size..];

    /// <summary>
    /// The records, one after the other, for <c>foreach</c>. Compressed ones are decompressed into the scratch buffer, whose former
    /// content goes; others are read in place. Works for all magics.
    /// </summary>
    /// <param name="scratch">Stays the caller's, and must stay as it is while records are read.</param>
    /// <param name="maxBytes">How many bytes of records may come out of the codec.</param>
    /// <exception cref="DecompressedSizeException">More would come out.</exception>
    /// <exception cref="MalformedMessageException">The batch is damaged; the enumerator throws it as well.</exception>
    public RecordEnumerator ReadRecords(PooledBuffer scratch, int maxBytes)
    {
        if (Codec == CompressionCodec.None)
            return ReadRecords(IsLegacy ? bytes : RecordsData);
        scratch.Clear();
        CompressionCodecs.Decompress(Codec, RecordsData, scratch, maxBytes);
        return ReadRecords(scratch.Span);
    }

    /// <summary>The records, which have been decompressed already (in magic 0 and 1: the message itself, or the messages in it).</summary>
    public RecordEnumerator ReadRecords(ReadOnlySpan<byte> uncompressed) => new(this, uncompressed);

    /// <summary>The least size of what the length counts, which all begin with the same 17 bytes.</summary>
    internal static int HeaderSize(sbyte magic) => magic switch
    {
        0 => LegacyMessage.HeaderSizeV0,
        1 => LegacyMessage.HeaderSizeV1,
        _ => Size,
    };

    /// <summary>Looks whether a whole batch begins here; size is 0 if even that cannot be told.</summary>
    internal static BatchRunEnd Probe(ReadOnlySpan<byte> bytes, out int size)
    {
        size = 0;
        if (bytes.Length <= MagicOffset)
            return bytes.IsEmpty ? BatchRunEnd.Complete : BatchRunEnd.Partial;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[LengthOffset..]);
        var magic = (sbyte)bytes[MagicOffset];
        if (magic is < 0 or > CurrentMagic || length < HeaderSize(magic) - LogOverhead || length > int.MaxValue - LogOverhead)
            return BatchRunEnd.Corrupt;
        size = LogOverhead + length;
        return bytes.Length >= size ? BatchRunEnd.None : BatchRunEnd.Partial;
    }

    [DoesNotReturn]
    private static void ThrowMalformed() => throw new MalformedMessageException("not a whole record batch");
}
