using System.Buffers.Binary;
using System.IO.Hashing;

namespace Milena.Protocol.Records;

/// <summary>
/// Where the fields of a message of magic 0 or 1 lie: offset int64, size int32, crc, magic, attributes, (magic 1: timestamp,) key,
/// value. The checksum is plain CRC-32 over everything from the magic on.
/// </summary>
internal static class LegacyMessage
{
    internal const int CrcOffset = 12;
    internal const int AttributesOffset = 17;
    internal const int TimestampOffset = 18;

    /// <summary>An empty message: its header and the lengths of key and value.</summary>
    internal const int HeaderSizeV0 = 26;

    /// <summary>The same with a timestamp.</summary>
    internal const int HeaderSizeV1 = 34;

    /// <summary>Where the key's length lies.</summary>
    internal static int KeyOffset(sbyte magic) => magic == 0 ? TimestampOffset : TimestampOffset + sizeof(long);

    /// <summary>Whether the checksum of the message, which must be exactly the span, fits.</summary>
    internal static bool IsValidCrc(ReadOnlySpan<byte> message) =>
        BinaryPrimitives.ReadUInt32BigEndian(message[CrcOffset..]) == Crc32.HashToUInt32(message[RecordBatchHeader.MagicOffset..]);
}
