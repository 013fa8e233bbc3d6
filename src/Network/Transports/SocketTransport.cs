using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Milena.Network;

/// <summary>
/// A connected TCP socket. Nagle's delay is off: a response waits for nobody. What the kernel takes or has at once is sent or
/// received by a plain call; only what must wait is asynchronous.
/// </summary>
public abstract class SocketTransport : Transport
{
    /// <summary>From here on a frame is large: a few of them are more than a socket's buffer holds at first.</summary>
    private const int LargeBytes = 64 * 1024;

    private const int RoomBytes = 2 << 20;

    /// <summary>The largest buffer that a process may ask for (<c>net.core.rmem_max</c>); 0 if that is not known.</summary>
    private static readonly int KernelLimit = ReadKernelLimit();

    private readonly bool growsBuffer;
    private int lowWater = 1; // how many bytes the kernel gathers before it wakes the reader
    private bool hasRoom; // the kernel's buffer is as large as it is going to be made

    private protected SocketTransport(Socket socket, SocketSettings settings)
    {
        Socket = socket;
        socket.NoDelay = true;
        socket.Blocking = false;
        settings.Apply(socket);
        growsBuffer = settings.ReceiveBufferBytes <= 0;
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
                return Socket.LocalEndPoint;
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
    public override bool HasData
    {
        get
        {
            try
            {
                return Socket.Available > 0;
            }
            catch (Exception e) when (IsGone(e))
            {
                return false;
            }
        }
    }

    private protected Socket Socket { get; }

    /// <inheritdoc/>
    public sealed override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => ReceiveAsync(buffer, awaited: 1);

    /// <summary>A transport over a connected socket, which it owns from now on.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="settings">The buffer sizes to ask for.</param>
    public static SocketTransport Over(Socket socket, SocketSettings settings) =>
        IoThreads.Shared is { } threads
            ? new PolledSocketTransport(socket, settings, threads)
            : new AwaitedSocketTransport(socket, settings);

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
            return Over(socket, SocketSettings.Default);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void EndSend()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (IsGone(e))
        {
            // The peer was quicker, and hears no more in any case.
        }
    }

    /// <inheritdoc/>
    public override void Close() => Socket.Dispose();

    /// <summary>
    /// Before a receive begins to wait. Waking a thread costs more than receiving the packet that woke it, so the kernel is told how much
    /// there must be first (SO_RCVLOWAT). It wakes the reader earlier all the same when its buffer is full or the peer has gone.
    /// </summary>
    private protected void WaitFor(int awaited)
    {
        if (awaited == lowWater || !OperatingSystem.IsLinux())
            return;
        if (awaited >= LargeBytes && !hasRoom)
        {
            // Left to itself, the kernel's buffer would grow over some hundred frames, while a peer that has several large ones on
            // their way waits. A size that is set stays, though, so it is only set where the system allows a large one.
            hasRoom = true;
            if (growsBuffer && KernelLimit >= RoomBytes)
                Socket.ReceiveBufferSize = RoomBytes;
        }

        Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, awaited);
        lowWater = awaited;
    }

    private static int ReadKernelLimit()
    {
        try
        {
            return int.TryParse(File.ReadAllText("/proc/sys/net/core/rmem_max"), CultureInfo.InvariantCulture, out var bytes) ? bytes : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // another system, or one that does not tell
        }
    }
}
