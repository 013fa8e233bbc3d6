using System.Buffers.Binary;
using System.IO.Compression;

namespace Milena.Interop.WrongInput;

/// <summary>Record batches written by hand, right or wrong.</summary>
internal static class Batches
{
    private const int CrcAt = 17;
    private const int AttributesAt = 21;
    private const int LastOffsetDeltaAt = 23;
    private const int CountAt = 57;
    private const int HeaderSize = 61;

    /// <summary>A batch with one record, as it should be.</summary>
    public static byte[] Good() => Make(attributes: 0, count: 1, Record("value"u8));

    /// <summary>The record's bytes and its checksum disagree.</summary>
    public static byte[] WithCorruptCrc()
    {
        var batch = Good();
        batch[^3] ^= 0x40;
        return batch;
    }

    /// <summary>It says more records than it holds.</summary>
    public static byte[] WithLyingCount() => Make(attributes: 0, count: 1_000_000_000, Record("value"u8));

    /// <summary>A few kilobytes that say they are a gigabyte of records.</summary>
    public static byte[] WithBomb(int decompressedBytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (var left = decompressedBytes; left > 0; left -= zeros.Length)
                gzip.Write(zeros, 0, Math.Min(left, zeros.Length));
        }
        return Make(attributes: 1, count: 1, compressed.ToArray());
    }

    /// <summary>As it should be, but of more bytes than a topic takes by default.</summary>
    public static byte[] TooLarge() => Make(attributes: 0, count: 1, new byte[1_200_000]);

    private static byte[] Record(ReadOnlySpan<byte> value)
    {
        // length, attributes, timestamp delta, offset delta, key length -1, value length, value, no headers; all small zigzags
        byte[] body = [0, 0, 0, 1, (byte)(value.Length << 1), .. value, 0];
        return [(byte)(body.Length << 1), .. body];
    }

    private static byte[] Make(short attributes, int count, byte[] records)
    {
        var batch = new byte[HeaderSize + records.Length];
        var span = batch.AsSpan();
        BinaryPrimitives.WriteInt32BigEndian(span[8..], batch.Length - 12);
        BinaryPrimitives.WriteInt32BigEndian(span[12..], -1); // leader epoch
        batch[16] = 2;
        BinaryPrimitives.WriteInt16BigEndian(span[AttributesAt..], attributes);
        BinaryPrimitives.WriteInt32BigEndian(span[LastOffsetDeltaAt..], count - 1);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteInt64BigEndian(span[27..], now);
        BinaryPrimitives.WriteInt64BigEndian(span[35..], now);
        BinaryPrimitives.WriteInt64BigEndian(span[43..], -1); // producer id
        BinaryPrimitives.WriteInt16BigEndian(span[51..], -1); // producer epoch
        BinaryPrimitives.WriteInt32BigEndian(span[53..], -1); // sequence
        BinaryPrimitives.WriteInt32BigEndian(span[CountAt..], count);
        records.CopyTo(span[HeaderSize..]);
        BinaryPrimitives.WriteUInt32BigEndian(span[CrcAt..], Crc32C(span[AttributesAt..]));
        return batch;
    }

    // Bit by bit, and so unlike the broker's that both cannot be wrong alike.
    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}
