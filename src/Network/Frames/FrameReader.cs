using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Milena.Network;

/// <summary>
/// Cuts a transport's bytes into frames. While it waits for a frame to begin it holds <see cref="SmallBytes"/> and nothing
/// else, so that thousands of silent connections cost little; a large frame is received straight into its own buffer; small
/// frames that come together are taken with one receive.
/// </summary>
/// <remarks>
/// A declared size is only a claim, and memory follows the bytes that have really come: nothing is rented before the small
/// buffer is full; then the whole buffer of a frame of ordinary size if <see cref="FrameBudget.TryTrust"/> allows it, otherwise
/// steps that each are four times what has arrived.
/// </remarks>
internal sealed class FrameReader(Transport transport, FrameBudget budget, int maxFrameBytes)
{
    /// <summary>What a waiting connection holds: enough for a heartbeat, or a fetch of a few partitions.</summary>
    internal const int SmallBytes = 256;

    /// <summary>What is received at once when small frames come in a row.</summary>
    private const int BatchBytes = 16 * 1024;

    /// <summary>Up to this size a frame needs no share of the budget. A connection has only so many requests in flight.</summary>
    internal const int FreeBytes = 4096;

    /// <summary>Up to this size a frame is believed before its bytes have come: a batch of a megabyte and what is around it.</summary>
    private const int BelievedBytes = (1 << 20) + (1 << 18);

    /// <summary>More than this is not waited for at once, so that a slow peer is seen to get on.</summary>
    private const int AwaitedBytesMax = 512 * 1024;

    private readonly byte[] small = new byte[SmallBytes];
    private byte[]? batch; // rented; never held while waiting for the peer
    private int start; // what has arrived and is not taken lies from here …
    private int end; // … to here, in batch if there is one, else in small
    private bool moreExpected; // the last receive filled its buffer
    private long progress;
    private volatile bool holdsShare;

    /// <summary>Whether something of the next frame is here already.</summary>
    public bool HasMore => start < end || transport.HasData;

    /// <summary>Whether it has memory that others may want, and waits for the peer to fill it. Another thread may look.</summary>
    public bool HoldsShare => holdsShare;

    /// <summary>Grows with everything that comes, and when memory is granted. Another thread may look whether it does.</summary>
    public long Progress => Volatile.Read(ref progress);

    private ReadOnlySpan<byte> Buffered => (batch ?? small).AsSpan(start, end - start);

    /// <summary>
    /// The next frame, or null if the peer has ended between two frames. Throws <see cref="BadFrameException"/>, for an end
    /// inside a frame <see cref="EndOfStreamException"/>, and what the transport throws.
    /// </summary>
    public ValueTask<InboundFrame?> ReadAsync() =>
        Missing(out var size) <= 0 && size <= FreeBytes ? new(TakeBuffered(size)) : ReceiveFrameAsync();

    /// <summary>Drops what has arrived and what still comes, until the peer ends.</summary>
    public async ValueTask DiscardAsync()
    {
        Release();
        while (await transport.ReceiveAsync(small) > 0)
        {
        }
    }

