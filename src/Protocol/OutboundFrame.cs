using System.Buffers;

namespace Milena.Protocol;

/// <summary>
/// An encoded request or response, size prefix included: bytes in one pooled buffer, and between them the places where
/// record batches are inserted from their <see cref="RecordSource"/> while the frame is being sent. One owner; disposing
/// returns the buffer.
/// </summary>
public sealed class OutboundFrame : IDisposable
{
    private readonly int bufferLength;
    private readonly List<Insertion>? insertions;
    private byte[]? buffer;

    /// <param name="buffer">Rented from <see cref="ArrayPool{T}.Shared"/>; this frame returns it.</param>
    /// <param name="length">How many bytes of the buffer belong to the frame.</param>
    /// <param name="insertions">Where sources are inserted, by ascending position; null or empty for none.</param>
    public OutboundFrame(byte[] buffer, int length, List<Insertion>? insertions = null)
    {
        this.buffer = buffer;
        bufferLength = length;
        this.insertions = insertions is { Count: > 0 } ? insertions : null;
        Length = length;
        foreach (var insertion in insertions ?? [])
            Length = checked(Length + insertion.Source.Length);
    }

    /// <summary>A source that stands before the byte at <paramref name="Position"/> of the buffer.</summary>
    public readonly record struct Insertion(int Position, RecordSource Source);

    /// <summary>Told once, when the frame is done with; null for nobody.</summary>
    public IFrameObserver? Observer { get; init; }

    /// <summary>The number of bytes that go over the wire.</summary>
    public int Length { get; }

    /// <summary>The whole frame where nothing is inserted, so that it can be sent without a copy.</summary>
    public bool TryGetMemory(out ReadOnlyMemory<byte> bytes)
    {
        bytes = insertions is null ? Buffer.AsMemory(0, bufferLength) : default;
        return insertions is null;
    }

    /// <summary>
    /// Copies the bytes of the frame that start at <paramref name="offset"/>, as many as fit; returns how many. Throws
    /// <see cref="IOException"/> if a source cannot be read.
    /// </summary>
    public int CopyTo(int offset, Span<byte> destination)
    {
        var copied = 0;
        var start = 0; // where the current piece starts in the frame
        var position = 0; // what has been passed of the buffer
        foreach (var insertion in insertions ?? [])
        {
            copied += CopyPiece(Buffer.AsSpan(position, insertion.Position - position), ref start, offset + copied, destination[copied..]);
            position = insertion.Position;
            copied += CopyPiece(insertion.Source, ref start, offset + copied, destination[copied..]);
            if (copied == destination.Length)
                return copied;
        }

        return copied + CopyPiece(Buffer.AsSpan(position, bufferLength - position), ref start, offset + copied, destination[copied..]);
    }

    /// <summary>Returns the buffer to its pool.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref buffer, null) is not { } rented)
            return;
        ArrayPool<byte>.Shared.Return(rented);
        Observer?.OnSent();
    }

    private byte[] Buffer => buffer ?? throw new ObjectDisposedException(nameof(OutboundFrame));

    private static int CopyPiece(ReadOnlySpan<byte> piece, ref int start, int offset, Span<byte> destination)
    {
        var skip = offset - start;
        start += piece.Length;
        if (skip >= piece.Length || destination.IsEmpty)
            return 0;
        var count = Math.Min(piece.Length - skip, destination.Length);
        piece.Slice(skip, count).CopyTo(destination);
        return count;
    }

    private static int CopyPiece(RecordSource piece, ref int start, int offset, Span<byte> destination)
    {
        var skip = offset - start;
        start += piece.Length;
        if (skip >= piece.Length || destination.IsEmpty)
            return 0;
        var count = Math.Min(piece.Length - skip, destination.Length);
        piece.Read(skip, destination[..count]);
        return count;
    }
}

/// <summary>Wants to know when a frame has gone.</summary>
public interface IFrameObserver
{
    /// <summary>The frame is sent, or on its way with others, or dropped because its connection is closed. Throws nothing.</summary>
    void OnSent();
}
