using System.Buffers.Binary;

namespace Milena.Storage;

/// <summary>An entry of a <c>.index</c>: a batch whose last offset is <paramref name="Offset"/> begins at the position.</summary>
internal readonly record struct OffsetIndexEntry(long Offset, int Position)
{
    public const int Size = 8;

    public static OffsetIndexEntry Read(ReadOnlySpan<byte> entry, long baseOffset) =>
        new(baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry), BinaryPrimitives.ReadInt32BigEndian(entry[4..]));

    public void Write(Span<byte> entry, long baseOffset)
    {
        BinaryPrimitives.WriteInt32BigEndian(entry, (int)(Offset - baseOffset));
        BinaryPrimitives.WriteInt32BigEndian(entry[4..], Position);
    }

    public static IndexFile Open(LazyFile file) => new(file, Size, keyOffset: 0, keySize: sizeof(int));
}

/// <summary>
/// An entry of a <c>.timeindex</c>: no record up to the offset is younger than the timestamp (ms), which the batch that ends with
/// the offset has.
/// </summary>
internal readonly record struct TimeIndexEntry(long Timestamp, long Offset)
{
    public const int Size = 12;

    public static TimeIndexEntry Read(ReadOnlySpan<byte> entry, long baseOffset) =>
        new(BinaryPrimitives.ReadInt64BigEndian(entry), baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry[8..]));

    public void Write(Span<byte> entry, long baseOffset)
    {
        BinaryPrimitives.WriteInt64BigEndian(entry, Timestamp);
        BinaryPrimitives.WriteInt32BigEndian(entry[8..], (int)(Offset - baseOffset));
    }

    public static IndexFile Open(LazyFile file) => new(file, Size, keyOffset: 0, keySize: sizeof(long));
}

/// <summary>
/// An entry of a <c>.txnindex</c>: a transaction that was aborted.
/// </summary>
/// <param name="ProducerId">Whose it was.</param>
/// <param name="FirstOffset">Offset of its first record.</param>
/// <param name="LastOffset">Offset of the marker that aborted it. Entries are in its order.</param>
/// <param name="LastStableOffset">The last stable offset once it was aborted, were the whole log replicated.</param>
public readonly record struct AbortedTransaction(long ProducerId, long FirstOffset, long LastOffset, long LastStableOffset)
{
    internal const int Size = 34;

    private const short Version = 0;

    /// <summary>False if the entry cannot have been written by Kafka.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> entry, out AbortedTransaction transaction)
    {
        transaction = new(
            BinaryPrimitives.ReadInt64BigEndian(entry[2..]),
            BinaryPrimitives.ReadInt64BigEndian(entry[10..]),
            BinaryPrimitives.ReadInt64BigEndian(entry[18..]),
            BinaryPrimitives.ReadInt64BigEndian(entry[26..]));
        return BinaryPrimitives.ReadInt16BigEndian(entry) == Version && transaction.FirstOffset <= transaction.LastOffset;
    }

    internal void Write(Span<byte> entry)
    {
        BinaryPrimitives.WriteInt16BigEndian(entry, Version);
        BinaryPrimitives.WriteInt64BigEndian(entry[2..], ProducerId);
        BinaryPrimitives.WriteInt64BigEndian(entry[10..], FirstOffset);
        BinaryPrimitives.WriteInt64BigEndian(entry[18..], LastOffset);
        BinaryPrimitives.WriteInt64BigEndian(entry[26..], LastStableOffset);
    }

    internal static IndexFile Open(LazyFile file) => new(file, Size, keyOffset: 18, keySize: sizeof(long));
}
