using System.Net.Sockets;

namespace Milena.Network;

/// <summary>
/// A socket that waits by the runtime's means: on every system, and at the cost of a hop from thread to thread for each wait.
/// </summary>
internal sealed class AwaitedSocketTransport(Socket socket, SocketSettings settings) : SocketTransport(socket, settings)
{
    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, int awaited)
    {
        var received = Socket.Receive(buffer.Span, SocketFlags.None, out var error);
        if (error == SocketError.Success)
            return new(received);
        if (error != SocketError.WouldBlock)
            return ValueTask.FromException<int>(new SocketException((int)error));
        WaitFor(awaited);
        return Socket.ReceiveAsync(buffer, SocketFlags.None);
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var sent = Socket.Send(bytes.Span, SocketFlags.None, out var error);
        return sent > 0 ? new(sent)
            : error == SocketError.WouldBlock ? Socket.SendAsync(bytes, SocketFlags.None)
            : ValueTask.FromException<int>(new SocketException((int)error));
    }
}
