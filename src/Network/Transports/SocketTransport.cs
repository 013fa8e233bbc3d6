using System.Net;
using System.Net.Sockets;

namespace Milena.Network;

/// <summary>A connected TCP socket. Nagle's delay is off: a response waits for nobody.</summary>
public sealed class SocketTransport : Transport
{
    private readonly Socket socket;
    private int lowWater = 1; // how many bytes the kernel gathers before it wakes the reader

    /// <param name="socket">Connected; this transport owns it.</param>
    /// <param name="settings">The buffer sizes to ask for.</param>
    public SocketTransport(Socket socket, SocketSettings settings)
    {
        this.socket = socket;
        socket.NoDelay = true;
        socket.Blocking = false; // a send that the kernel takes at once needs nothing asynchronous
        settings.Apply(socket);
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    /// <inheritdoc/>
    /// <remarks>Not kept, because few ask; null once the connection is closed.</remarks>
    public override EndPoint? LocalEndPoint
    {
        get
        {
            try
            {
                return socket.LocalEndPoint;
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; }

    /// <inheritdoc/>
    public override bool HasData => socket.Available > 0;

    /// <summary>
    /// Connects to the first address of the host that answers. Throws <see cref="SocketException"/>, or
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public static async ValueTask<SocketTransport> ConnectAsync(
        string host, int port, SocketSettings settings, CancellationToken cancellationToken = default)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            settings.Apply(socket); // before the handshake, because it announces the window
            await socket.ConnectAsync(host, port, cancellationToken);
            return new SocketTransport(socket, SocketSettings.Default);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => ReceiveAsync(buffer, awaited: 1);

    /// <inheritdoc/>
    /// <remarks>
    /// Waking a thread costs more than receiving the packet that woke it, so the kernel is told how much there must be first
    /// (SO_RCVLOWAT). It wakes the reader earlier all the same when its buffer is full or the peer has gone.
    /// </remarks>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, int awaited)
    {
        var received = socket.Receive(buffer.Span, SocketFlags.None, out var error);
        if (error == SocketError.Success)
            return new(received);
        if (error != SocketError.WouldBlock)
            return ValueTask.FromException<int>(new SocketException((int)error));
        if (awaited != lowWater && OperatingSystem.IsLinux())
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, awaited);
            lowWater = awaited;
        }

        return socket.ReceiveAsync(buffer, SocketFlags.None);
    }

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var sent = socket.Send(bytes.Span, SocketFlags.None, out var error);
        return sent > 0 ? new(sent)
            : error == SocketError.WouldBlock ? socket.SendAsync(bytes, SocketFlags.None)
            : ValueTask.FromException<int>(new SocketException((int)error));
    }

    /// <inheritdoc/>
    public override void EndSend()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (IsGone(e))
        {
            // The peer was quicker, and hears no more in any case.
        }
    }

    /// <inheritdoc/>
    public override void Close() => socket.Dispose();
}

/// <summary>What the <c>socket.*</c> settings ask of the operating system.</summary>
/// <param name="SendBufferBytes"><c>socket.send.buffer.bytes</c>; -1 leaves it to the system, which then sizes it as it goes.</param>
/// <param name="ReceiveBufferBytes"><c>socket.receive.buffer.bytes</c>; -1 as above.</param>
public sealed record SocketSettings(int SendBufferBytes = -1, int ReceiveBufferBytes = -1)
{
    /// <summary>Everything as the operating system has it.</summary>
    public static SocketSettings Default { get; } = new();

    internal void Apply(Socket socket)
    {
        if (SendBufferBytes > 0)
            socket.SendBufferSize = SendBufferBytes;
        if (ReceiveBufferBytes > 0)
            socket.ReceiveBufferSize = ReceiveBufferBytes;
    }
}
