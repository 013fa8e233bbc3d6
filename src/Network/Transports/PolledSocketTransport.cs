using System.Net.Sockets;

namespace Milena.Network;

/// <summary>
/// A socket that waits on <see cref="IoThreads"/>: the thread that the kernel wakes receives, and goes on with whoever awaited it.
/// </summary>
internal sealed class PolledSocketTransport : SocketTransport
{
    private readonly Lock gate = new();
    private readonly IoThreads threads;
    private readonly int descriptor;
    private readonly ReceiveWait receiving;
    private SendWait? sending; // made when a send must wait for the first time
    private SocketEvents asked; // what the kernel is to tell; under the gate, with the call that says so
    private bool isClosed;

    public PolledSocketTransport(Socket socket, SocketSettings settings, IoThreads threads)
        : base(socket, settings)
    {
        this.threads = threads;
        descriptor = (int)socket.Handle;
        receiving = new ReceiveWait(socket, this);
        threads.Add(descriptor, this);
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, int awaited) => receiving.StartAsync(buffer, awaited);

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (sending is { } waited)
            return waited.StartAsync(bytes);
        var sent = Socket.Send(bytes.Span, SocketFlags.None, out var error);
        if (sent > 0)
            return new(sent);
        if (error != SocketError.WouldBlock)
            return ValueTask.FromException<int>(new SocketException((int)error));
        var wait = new SendWait(Socket, this);
        Volatile.Write(ref sending, wait);
        return wait.StartAsync(bytes);
    }

    /// <inheritdoc/>
    public override void Close()
    {
        lock (gate)
        {
            isClosed = true; // from now on the descriptor may be another socket's
            threads.Remove(descriptor, this);
            base.Close();
        }

        receiving.Close();
        Volatile.Read(ref sending)?.Close();
    }

    /// <summary>Somebody waits for this, and for so many bytes if he receives. It is told once.</summary>
    internal void AskFor(SocketEvents events, int awaited)
    {
        lock (gate)
        {
            if (isClosed)
                return;
            if (events == SocketEvents.Readable)
                WaitFor(awaited);
            asked |= events;
            AskAgain();
        }
    }

    /// <summary>On an I/O thread: this has happened. The kernel tells nothing more until it is asked again.</summary>
    internal void OnEvents(SocketEvents events)
    {
        lock (gate)
        {
            events &= asked;
            asked &= ~events;
            AskAgain();
        }

        if ((events & SocketEvents.Writable) != 0)
            Volatile.Read(ref sending)?.Tell();
        if ((events & SocketEvents.Readable) != 0)
            receiving.Tell();
    }

    private void AskAgain()
    {
        if (asked != SocketEvents.None && !isClosed)
            threads.Ask(descriptor, asked);
    }
}
