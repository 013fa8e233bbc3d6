using System.Net;
using System.Net.Sockets;

namespace Milena.Network;

/// <summary>
/// One connection's two byte streams, whatever carries them: a socket, TLS above one, or memory. One receive and one send
/// may be under way at a time. Buffers are not touched once the returned task has completed.
/// </summary>
/// <remarks>
/// A broken or closed connection fails with one of the exceptions that <see cref="IsGone"/> knows. Cancellation is
/// <see cref="Close"/>: a stream that gave up half way through a frame is of no use to anybody.
/// </remarks>
public abstract class Transport : IDisposable
{
    /// <summary>This end, or null if it has none.</summary>
    public abstract EndPoint? LocalEndPoint { get; }

    /// <summary>The peer's end, or null if it has none.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary>Whether a receive would complete at once, so that memory may be handed to it without holding it for long.</summary>
    public abstract bool HasData { get; }

    /// <summary>Receives at least one byte and at most as many as fit; 0 means that the peer sends no more.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>
    /// As <see cref="ReceiveAsync(Memory{byte})"/>, for a caller to whom fewer than <paramref name="awaited"/> bytes are of no use
    /// yet. A transport that can waits for so many, to wake its reader once and not for every packet; it may still return fewer.
    /// </summary>
    public virtual ValueTask<int> ReceiveAsync(Memory<byte> buffer, int awaited) => ReceiveAsync(buffer);

    /// <summary>Sends at least one of the bytes (which are not empty), and returns how many.</summary>
    public abstract ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Tells the peer that no more is coming. Receiving goes on.</summary>
    public abstract void EndSend();

    /// <summary>Closes both directions at once; what waits fails. Any thread, any number of times.</summary>
    public abstract void Close();

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether an exception says that the connection is no more, which is nobody's fault here.</summary>
    public static bool IsGone(Exception exception) =>
        exception is SocketException or ObjectDisposedException or EndOfStreamException or TransportClosedException;
}

/// <summary>The connection was closed by this side or by the peer.</summary>
public sealed class TransportClosedException() : IOException("the connection is closed");
