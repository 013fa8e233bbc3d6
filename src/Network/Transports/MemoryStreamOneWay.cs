using System.Threading.Tasks.Sources;

namespace Milena.Network;

/// <summary>
/// One direction of an <see cref="InMemoryTransport"/>: a ring of bytes with one sender and one receiver. The ring is rented
/// while it holds something, so a silent connection holds none; a receiver that already waits is filled directly.
/// </summary>
internal sealed class MemoryStreamOneWay(int capacityBytes)
{
    private readonly Lock gate = new();
    private readonly Waiter receiver = new();
    private readonly Waiter sender = new();
    private byte[]? ring;
    private int start;
    private int count;
    private bool ended; // the sender has said its last
    private bool closed;
    private Memory<byte> wanted; // what the waiting receiver wants filled
    private ReadOnlyMemory<byte> offered; // what the waiting sender wants taken

    public bool HasData
    {
        get
        {
            lock (gate)
                return count > 0 || sender.IsWaiting;
        }
    }

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        lock (gate)
        {
            if (count == 0 && !ended && !closed)
            {
                wanted = buffer;
                return receiver.Wait();
            }

            if (closed)
                return ValueTask.FromException<int>(new TransportClosedException());
            var received = Take(buffer.Span);
            if (sender.IsWaiting && received > 0)
            {
                var sent = Put(offered.Span);
                offered = default;
                sender.Complete(sent);
            }

            return new(received);
        }
    }

    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        lock (gate)
        {
            if (closed || ended)
                return ValueTask.FromException<int>(new TransportClosedException());
            if (receiver.IsWaiting)
            {
                var handed = Math.Min(wanted.Length, bytes.Length);
                bytes.Span[..handed].CopyTo(wanted.Span);
                wanted = default;
                receiver.Complete(handed);
                return new(handed);
            }

            if (count == capacityBytes)
            {
                offered = bytes;
                return sender.Wait();
            }

            return new(Put(bytes.Span));
        }
    }

    /// <summary>The sender is done or gone; the receiver gets what is left, then 0, as with a socket that was closed.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            if (receiver.IsWaiting)
                receiver.Complete(0);
            if (sender.IsWaiting)
                sender.Fail(new TransportClosedException());
        }
    }

    /// <summary>The receiver is gone: nothing can be sent any more, and what was not received is lost.</summary>
    public void Close()
    {
        lock (gate)
        {
            if (closed)
                return;
            closed = true;
            if (ring is not null)
                FramePool.Shared.Return(ring);
            ring = null;
            count = 0;
            if (receiver.IsWaiting)
                receiver.Fail(new TransportClosedException());
            if (sender.IsWaiting)
                sender.Fail(new TransportClosedException());
        }
    }

    private int Put(ReadOnlySpan<byte> bytes)
    {
        ring ??= FramePool.Shared.Rent(capacityBytes);
        var taken = Math.Min(bytes.Length, capacityBytes - count);
        var at = (start + count) % capacityBytes;
        var first = Math.Min(taken, capacityBytes - at);
        bytes[..first].CopyTo(ring.AsSpan(at));
        bytes[first..taken].CopyTo(ring);
        count += taken;
        return taken;
    }

    private int Take(Span<byte> destination)
    {
        var taken = Math.Min(destination.Length, count);
        if (taken == 0)
            return 0;
        var first = Math.Min(taken, capacityBytes - start);
        ring.AsSpan(start, first).CopyTo(destination);
        ring.AsSpan(0, taken - first).CopyTo(destination[first..]);
        start = (start + taken) % capacityBytes;
        count -= taken;
        if (count == 0)
        {
            FramePool.Shared.Return(ring!);
            ring = null;
            start = 0;
        }

        return taken;
    }

    /// <summary>One side that waits. Its continuation runs on the thread pool, never under the lock.</summary>
    private sealed class Waiter : IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> core = new() { RunContinuationsAsynchronously = true };

        public bool IsWaiting { get; private set; }

        public ValueTask<int> Wait()
        {
            core.Reset();
            IsWaiting = true;
            return new(this, core.Version);
        }

        public void Complete(int result)
        {
            IsWaiting = false;
            core.SetResult(result);
        }

        public void Fail(Exception error)
        {
            IsWaiting = false;
            core.SetException(error);
        }

        public int GetResult(short token) => core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => core.GetStatus(token);

        public void OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            core.OnCompleted(continuation, state, token, flags);
    }
}
