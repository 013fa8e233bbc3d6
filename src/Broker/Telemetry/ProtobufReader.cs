using System.Buffers.Binary;
using System.Text;
using Milena.Protocol;

namespace Milena.Broker.Telemetry;

/// <summary>
/// Goes over the fields of one protobuf message. Lengths are checked against what is left, and nothing is allocated but the texts that
/// are asked for. Throws <see cref="MalformedMessageException"/>.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Delimited = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> rest = bytes;
    private int wireType;

    /// <summary>The number of the field that comes next.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field; false at the end. The field's value must be read or skipped before the next call.</summary>
    public bool Next()
    {
        if (rest.IsEmpty)
            return false;
        var tag = ReadRawVarint();
        wireType = (int)(tag & 7);
        Field = tag >> 3 is > 0 and < 1 << 29 and var field ? (int)field : throw Malformed("a field's number");
        return true;
    }

    /// <summary>A nested message, a text or packed numbers.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        Expect(Delimited);
        return Take(ReadRawVarint());
    }

    /// <summary>A text of at most so many bytes.</summary>
    public string ReadText(int bytesMax)
    {
        var text = ReadBytes();
        return text.Length <= bytesMax ? Encoding.UTF8.GetString(text) : throw Malformed($"a text of {text.Length} bytes");
    }

    public ulong ReadVarint()
    {
        Expect(Varint);
        return ReadRawVarint();
    }

    public ulong ReadFixed64()
    {
        Expect(Fixed64);
        return BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
    }

    public double ReadDouble() => BitConverter.UInt64BitsToDouble(ReadFixed64());

    public void Skip()
    {
        switch (wireType)
        {
            case Varint:
                ReadRawVarint();
                break;
            case Fixed64:
                Take(8);
                break;
            case Delimited:
                Take(ReadRawVarint());
                break;
            case Fixed32:
                Take(4);
                break;
            default:
                throw Malformed($"wire type {wireType}"); // groups are long gone
        }
    }

    private void Expect(int expected)
    {
        if (wireType != expected)
            throw Malformed($"field {Field} with wire type {wireType}");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)rest.Length)
            throw Malformed("a length beyond the end");
        var taken = rest[..(int)count];
        rest = rest[(int)count..];
        return taken;
    }

    private ulong ReadRawVarint()
    {
        var value = 0UL;
        for (var i = 0; i < 10; i++)
        {
            if (i >= rest.Length)
                throw Malformed("a number beyond the end");
            value |= (ulong)(rest[i] & 0x7F) << (7 * i);
            if (rest[i] >= 0x80)
                continue;
            rest = rest[(i + 1)..];
            return value;
        }

        throw Malformed("a number of more than ten bytes");
    }

    private static MalformedMessageException Malformed(string what) => new($"metrics are not protobuf: {what}");
}
