using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Milena.Common;

namespace Milena.Protocol;

/// <summary>
/// Encodes the fields of a message one after another into a pooled buffer that grows. Record batches that lie in a
/// <see cref="RecordSource"/> are not copied: they become insertions of the <see cref="OutboundFrame"/>. One owner, one
/// thread; disposing returns the buffer, unless a frame has taken it.
/// </summary>
public sealed partial class MessageWriter : IDisposable
{
    private const int FramePrefixBytes = sizeof(int);

    private readonly bool isFrame;
    private byte[] buffer;
    private int position;
    private List<OutboundFrame.Insertion>? insertions;
    private int insertedBytes;

    /// <summary>A writer of plain bytes: a record's value, the content of a file.</summary>
    /// <param name="capacity">Bytes to begin with; the buffer grows by itself.</param>
    public MessageWriter(int capacity = 256)
    {
        buffer = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 1));
    }

    private MessageWriter(int capacity, bool isFrame)
        : this(capacity)
    {
        this.isFrame = isFrame;
        position = isFrame ? FramePrefixBytes : 0;
    }

    /// <summary>A writer of a request or response, with its size prefix; ends with <see cref="ToFrame"/>.</summary>
    public static MessageWriter ForFrame(int capacity = 256) => new(capacity, isFrame: true);

    /// <summary>The number of bytes so far, including the size prefix and what sources hold.</summary>
    public int Length => checked(position + insertedBytes);

    /// <summary>What has been written, which must not contain records from a source. Valid until the next write.</summary>
    public ReadOnlySpan<byte> WrittenSpan
    {
        get
        {
            Invariant.Holds(insertions is null);
            return buffer.AsSpan(0, position);
        }
    }

    /// <summary>What has been written, in an array of its own.</summary>
    public byte[] ToArray() => WrittenSpan.ToArray();

    /// <summary>Writes the size prefix and gives the buffer away; the writer is done.</summary>
    public OutboundFrame ToFrame(IFrameObserver? observer = null)
    {
        Invariant.Holds(isFrame);
        BinaryPrimitives.WriteInt32BigEndian(buffer, Length - FramePrefixBytes);
        var frame = new OutboundFrame(buffer, position, insertions) { Observer = observer };
        Clear();
        return frame;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (buffer.Length == 0)
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        Clear();
    }

    /// <summary>One byte.</summary>
    public void WriteBool(bool value) => Take(1)[0] = value ? (byte)1 : (byte)0;

    /// <summary>One byte.</summary>
    public void WriteInt8(sbyte value) => Take(1)[0] = (byte)value;

    /// <summary>Two bytes.</summary>
    public void WriteInt16(short value) => BinaryPrimitives.WriteInt16BigEndian(Take(2), value);

    /// <summary>Two bytes.</summary>
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    /// <summary>Four bytes.</summary>
    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    /// <summary>Four bytes.</summary>
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    /// <summary>Eight bytes.</summary>
    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    /// <summary>Eight bytes of IEEE 754.</summary>
    public void WriteFloat64(double value) => BinaryPrimitives.WriteDoubleBigEndian(Take(8), value);

    /// <summary>Sixteen bytes.</summary>
    public void WriteUuid(Uuid value) => value.Write(Take(Uuid.Size));

    /// <summary>One to five bytes, seven bits each, lowest first.</summary>
    public void WriteUnsignedVarint(uint value)
    {
        var bytes = Take(VarintSize(value));
        for (var i = 0; i < bytes.Length - 1; i++, value >>= 7)
            bytes[i] = (byte)(value | 0x80);
        bytes[^1] = (byte)value;
    }

    /// <summary>A string that is not null.</summary>
    public void WriteString(string value, bool isFlexible)
    {
        ArgumentNullException.ThrowIfNull(value);
        WriteNullableString(value, isFlexible);
    }

    /// <summary>A string, or null.</summary>
    public void WriteNullableString(string? value, bool isFlexible)
    {
        var length = value is null ? -1 : Encoding.UTF8.GetByteCount(value);
        if (length > MessageReader.StringBytesMax)
            throw UnsupportedFieldException.TooLong(length);
        if (isFlexible)
            WriteUnsignedVarint((uint)(length + 1));
        else
            WriteInt16((short)length);
        if (value is not null)
            Encoding.UTF8.GetBytes(value, Take(length));
    }

    /// <summary>Bytes that are not null.</summary>
    public void WriteBytes(ReadOnlyMemory<byte> value, bool isFlexible)
    {
        WriteLength(value.Length, isFlexible);
        WriteRaw(value.Span);
    }

    /// <summary>Bytes, or null.</summary>
    public void WriteNullableBytes(ReadOnlyMemory<byte>? value, bool isFlexible)
    {
        WriteLength(value?.Length ?? -1, isFlexible);
        WriteRaw(value.GetValueOrDefault().Span);
    }

    /// <summary>Record batches that may not be null.</summary>
    public void WriteRecords(RecordBytes value, bool isFlexible)
    {
        if (value.IsNull)
            throw UnsupportedFieldException.NullRecords();
        WriteNullableRecords(value, isFlexible);
    }

    /// <summary>Record batches, or null. Those in a source are read only when the frame is sent.</summary>
    public void WriteNullableRecords(RecordBytes value, bool isFlexible)
    {
        WriteLength(value.IsNull ? -1 : value.Length, isFlexible);
        if (value.Source is not { } source)
        {
            WriteRaw(value.Memory.Span);
            return;
        }
        if (source.Length == 0)
            return;
        (insertions ??= []).Add(new(position, source));
        insertedBytes = checked(insertedBytes + source.Length);
    }

    /// <summary>Bytes without a length.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Says whether a nullable struct follows; returns what it is told.</summary>
    public bool WritePresence(bool isPresent)
    {
        WriteInt8(isPresent ? (sbyte)1 : (sbyte)-1);
        return isPresent;
    }

    /// <summary>The same as the payload of a tagged field.</summary>
    public bool WriteTaggedPresence(bool isPresent)
    {
        WriteUnsignedVarint(isPresent ? 1u : 0u);
        return isPresent;
    }

    private static int VarintSize(uint value) => value switch
    {
        < 1u << 7 => 1,
        < 1u << 14 => 2,
        < 1u << 21 => 3,
        < 1u << 28 => 4,
        _ => 5,
    };

    private void WriteLength(int length, bool isFlexible)
    {
        if (isFlexible)
            WriteUnsignedVarint((uint)length + 1);
        else
            WriteInt32(length);
    }

    private void Clear()
    {
        buffer = [];
        position = 0;
        insertions = null;
        insertedBytes = 0;
    }

    private Span<byte> Take(int count)
    {
        if (count > buffer.Length - position)
            Grow(count);
        var taken = buffer.AsSpan(position, count);
        position += count;
        return taken;
    }

    private void Grow(int count)
    {
        var needed = checked(position + count);
        ObjectDisposedException.ThrowIf(buffer.Length == 0, this);
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max((long)buffer.Length * 2, needed), Array.MaxLength));
        buffer.AsSpan(0, position).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