    /// <summary>Returns what is rented and forgets what has arrived.</summary>
    public void Release()
    {
        ReturnBatch();
        start = end = 0;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<InboundFrame?> ReceiveFrameAsync()
    {
        while (true)
        {
            var missing = Missing(out var size);
            if (size > maxFrameBytes || size < 0)
                throw BadFrame.Refuse(Buffered, size, maxFrameBytes);
            if (missing <= 0 && size <= FreeBytes)
                return TakeBuffered(size);
            if (missing <= 0 || (size + sizeof(int) > SmallBytes && (batch is not null || end == SmallBytes)))
                return await ReceiveLargeAsync(size);

            var received = await transport.ReceiveAsync(RoomForMore());
            if (received == 0)
                return end == start ? null : throw new EndOfStreamException();
            MakeProgress(received);
            end += received;
            moreExpected = end == (batch ?? small).Length;
        }
    }

    /// <summary>
    /// Moves what is left to the front of the buffer that the next receive fills. What is left always fits the small one:
    /// it is the start of a frame that would fit, or of a size.
    /// </summary>
    private Memory<byte> RoomForMore()
    {
        var left = Buffered;
        if (moreExpected && transport.HasData)
        {
            var next = batch ?? FramePool.Shared.Rent(BatchBytes);
            left.CopyTo(next);
            batch = next;
        }
        else
        {
            left.CopyTo(small);
            ReturnBatch();
        }

        end -= start;
        start = 0;
        return (batch ?? small).AsMemory(end);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<InboundFrame?> ReceiveLargeAsync(int size)
    {
        start += sizeof(int);
        var filled = Math.Min(size, end - start);
        var believed = Math.Min(size, BelievedBytes);
        var share = size > FreeBytes ? new FrameBudget.Share(budget) : null;
        var trusted = false;
        byte[]? buffer = null;
        try
        {
            trusted = budget.TryTrust(believed);
            var capacity = trusted ? believed : Math.Min(size, Math.Max(FreeBytes, 4 * filled));
            if (share is not null)
                await TakeAsync(share, capacity);
            buffer = FramePool.Shared.Rent(capacity);
            Buffered[..filled].CopyTo(buffer);
            start += filled;
            ForgetIfEmpty();

            while (filled < size)
            {
                if (filled == capacity)
                {
                    capacity = (int)Math.Min(size, 4L * filled);
                    await TakeAsync(share!, capacity - filled);
                    buffer = Grow(buffer, filled, capacity);
                }

                var missing = capacity - filled;
                var received = await transport.ReceiveAsync(buffer.AsMemory(filled, missing), Math.Min(missing, AwaitedBytesMax));
                if (received == 0)
                    throw new EndOfStreamException();
                MakeProgress(received);
                filled += received;
            }

            var frame = new InboundFrame(buffer, size, share);
            buffer = null;
            share = null;
            moreExpected = batch is not null && moreExpected;
            return frame;
        }
        finally
        {
            holdsShare = false;
            if (trusted)
                budget.EndTrust(believed);
            if (buffer is not null)
                FramePool.Shared.Return(buffer);
            share?.Dispose();
        }
    }

    /// <summary>While it waits here it stands still through no fault of its peer.</summary>
    private async ValueTask TakeAsync(FrameBudget.Share share, int bytes)
    {
        holdsShare = false;
        await share.TakeAsync(bytes);
        MakeProgress(1);
        holdsShare = true;
    }

    private static byte[] Grow(byte[] buffer, int filled, int capacity)
    {
        var larger = FramePool.Shared.Rent(capacity);
        buffer.AsSpan(0, filled).CopyTo(larger);
        FramePool.Shared.Return(buffer);
        return larger;
    }

    private InboundFrame TakeBuffered(int size)
    {
        var buffer = FramePool.Shared.Rent(size);
        Buffered.Slice(sizeof(int), size).CopyTo(buffer);
        start += sizeof(int) + size;
        ForgetIfEmpty();
        return new InboundFrame(buffer, size, share: null);
    }

    /// <summary>How many bytes of the next frame have not come yet. While its size is unknown, that is taken as 0.</summary>
    private long Missing(out int size)
    {
        var buffered = end - start;
        size = buffered >= sizeof(int) ? BinaryPrimitives.ReadInt32BigEndian(Buffered) : 0;
        return size >= 0 ? (long)sizeof(int) + size - buffered : long.MaxValue;
    }

    private void MakeProgress(int count) => Volatile.Write(ref progress, progress + count);

    private void ForgetIfEmpty()
    {
        if (start < end)
            return;
        start = end = 0;
        ReturnBatch();
    }

    private void ReturnBatch()
    {
        if (batch is null)
            return;
        FramePool.Shared.Return(batch);
        batch = null;
    }
}
