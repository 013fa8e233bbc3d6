using System.Net.Sockets;

namespace Milena.Network;

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
