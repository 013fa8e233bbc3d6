using System.Buffers.Binary;

namespace Milena.Protocol.Records;

/// <summary>
/// The messages of one entry of magic 0 or 1: itself, or those in it if it is the wrapper of a compressed set. In magic 0 the inner
/// offsets are absolute; in magic 1 they count from the first, and the wrapper's is that of the last.
/// </summary>
internal ref struct LegacyReader
{
    private readonly ReadOnlySpan<byte> bytes;
    private readonly long offsetShift;
    private readonly long? appendTimestamp;
    private readonly sbyte magic;
    private readonly bool inner;
    private int position;

    /// <param name="entry">The entry.</param>
    /// <param name="messages">The entry itself if it is not compressed, and otherwise its value, decompressed.</param>
    internal LegacyReader(RecordBatchView entry, ReadOnlySpan<byte> messages)
    {
        bytes = messages;
        magic = entry.Magic;
        inner = entry.Codec != Compression.CompressionCodec.None;
        appendTimestamp = magic == 1 && entry.TimestampType == TimestampType.LogAppendTime ? entry.MaxTimestamp : null;
        if (inner && magic == 1)
            offsetShift = entry.BaseOffset - LastOffset(messages);
    }

    internal Record Current { readonly get; private set; }

    internal bool MoveNext()
    {
        if (position == bytes.Length)
            return false;
        if (!RecordBatchView.TryRead(bytes[position..], out var message))
            throw new MalformedMessageException("a message is cut");
        position += message.SizeInBytes;
        if (inner && (message.Magic != magic || message.Codec != Compression.CompressionCodec.None || !message.IsValidCrc))
            throw new MalformedMessageException("a compressed set holds a message of another format, or a corrupt one");

        var body = message.Bytes;
        var at = LegacyMessage.KeyOffset(magic);
        var keyLength = Length(body, ref at, out var keyOffset);
        var valueLength = Length(body, ref at, out var valueOffset);
        if (at != body.Length)
            throw new MalformedMessageException("a message is not as long as it says");
        Current = new(
            body, message.BaseOffset + offsetShift, appendTimestamp ?? message.MaxTimestamp,
            keyOffset, keyLength, valueOffset, valueLength, at, 0);
        return true;
    }

    /// <summary>The value of an entry, which is the compressed set if there is a codec.</summary>
    internal static ReadOnlySpan<byte> Value(RecordBatchView entry)
    {
        var at = LegacyMessage.KeyOffset(entry.Magic);
        Length(entry.Bytes, ref at, out _);
        var length = Length(entry.Bytes, ref at, out var start);
        if (length < 0 || at != entry.SizeInBytes)
            throw new MalformedMessageException("a compressed set without its messages");
        return entry.Bytes.Slice(start, length);
    }

    private static long LastOffset(ReadOnlySpan<byte> messages)
    {
        var last = 0L;
        foreach (var message in RecordBatches.Enumerate(messages))
            last = message.BaseOffset;
        return last;
    }

    private static int Length(ReadOnlySpan<byte> body, ref int at, out int start)
    {
        if (body.Length - at < sizeof(int))
            throw new MalformedMessageException("a length in a message is cut");
        var length = BinaryPrimitives.ReadInt32BigEndian(body[at..]);
        start = at + sizeof(int);
        if (length < -1 || length > body.Length - start)
            throw new MalformedMessageException("a part of a message is longer than the message");
        at = start + Math.Max(length, 0);
        return length;
    }
}
