using System.Buffers;
using Milena.Common;

namespace Milena.Protocol.Compression;

/// <summary>
/// A growing run of bytes in an array of <see cref="ArrayPool{T}.Shared"/>. One owner, who clears it between uses and disposes it in
/// the end; spans and memories taken from it hold until it grows, is cleared or disposed.
/// </summary>
public sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int CapacityMin = 256;

    private byte[] buffer = [];

    /// <summary>How many bytes have been written.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written.</summary>
    public Span<byte> Span => buffer.AsSpan(0, Length);

    /// <summary>What has been written.</summary>
    public Memory<byte> Memory => buffer.AsMemory(0, Length);

    /// <summary>Forgets what has been written, and keeps the array.</summary>
    public void Clear() => Length = 0;

    /// <summary>Forgets what has been written from the byte at <paramref name="length"/> on.</summary>
    public void Truncate(int length)
    {
        Invariant.Holds(length >= 0);
        Invariant.Holds(length <= Length);
        Length = length;
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        Invariant.Holds(count >= 0);
        Invariant.Holds(count <= buffer.Length - Length);
        Length += count;
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return buffer.AsSpan(Length);
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return buffer.AsMemory(Length);
    }

    /// <summary>Appends the bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>Returns the array; the buffer is empty then and may be used again.</summary>
    public void Dispose()
    {
        var rented = buffer;
        buffer = [];
        Length = 0;
        if (rented.Length > 0)
            ArrayPool<byte>.Shared.Return(rented);
    }

    private void Reserve(int size)
    {
        if (buffer.Length - Length < Math.Max(size, 1))
            Grow(Math.Max(size, 1));
    }

    private void Grow(int size)
    {
        var needed = checked(Length + size);
        var doubled = (int)Math.Min(2L * buffer.Length, Array.MaxLength);
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(needed, doubled), CapacityMin));
        buffer.AsSpan(0, Length).CopyTo(grown);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = grown;
    }
}
