using System.Runtime.CompilerServices;
using Milena.Protocol;

namespace Milena.Network;

/// <summary>
/// Sends frames, one caller at a time. A small frame waits in a chunk for the next one or for <see cref="FlushAsync"/>, so that
/// answers which are ready together leave together; a large one in memory is sent from where it is; what lies in a file passes
/// through the chunk. The chunk is rented while it is needed.
/// </summary>
internal sealed class FrameWriter(Transport transport)
{
    /// <summary>Read and sent at once: large enough that the number of calls costs nothing, small enough for the second cache.</summary>
    internal const int ChunkBytes = 256 * 1024;

    /// <summary>From this size a frame in memory is sent from where it is instead of being copied behind others.</summary>
    private const int SmallBytes = 16 * 1024;

    private byte[]? chunk;
    private int filled;
    private long sentBytes;
    private volatile bool sending;

    /// <summary>Whether something waits for <see cref="FlushAsync"/>.</summary>
    public bool HasUnsent => filled > 0;

    /// <summary>Whether the transport has something to take just now; another thread may look whether the peer is slow.</summary>
    public bool IsSending => sending;

    /// <summary>What has been handed to the transport so far; another thread may look whether it grows.</summary>
    public long SentBytes => Volatile.Read(ref sentBytes);

    /// <summary>
    /// Takes the next frame in order, and disposes it when its bytes are sent or copied. Throws what the transport throws, and
    /// <see cref="IOException"/> if a file cannot be read.
    /// </summary>
    /// <param name="frame">The frame; this method owns it.</param>
    /// <param name="flush">Whether nothing more is at hand, so that everything leaves now.</param>
    public ValueTask WriteAsync(OutboundFrame frame, bool flush)
    {
        if (flush || !frame.TryGetMemory(out var bytes) || bytes.Length >= SmallBytes || filled + bytes.Length > ChunkBytes)
            return SendAsync(frame, flush);
        Append(bytes.Span);
        frame.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Sends what waits.</summary>
    public ValueTask FlushAsync() => HasUnsent ? SendChunkAsync() : ValueTask.CompletedTask;

    /// <summary>Returns what is rented and forgets what waits.</summary>
    public void Release()
    {
        filled = 0;
        if (chunk is null)
            return;
        FramePool.Shared.Return(chunk);
        chunk = null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(OutboundFrame frame, bool flush)
    {
        try
        {
            if (!frame.TryGetMemory(out var bytes))
                await CopyAsync(frame);
            else if (bytes.Length < SmallBytes && HasUnsent && filled + bytes.Length <= ChunkBytes)
                Append(bytes.Span);
            else
            {
                await FlushAsync();
                await SendAsync(bytes);
            }
        }
        finally
        {
            frame.Dispose();
        }

        if (flush)
            await FlushAsync();
    }

    /// <summary>Passes a frame through the chunk, behind what already waits in it. Its last part waits there too.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask CopyAsync(OutboundFrame frame)
    {
        for (var offset = 0; offset < frame.Length;)
        {
            chunk ??= FramePool.Shared.Rent(ChunkBytes);
            var copied = frame.CopyTo(offset, chunk.AsSpan(filled, ChunkBytes - filled));
            filled += copied;
            offset += copied;
            if (filled == ChunkBytes)
                await SendChunkAsync();
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        chunk ??= FramePool.Shared.Rent(ChunkBytes);
        bytes.CopyTo(chunk.AsSpan(filled));
        filled += bytes.Length;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendChunkAsync()
    {
        await SendAsync(chunk.AsMemory(0, filled));
        Release();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        sending = true;
        while (!bytes.IsEmpty)
        {
            var sent = await transport.SendAsync(bytes);
            bytes = bytes[sent..];
            Volatile.Write(ref sentBytes, sentBytes + sent);
        }

        sending = false;
    }
}
