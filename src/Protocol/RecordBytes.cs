using System.Diagnostics.CodeAnalysis;

namespace Milena.Protocol;

/// <summary>
/// The value of a <c>records</c> field: the bytes of record batches, either in memory or in a <see cref="RecordSource"/>
/// (a segment file) from which they are read when the message is sent, so that they are copied only once.
/// </summary>
public readonly struct RecordBytes
{
    private readonly ReadOnlyMemory<byte> memory;
    private readonly RecordSource? source;
    private readonly bool present;

    /// <summary>Bytes that are in memory; the memory must stay valid as long as the message is used.</summary>
    public RecordBytes(ReadOnlyMemory<byte> memory)
    {
        this.memory = memory;
        present = true;
    }

    /// <summary>Bytes that are read when they are needed.</summary>
    public RecordBytes(RecordSource source)
    {
        this.source = source;
        present = true;
    }

    /// <summary>The null of the protocol.</summary>
    public static RecordBytes Null => default;

    /// <summary>No batches, which is not null.</summary>
    public static RecordBytes Empty => new(ReadOnlyMemory<byte>.Empty);

    /// <summary>True if the field is null.</summary>
    public bool IsNull => !present;

    /// <summary>The number of bytes; 0 for null.</summary>
    public int Length => source?.Length ?? memory.Length;

    /// <summary>Where the bytes are read from, or null if they are in <see cref="Memory"/>.</summary>
    public RecordSource? Source => source;

    /// <summary>The bytes, if they are in memory; empty otherwise.</summary>
    public ReadOnlyMemory<byte> Memory => memory;

    /// <summary>All bytes, read into a new array if they are not in memory. For tests and cold paths.</summary>
    [SuppressMessage("Design", "CA1024", Justification = "it may read a file")]
    public byte[] ToArray()
    {
        if (source is null)
            return memory.ToArray();
        var bytes = new byte[source.Length];
        source.Read(0, bytes);
        return bytes;
    }
}

/// <summary>A run of record batches that lies elsewhere, for example in a segment file. It never changes once it exists.</summary>
public abstract class RecordSource
{
    /// <summary>The number of bytes.</summary>
    public abstract int Length { get; }

    /// <summary>
    /// Fills <paramref name="destination"/> with the bytes that start at <paramref name="offset"/> (0 is the first). Throws
    /// <see cref="IOException"/> if they cannot be read in full.
    /// </summary>
    public abstract void Read(int offset, Span<byte> destination);
}
