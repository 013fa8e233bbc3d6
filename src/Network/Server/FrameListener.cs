using System.Net;
using System.Net.Sockets;

namespace Milena.Network;

/// <summary>An open port. Its server accepts from it, and closes it when it stops.</summary>
public sealed class FrameListener
{
    private readonly Socket socket;

    private FrameListener(ListenerOptions options, Socket socket)
    {
        Options = options;
        this.socket = socket;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>What was asked for.</summary>
    public ListenerOptions Options { get; }

    /// <summary>Where it listens: the port is the real one if any was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Binds and listens. Throws <see cref="ListenerException"/>.</summary>
    internal static FrameListener Open(ListenerOptions options)
    {
        Socket? socket = null;
        try
        {
            var address = Resolve(options.Host);
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.Equals(IPAddress.IPv6Any) && options.Host.Length == 0)
                socket.DualMode = true;
            options.Sockets.Apply(socket); // inherited by what is accepted, and the window is announced in the handshake
            socket.Bind(new IPEndPoint(address, options.Port));
            socket.Listen(options.Backlog);
            return new FrameListener(options, socket);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new ListenerException(Explain(options, e), e);
        }
    }

    /// <summary>The next connection. Throws <see cref="SocketException"/>, or <see cref="ObjectDisposedException"/> when closed.</summary>
    internal ValueTask<Socket> AcceptAsync(CancellationToken cancellationToken) => socket.AcceptAsync(cancellationToken);

    internal void Close() => socket.Dispose();

    private static IPAddress Resolve(string host) =>
        host.Length == 0 ? (Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any)
        : IPAddress.TryParse(host, out var address) ? address
        : Dns.GetHostAddresses(host) is [var first, ..] ? first
        : throw new SocketException((int)SocketError.HostNotFound);

    private static string Explain(ListenerOptions options, SocketException e)
    {
        var where = $"{options.Name}://{options.Host}:{options.Port}";
        return e.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => $"cannot listen on {where}: the port is in use by another process",
            SocketError.AddressNotAvailable => $"cannot listen on {where}: this machine does not have that address",
            SocketError.AccessDenied => $"cannot listen on {where}: not permitted (ports below 1024 need a privilege)",
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"cannot listen on {where}: the host is unknown",
            _ => $"cannot listen on {where}: {e.Message}",
        };
    }
}
