using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Milena.Protocol;
using Milena.Protocol.Compression;

namespace Milena.Broker.Tests;

/// <summary>
/// Message sets as clients before 0.11 wrote them: offset, size, CRC-32, magic, attributes, (magic 1: timestamp,) key, value; a
/// compressed set is the value of a message around it.
/// </summary>
internal static class Legacy
{
    public static byte[] MessageSet(int magic, params string[] values) => MessageSet(magic, CompressionCodec.None, values);

    public static byte[] MessageSet(int magic, CompressionCodec codec, params string[] values)
    {
        var inner = values.SelectMany((value, i) => Message(i, magic, 0, Encoding.UTF8.GetBytes(value))).ToArray();
        if (codec == CompressionCodec.None)
            return inner;
        using var compressed = new PooledBuffer();
        CompressionCodecs.Compress(codec, inner, compressed, null);
        return Message(values.Length - 1, magic, (byte)codec, compressed.Span.ToArray());
    }

    private static byte[] Message(long offset, int magic, byte attributes, byte[] value)
    {
        var header = magic == 0 ? 18 : 26;
        var message = new byte[header + 4 + 4 + value.Length];
        var span = message.AsSpan();
        BinaryPrimitives.WriteInt64BigEndian(span, offset);
        BinaryPrimitives.WriteInt32BigEndian(span[8..], message.Length - 12);
        span[16] = (byte)magic;
        span[17] = attributes;
        if (magic == 1)
            BinaryPrimitives.WriteInt64BigEndian(span[18..], 1_767_000_000_000);
        BinaryPrimitives.WriteInt32BigEndian(span[header..], -1);
        BinaryPrimitives.WriteInt32BigEndian(span[(header + 4)..], value.Length);
        value.CopyTo(span[(header + 8)..]);
        BinaryPrimitives.WriteUInt32BigEndian(span[12..], Crc32.HashToUInt32(span[16..]));
        return message;
    }
}
