namespace Milena.Network;

/// <summary>
/// A received request or response without its size prefix, whole in one pooled buffer. One owner; disposing returns the
/// buffer, and whoever still holds a slice of <see cref="Bytes"/> must not use it any more.
/// </summary>
/// <remarks>
/// The server disposes a request's frame when its handler is done. A handler that goes on waiting after it has used the
/// bytes should dispose it itself before: the memory of frames is bounded, and those who wait for it are held up.
/// </remarks>
public sealed class InboundFrame : IDisposable
{
    private readonly FrameBudget.Share? share;
    private byte[]? buffer;

    /// <param name="buffer">Rented from <see cref="FramePool.Shared"/>; this frame returns it.</param>
    /// <param name="length">How many bytes of the buffer belong to the frame.</param>
    /// <param name="share">What the frame holds of its budget, given back with the buffer.</param>
    internal InboundFrame(byte[] buffer, int length, FrameBudget.Share? share)
    {
        this.buffer = buffer;
        this.share = share;
        Length = length;
    }

    /// <summary>The number of bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes; they may be changed in place.</summary>
    public Memory<byte> Bytes =>
        (buffer ?? throw new ObjectDisposedException(nameof(InboundFrame))).AsMemory(0, Length);

    /// <summary>A frame with a copy of these bytes, as if they had been received.</summary>
    public static InboundFrame Copy(ReadOnlySpan<byte> bytes)
    {
        var buffer = FramePool.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new InboundFrame(buffer, bytes.Length, share: null);
    }

    /// <summary>Returns the buffer. Any number of times.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref buffer, null) is not { } rented)
            return;
        FramePool.Shared.Return(rented);
        share?.Dispose();
    }
}
