using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace Milena.Common;

/// <summary>
/// Kafka's 128-bit id of topics, log directories and incarnations. Sixteen bytes, most significant first, on the wire;
/// base64url without padding (22 characters) in text.
/// </summary>
public readonly record struct Uuid(ulong MostSignificant, ulong LeastSignificant) : IComparable<Uuid>
{
    /// <summary>The number of bytes of an id on the wire.</summary>
    public const int Size = 16;

    private const ulong ReservedBelow = 100;

    /// <summary>"None".</summary>
    public static Uuid Zero => default;

    /// <summary>The id of <c>__cluster_metadata</c>.</summary>
    public static Uuid ClusterMetadata => new(0, 1);

    /// <summary>The log directory of a replica is not yet assigned (KIP-858).</summary>
    public static Uuid UnassignedDirectory => new(0, 1);

    /// <summary>The log directory of a replica is lost (KIP-858).</summary>
    public static Uuid LostDirectory => new(0, 2);

    /// <summary>Ids below 100 mean something to Kafka and are never given to anything else.</summary>
    public bool IsReserved => MostSignificant == 0 && LeastSignificant < ReservedBelow;

    /// <summary>
    /// The version 4 id of 16 random bytes, or null where Kafka would draw again: reserved ids, and those whose text
    /// starts with '-' and so looks like a flag to command-line tools.
    /// </summary>
    public static Uuid? FromRandom(ReadOnlySpan<byte> random)
    {
        var most = BinaryPrimitives.ReadUInt64BigEndian(random) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000;
        var least = BinaryPrimitives.ReadUInt64BigEndian(random[8..]) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000;
        var id = new Uuid(most, least);
        return id.ToString()[0] == '-' ? null : id;
    }

    /// <summary>A random id from a seeded source.</summary>
    public static Uuid Next(Random random)
    {
        Span<byte> bytes = stackalloc byte[Size];
        while (true)
        {
            random.NextBytes(bytes);
            if (FromRandom(bytes) is { } id)
                return id;
        }
    }

    /// <summary>Reads the first 16 bytes of <paramref name="bytes"/>.</summary>
    public static Uuid Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Writes 16 bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, MostSignificant);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], LeastSignificant);
    }

    /// <summary>Reads the text form; false if it is not 16 bytes of base64url.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Uuid id)
    {
        Span<byte> bytes = stackalloc byte[Size];
        id = default;
        if (text is null || text.Length > 24 || !Base64Url.IsValid(text, out var length) || length != Size)
            return false;
        Base64Url.DecodeFromChars(text, bytes);
        id = Read(bytes);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(Uuid other)
    {
        var most = ((long)MostSignificant).CompareTo((long)other.MostSignificant);
        return most != 0 ? most : ((long)LeastSignificant).CompareTo((long)other.LeastSignificant);
    }

    /// <summary>The base64url form, 22 characters.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return Base64Url.EncodeToString(bytes);
    }
}
