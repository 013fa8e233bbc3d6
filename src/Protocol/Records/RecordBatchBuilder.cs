using System.Buffers.Binary;
using System.Text;
using Milena.Common;
using Milena.Protocol.Compression;
using static Milena.Protocol.Records.RecordBatchHeader;

namespace Milena.Protocol.Records;

/// <summary>
/// Writes batches of magic 2, one after the other: <see cref="Begin"/>, <see cref="Append"/> for each record, <see cref="Build"/>.
/// The buffers are pooled and kept, so a builder that is used again allocates nothing. One owner, one thread at a time; the bytes
/// that <see cref="Build"/> returns hold until the next <see cref="Begin"/> or the end.
/// </summary>
public sealed class RecordBatchBuilder : IDisposable
{
    private readonly PooledBuffer plain = new();
    private readonly PooledBuffer compressed = new();
    private RecordBatchOptions options = RecordBatchOptions.Default;
    private long baseTimestamp;
    private long maxTimestamp;
    private long lastOffset;

    /// <summary>A builder that stands at the beginning of a batch with these options.</summary>
    public RecordBatchBuilder(RecordBatchOptions? options = null) => Begin(options ?? RecordBatchOptions.Default);

    /// <summary>The offset of the first record, as the options say.</summary>
    public long BaseOffset => options.BaseOffset;

    /// <summary>How many records the batch has so far.</summary>
    public int Count { get; private set; }

    /// <summary>The size of the batch so far, before compression.</summary>
    public int SizeInBytes => plain.Length;

    /// <summary>The offset that the next record gets if none is given.</summary>
    public long NextOffset => lastOffset + 1;

    /// <summary>The largest timestamp so far, -1 for none.</summary>
    public long MaxTimestamp => options.TimestampType == TimestampType.LogAppendTime ? options.LogAppendTimeMs : maxTimestamp;

    /// <summary>Forgets the current batch and begins one with these options.</summary>
    public void Begin(RecordBatchOptions batchOptions)
    {
        options = batchOptions;
        plain.Clear();
        compressed.Clear();
        plain.GetSpan(Size)[..Size].Clear();
        plain.Advance(Size);
        Count = 0;
        baseTimestamp = batchOptions.DeleteHorizonMs ?? -1;
        maxTimestamp = -1;
        lastOffset = batchOptions.BaseOffset - 1;
    }

    /// <summary>Appends a record with the next offset.</summary>
    /// <param name="timestampMs">Its time, -1 for none.</param>
    /// <param name="key">Its key, or null.</param>
    /// <param name="value">Its value, or null.</param>
    /// <param name="headers">Its headers.</param>
    public void Append(long timestampMs, NullableSpan key, NullableSpan value, ReadOnlySpan<RecordHeader> headers = default) =>
        AppendAt(NextOffset, timestampMs, key, value, headers);

    /// <summary>Appends a record with an offset that is larger than those before, for batches with gaps.</summary>
    public void AppendAt(long offset, long timestampMs, NullableSpan key, NullableSpan value, ReadOnlySpan<RecordHeader> headers = default)
    {
        var headerBytes = 0;
        foreach (var header in headers)
            headerBytes = checked(headerBytes + SizeOf(header));
        var span = Start(offset, timestampMs, key, value, headers.Length, headerBytes, out var written);
        foreach (var header in headers)
            written += Write(span[written..], header);
        plain.Advance(written);
    }

    /// <summary>Appends a copy of a record of another batch, headers included, with the offset given.</summary>
    public void AppendAt(long offset, in Record record)
    {
        var headers = record.HeaderBytes;
        var span = Start(offset, record.TimestampMs, record.Key, record.Value, record.HeaderCount, headers.Length, out var written);
        headers.CopyTo(span[written..]);
        plain.Advance(written + headers.Length);
    }

    /// <summary>
    /// Finishes the batch: compresses the records, writes the header and the CRC. A batch without records keeps its header (compaction
    /// leaves such behind): it is never compressed.
    /// </summary>
    public Memory<byte> Build()
    {
        var codec = Count == 0 ? CompressionCodec.None : options.Codec;
        if (codec != CompressionCodec.None)
        {
            compressed.Clear();
            compressed.Write(plain.Span[..Size]);
            CompressionCodecs.Compress(codec, plain.Span[Size..], compressed, options.CompressionLevel);
        }

        var batch = codec == CompressionCodec.None ? plain : compressed;
        WriteHeader(batch.Span, codec);
        UpdateCrc(batch.Span);
        return batch.Memory;
    }

