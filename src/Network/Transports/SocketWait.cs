using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Milena.Network;

/// <summary>
/// One direction of a <see cref="PolledSocketTransport"/>, and who waits for it. Who finds the socket not ready waits, and then asks to
/// be told; the kernel tells at once if it has become ready in between.
/// </summary>
/// <remarks>
/// Idle: nobody waits. Waiting: whoever takes this back to idle tries on behalf of the waiter. Closed is for good.
/// </remarks>
internal abstract class SocketWait(Socket socket, PolledSocketTransport transport, SocketEvents wanted) : IValueTaskSource<int>
{
    private const int Idle = 0;
    private const int Waiting = 1;
    private const int Closed = 2;

    private ManualResetValueTaskSourceCore<int> core;
    private int state;

    protected Socket Socket => socket;

    /// <summary>From how many bytes on it is worth while to be told.</summary>
    protected int Awaited { get; set; } = 1;

    /// <summary>The socket is ready. Goes on with the waiter on this very thread.</summary>
    public void Tell()
    {
        if (!Moves(Waiting, Idle))
            return; // closed
        if (!TryNow(out var count, out var error) && WaitAgain())
            return; // told in vain
        Forget();
        if (error is null)
            core.SetResult(count);
        else
            core.SetException(error);

        bool WaitAgain()
        {
            if (error is not null)
                return false;
            if (Moves(Idle, Waiting))
            {
                transport.AskFor(wanted, Awaited);
                return true;
            }

            error = new TransportClosedException();
            return false;
        }
    }

    /// <summary>Fails the waiter, elsewhere: whoever closes a connection does not go on with its other business.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref state, Closed) == Waiting)
            ThreadPool.UnsafeQueueUserWorkItem(static wait => wait.Abort(), this, preferLocal: false);
    }

    /// <summary>Tries, and waits if it is too early.</summary>
    protected ValueTask<int> StartAsync()
    {
        if (TryNow(out var count, out var error))
            return new(count);
        if (error is not null)
            return ValueTask.FromException<int>(error);
        core.Reset();
        var token = core.Version;
        if (!Moves(Idle, Waiting))
            return ValueTask.FromException<int>(new TransportClosedException());
        transport.AskFor(wanted, Awaited);
        return new(this, token);
    }

    /// <summary>Receives or sends what it can without waiting.</summary>
    protected abstract int Try(out SocketError error);

    /// <summary>Forgets the waiter's buffer, which is no longer ours.</summary>
    protected abstract void Forget();

    int IValueTaskSource<int>.GetResult(short token) => core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => core.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        core.OnCompleted(continuation, state, token, flags);

    /// <summary>False without an error means that it is too early.</summary>
    private bool TryNow(out int count, out Exception? error)
    {
        error = null;
        try
        {
            count = Try(out var code);
            if (count > 0 || code == SocketError.Success)
                return true;
            if (code != SocketError.WouldBlock)
                error = new SocketException((int)code);
        }
        catch (ObjectDisposedException)
        {
            count = 0;
            error = new TransportClosedException();
        }

        return false;
    }

    private void Abort()
    {
        Forget();
        core.SetException(new TransportClosedException());
    }

    private bool Moves(int from, int to) => Interlocked.CompareExchange(ref state, to, from) == from;
}

/// <summary>Waits until there is something to receive.</summary>
internal sealed class ReceiveWait(Socket socket, PolledSocketTransport transport)
    : SocketWait(socket, transport, SocketEvents.Readable)
{
    private Memory<byte> buffer;

    public ValueTask<int> StartAsync(Memory<byte> destination, int awaited)
    {
        buffer = destination;
        Awaited = awaited;
        return StartAsync();
    }

    protected override int Try(out SocketError error) => Socket.Receive(buffer.Span, SocketFlags.None, out error);

    protected override void Forget() => buffer = default;
}

/// <summary>Waits until something can be sent.</summary>
internal sealed class SendWait(Socket socket, PolledSocketTransport transport)
    : SocketWait(socket, transport, SocketEvents.Writable)
{
    private ReadOnlyMemory<byte> bytes;

    public ValueTask<int> StartAsync(ReadOnlyMemory<byte> source)
    {
        bytes = source;
        return StartAsync();
    }

    protected override int Try(out SocketError error) => Socket.Send(bytes.Span, SocketFlags.None, out error);

    protected override void Forget() => bytes = default;
}
