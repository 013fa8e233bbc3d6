using System.Buffers.Binary;
using Milena.Protocol.Records;

namespace Milena.Protocol.Messages;

/// <summary>
/// The content of a producer snapshot file: a version (int16, 1), the CRC-32C (uint32) of all that follows it, and the entry
/// of each producer.
/// </summary>
public static class ProducerSnapshots
{
    private const short Version = 1;
    private const int VersionBytes = sizeof(short);
    private const int CrcEnd = VersionBytes + sizeof(uint);

    /// <summary>Decodes a file; a CRC that does not match makes it malformed.</summary>
    public static ProducerSnapshot Read(ReadOnlyMemory<byte> file)
    {
        var reader = new MessageReader(file);
        var snapshot = ProducerSnapshot.Read(ref reader, reader.ReadInt16());
        reader.ExpectEnd();
        var crc = Crc32C.Compute(file.Span[CrcEnd..]);
        return crc == snapshot.Crc
            ? snapshot
            : throw new MalformedMessageException($"a producer snapshot with the CRC {snapshot.Crc:x8}, but its bytes have {crc:x8}");
    }

    /// <summary>Encodes a file; the CRC is computed, whatever <see cref="ProducerSnapshot.Crc"/> says.</summary>
    public static byte[] Write(ProducerSnapshot snapshot)
    {
        var file = RecordFraming.ToArray(Version, snapshot, Version);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(VersionBytes), Crc32C.Compute(file.AsSpan(CrcEnd)));
        return file;
    }
}