    /// <summary>Returns the buffers.</summary>
    public void Dispose()
    {
        plain.Dispose();
        compressed.Dispose();
    }

    private Span<byte> Start(
        long offset, long timestampMs, NullableSpan key, NullableSpan value, int headerCount, int headerBytes, out int written)
    {
        Invariant.Holds(offset > lastOffset);
        Invariant.Holds(offset - options.BaseOffset <= int.MaxValue);
        if (Count == 0 && options.DeleteHorizonMs is null)
            baseTimestamp = timestampMs;
        lastOffset = offset;
        maxTimestamp = Math.Max(maxTimestamp, timestampMs);
        Count++;

        var timestampDelta = timestampMs - baseTimestamp;
        var offsetDelta = offset - options.BaseOffset;
        var length = checked(1 + Varint.Size(timestampDelta) + Varint.Size(offsetDelta) + Varint.Size(key.Length) + key.Span.Length
            + Varint.Size(value.Length) + value.Span.Length + Varint.Size(headerCount) + headerBytes);
        var span = plain.GetSpan(checked(Varint.MaxBytes32 + length));
        var at = Varint.Write(span, length);
        span[at++] = 0;
        at += Varint.Write(span[at..], timestampDelta);
        at += Varint.Write(span[at..], offsetDelta);
        at += Write(span[at..], key);
        at += Write(span[at..], value);
        written = at + Varint.Write(span[at..], headerCount);
        return span;
    }

    private static int Write(Span<byte> destination, NullableSpan bytes)
    {
        var at = Varint.Write(destination, bytes.Length);
        bytes.Span.CopyTo(destination[at..]);
        return at + bytes.Span.Length;
    }

    private static int Write(Span<byte> destination, in RecordHeader header)
    {
        var at = Varint.Write(destination, Encoding.UTF8.GetByteCount(header.Name));
        at += Encoding.UTF8.GetBytes(header.Name, destination[at..]);
        return at + Write(destination[at..], (NullableSpan)header.Value);
    }

    private static int SizeOf(in RecordHeader header)
    {
        var nameBytes = Encoding.UTF8.GetByteCount(header.Name);
        return checked(Varint.Size(nameBytes) + nameBytes + Varint.Size(header.Value?.Length ?? -1) + (header.Value?.Length ?? 0));
    }

    private void WriteHeader(Span<byte> batch, CompressionCodec codec)
    {
        var last = options.LastOffset ?? lastOffset;
        Invariant.Holds(last >= lastOffset);
        BinaryPrimitives.WriteInt64BigEndian(batch, options.BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[LengthOffset..], batch.Length - LogOverhead);
        BinaryPrimitives.WriteInt32BigEndian(batch[PartitionLeaderEpochOffset..], options.PartitionLeaderEpoch);
        batch[MagicOffset] = (byte)CurrentMagic;
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesOffset..], Attributes(codec));
        BinaryPrimitives.WriteInt32BigEndian(batch[LastOffsetDeltaOffset..], (int)Math.Max(last - options.BaseOffset, 0));
        BinaryPrimitives.WriteInt64BigEndian(batch[BaseTimestampOffset..], baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampOffset..], options.MaxTimestampMs ?? MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[ProducerIdOffset..], options.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[ProducerEpochOffset..], options.ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[BaseSequenceOffset..], options.BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordCountOffset..], Count);
    }

    private short Attributes(CompressionCodec codec)
    {
        var attributes = (int)codec;
        attributes |= options.TimestampType == TimestampType.LogAppendTime ? TimestampTypeMask : 0;
        attributes |= options.IsTransactional ? TransactionalMask : 0;
        attributes |= options.IsControl ? ControlMask : 0;
        attributes |= options.DeleteHorizonMs is not null ? DeleteHorizonMask : 0;
        return (short)attributes;
    }
}
