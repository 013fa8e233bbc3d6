using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Milena.Common;

namespace Milena.Protocol;

/// <summary>
/// Decodes the fields of a message one after another. Whatever the bytes are, it throws nothing but
/// <see cref="MalformedMessageException"/>, and allocates in proportion to the bytes that are there, never to what a
/// length claims. Fields of bytes and records are slices of the memory, so they live as long as it does.
/// </summary>
/// <remarks>
/// <c>isFlexible</c> chooses between the two forms of a length: an int16 (strings) or int32, or the compact unsigned
/// varint of the length + 1 (KIP-482).
/// </remarks>
public ref partial struct MessageReader
{
    /// <summary>The longest string of the protocol in bytes, in both forms.</summary>
    public const int StringBytesMax = short.MaxValue;

    private readonly ReadOnlyMemory<byte> memory;
    private readonly ReadOnlySpan<byte> span;
    private int position;

    // Nothing beyond is read: the end of the message, or of the tagged field that is being read.
    private int end;

    /// <summary>A reader at the start of <paramref name="bytes"/>.</summary>
    public MessageReader(ReadOnlyMemory<byte> bytes)
    {
        memory = bytes;
        span = bytes.Span;
        end = bytes.Length;
    }

    /// <summary>The number of bytes not read yet.</summary>
    public readonly int Remaining => end - position;

    /// <summary>The number of bytes read so far.</summary>
    public readonly int Position => position;

    /// <summary>One byte; anything but 0 is true.</summary>
    public bool ReadBool() => Take(1)[0] != 0;

    /// <summary>One byte.</summary>
    public sbyte ReadInt8() => (sbyte)Take(1)[0];

    /// <summary>Two bytes.</summary>
    public short ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    /// <summary>Two bytes.</summary>
    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    /// <summary>Four bytes.</summary>
    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    /// <summary>Four bytes.</summary>
    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    /// <summary>Eight bytes.</summary>
    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>Eight bytes of IEEE 754.</summary>
    public double ReadFloat64() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    /// <summary>Sixteen bytes.</summary>
    public Uuid ReadUuid() => Uuid.Read(Take(Uuid.Size));

    /// <summary>One to five bytes, seven bits each, lowest first; bits beyond the 32nd are refused.</summary>
    public uint ReadUnsignedVarint()
    {
        if (position < end && span[position] < 0x80)
            return span[position++];

        var value = 0u;
        for (var shift = 0; shift < 28; shift += 7)
        {
            var part = Take(1)[0];
            value |= (uint)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
        var last = Take(1)[0];
        if (last > 0x0F)
            throw MalformedMessageException.At(position, "a varint of more than 32 bits");
        return value | (uint)last << 28;
    }

    /// <summary>A string that may not be null.</summary>
    public string ReadString(bool isFlexible) => ReadNullableString(isFlexible) ?? throw MalformedMessageException.Null("string");

    /// <summary>A string of valid UTF-8, or null.</summary>
    public string? ReadNullableString(bool isFlexible)
    {
        var length = isFlexible ? ReadCompactLength() : ReadInt16();
        if (length < 0 && IsNull(length))
            return null;
        if (length > StringBytesMax)
            throw MalformedMessageException.At(position, "a string of more than 32767 bytes");
        var bytes = Take(length);
        if (!Utf8.IsValid(bytes))
            throw MalformedMessageException.At(position, "a string that is not UTF-8");
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Bytes that may not be null, as a slice of the memory.</summary>
    public ReadOnlyMemory<byte> ReadBytes(bool isFlexible) => ReadNullableBytes(isFlexible) ?? throw MalformedMessageException.Null("bytes");

    /// <summary>Bytes as a slice of the memory, or null.</summary>
    public ReadOnlyMemory<byte>? ReadNullableBytes(bool isFlexible)
    {
        var length = isFlexible ? ReadCompactLength() : ReadInt32();
        if (length < 0 && IsNull(length))
            return null; // not in a conditional expression, where null would become empty memory
        return TakeMemory(length);
    }

    /// <summary>Record batches that may not be null, as a slice of the memory.</summary>
    public RecordBytes ReadRecords(bool isFlexible) => new(ReadBytes(isFlexible));

    /// <summary>Record batches as a slice of the memory, or null.</summary>
    public RecordBytes ReadNullableRecords(bool isFlexible) =>
        ReadNullableBytes(isFlexible) is { } bytes ? new(bytes) : RecordBytes.Null;

    /// <summary>Whether a nullable struct follows.</summary>
    public bool ReadPresence()
    {
        var presence = ReadInt8();
        return presence >= 0 || !IsNull(presence);
    }

    /// <summary>Whether a nullable struct follows as the payload of a tagged field.</summary>
    public bool ReadTaggedPresence() => ReadUnsignedVarint() != 0;

    /// <summary>All that is left of the message, as a slice of the memory.</summary>
    public ReadOnlyMemory<byte> ReadRest() => TakeMemory(Remaining);

    /// <summary>Says that the message is over: bytes that are left make it malformed.</summary>
    public readonly void ExpectEnd()
    {
        if (Remaining != 0)
            throw MalformedMessageException.At(position, $"{Remaining} bytes after the end of the message");
    }

    /// <summary>A compact length, -1 for null.</summary>
    private int ReadCompactLength()
    {
        var length = ReadUnsignedVarint();
        return length <= int.MaxValue ? (int)length - 1 : throw MalformedMessageException.At(position, "a length of more than 31 bits");
    }

    /// <summary>True: the negative length is that of null. Any other negative length is refused.</summary>
    private readonly bool IsNull(int length) =>
        length == -1 ? true : throw MalformedMessageException.At(position, $"a length of {length}");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > end - position)
            ThrowTruncated(count);
        var taken = span.Slice(position, count);
        position += count;
        return taken;
    }

    private ReadOnlyMemory<byte> TakeMemory(int count)
    {
        if (count > end - position)
            ThrowTruncated(count);
        var taken = memory.Slice(position, count);
        position += count;
        return taken;
    }

    private readonly void ThrowTruncated(int count) =>
        throw MalformedMessageException.At(position, $"{count} bytes are needed, {Remaining} are left");
}
