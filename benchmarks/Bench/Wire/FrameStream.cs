using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Milena.Bench.Wire;

/// <summary>A blocking connection of framed messages: what costs a client least. One thread.</summary>
internal sealed class FrameStream : IDisposable
{
    private readonly Socket socket;
    private byte[] buffer = new byte[4 << 20];
    private int start;
    private int end;

    public FrameStream(int port)
    {
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
    }

    public void Send(ReadOnlySpan<byte> frame)
    {
        while (!frame.IsEmpty)
            frame = frame[socket.Send(frame)..];
    }

    /// <summary>Whether a whole frame is here already.</summary>
    public bool HasFrame => end - start >= sizeof(int) && end - start - sizeof(int) >= Size;

    /// <summary>The next frame without its size; it holds until the next call.</summary>
    public Memory<byte> Receive()
    {
        while (!HasFrame)
        {
            Compact();
            var received = socket.Receive(buffer.AsSpan(end));
            if (received == 0)
                throw new EndOfStreamException("the broker has closed the connection");
            end += received;
        }

        var frame = buffer.AsMemory(start + sizeof(int), Size);
        start += sizeof(int) + frame.Length;
        return frame;
    }

    public void Dispose() => socket.Dispose();

    private int Size => BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(start));

    private void Compact()
    {
        if (start == end)
            start = end = 0;
        var needed = end - start >= sizeof(int) ? sizeof(int) + Size : 1;
        if (start + needed <= buffer.Length)
            return;
        var target = needed > buffer.Length ? new byte[needed] : buffer;
        buffer.AsSpan(start, end - start).CopyTo(target);
        end -= start;
        start = 0;
        buffer = target;
    }
}
