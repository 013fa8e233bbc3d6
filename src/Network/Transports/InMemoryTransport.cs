using System.Net;

namespace Milena.Network;

/// <summary>
/// A connection within the process: the same bytes as over TCP, without the kernel. Each direction holds a bounded number
/// of bytes, then the sender waits, as with a socket.
/// </summary>
public sealed class InMemoryTransport : Transport
{
    private readonly MemoryStreamOneWay incoming;
    private readonly MemoryStreamOneWay outgoing;

    private InMemoryTransport(MemoryStreamOneWay incoming, MemoryStreamOneWay outgoing, EndPoint local, EndPoint remote)
    {
        this.incoming = incoming;
        this.outgoing = outgoing;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
    }

    /// <inheritdoc/>
    public override EndPoint LocalEndPoint { get; }

    /// <inheritdoc/>
    public override EndPoint RemoteEndPoint { get; }

    /// <inheritdoc/>
    public override bool HasData => incoming.HasData;

    /// <summary>Two ends of a new connection.</summary>
    /// <param name="capacityBytes">How much each direction holds before its sender waits.</param>
    public static (InMemoryTransport Client, InMemoryTransport Server) CreatePair(int capacityBytes = 256 * 1024)
    {
        var toServer = new MemoryStreamOneWay(capacityBytes);
        var toClient = new MemoryStreamOneWay(capacityBytes);
        var client = new InMemoryEndPoint("client");
        var server = new InMemoryEndPoint("server");
        return (new InMemoryTransport(toClient, toServer, client, server), new InMemoryTransport(toServer, toClient, server, client));
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer) => incoming.ReceiveAsync(buffer);

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes) => outgoing.SendAsync(bytes);

    /// <inheritdoc/>
    public override void EndSend() => outgoing.End();

    /// <inheritdoc/>
    public override void Close()
    {
        outgoing.End();
        incoming.Close();
    }
}

/// <summary>An end of a connection within the process.</summary>
public sealed class InMemoryEndPoint(string name) : EndPoint
{
    /// <inheritdoc/>
    public override string ToString() => "in-memory-" + name;
}
