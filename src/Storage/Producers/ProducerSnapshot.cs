using System.Buffers.Binary;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// A <c>.snapshot</c> file: the producers of a log as they were at the offset that is its name, so that a start need not read what
/// lies before. Of each producer's batches only the last is kept.
/// </summary>
internal static class ProducerSnapshot
{
    private const short Version = 1;
    private const int CrcOffset = 2;
    private const int CountOffset = 6;
    private const int HeaderBytes = 10;
    private const int EntryBytes = 46;

    /// <summary>The bytes of a snapshot, entries by producer id.</summary>
    public static byte[] Write(ProducerStates states)
    {
        var bytes = new byte[HeaderBytes + (states.Count * EntryBytes)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CountOffset), states.Count);
        var rest = bytes.AsSpan(HeaderBytes);
        foreach (var entry in states.Entries.OrderBy(entry => entry.ProducerId))
        {
            Write(rest, entry);
            rest = rest[EntryBytes..];
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(CrcOffset), Crc32C.Compute(bytes.AsSpan(CountOffset)));
        return bytes;
    }

    /// <summary>The producers of a snapshot, or null if it is damaged.</summary>
    public static List<ProducerEntry>? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || BinaryPrimitives.ReadInt16BigEndian(bytes) != Version
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcOffset..]) != Crc32C.Compute(bytes[CountOffset..]))
            return null;
        var count = BinaryPrimitives.ReadInt32BigEndian(bytes[CountOffset..]);
        if (count != (bytes.Length - HeaderBytes) / EntryBytes || (bytes.Length - HeaderBytes) % EntryBytes != 0)
            return null;
        var entries = new List<ProducerEntry>(count);
        for (var rest = bytes[HeaderBytes..]; !rest.IsEmpty; rest = rest[EntryBytes..])
            entries.Add(ReadEntry(rest));
        return entries;
    }

    private static void Write(Span<byte> bytes, ProducerEntry entry)
    {
        var last = entry.BatchCount > 0 ? entry.Last : new ProducerBatch(ProducerSequence.None, -1, 0, entry.LastTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(bytes, entry.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(bytes[8..], entry.Epoch);
        BinaryPrimitives.WriteInt32BigEndian(bytes[10..], last.LastSequence);
        BinaryPrimitives.WriteInt64BigEndian(bytes[14..], last.LastOffset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[22..], last.OffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(bytes[26..], entry.LastTimestamp);
        BinaryPrimitives.WriteInt32BigEndian(bytes[34..], entry.CoordinatorEpoch);
        BinaryPrimitives.WriteInt64BigEndian(bytes[38..], entry.TransactionFirstOffset);
    }

    private static ProducerEntry ReadEntry(ReadOnlySpan<byte> bytes)
    {
        var entry = new ProducerEntry(BinaryPrimitives.ReadInt64BigEndian(bytes))
        {
            CoordinatorEpoch = BinaryPrimitives.ReadInt32BigEndian(bytes[34..]),
            TransactionFirstOffset = BinaryPrimitives.ReadInt64BigEndian(bytes[38..]),
        };
        var epoch = BinaryPrimitives.ReadInt16BigEndian(bytes[8..]);
        var timestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[26..]);
        var last = new ProducerBatch(
            BinaryPrimitives.ReadInt32BigEndian(bytes[10..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[14..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[22..]),
            timestamp);
        entry.SetEpoch(epoch);
        if (last.LastOffset >= 0)
            entry.Add(epoch, last);
        entry.LastTimestamp = timestamp;
        return entry;
    }
}
