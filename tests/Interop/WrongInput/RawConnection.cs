using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Milena.Interop.Harness;

namespace Milena.Interop.WrongInput;

/// <summary>A connection that says what it is told to, sense or nonsense, and hears what comes back.</summary>
internal sealed class RawConnection : IAsyncDisposable
{
    private readonly TcpClient client = new() { NoDelay = true };
    private NetworkStream stream = null!;

    public static async Task<RawConnection> Open(BrokerProcess broker)
    {
        var connection = new RawConnection();
        await connection.client.ConnectAsync(IPAddress.Loopback, broker.Port);
        connection.stream = connection.client.GetStream();
        return connection;
    }

    /// <summary>Sends bytes as they are. The broker may already have closed: then the answer is read anyway.</summary>
    public async Task Send(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await stream.WriteAsync(bytes);
        }
        catch (IOException)
        {
            // Closed before all was sent, which is what a test then asserts by IsClosed.
        }
    }

    /// <summary>Sends a frame: the size and then the bytes.</summary>
    public Task SendFrame(byte[] bytes) => Send((byte[])[.. Size(bytes.Length), .. bytes]);

    /// <summary>No more will be sent.</summary>
    public void FinishSending() => client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>The next frame without its size, or null if the broker closes the connection.</summary>
    public async Task<byte[]?> Receive()
    {
        if (await Read(4) is not { } size)
            return null;
        return await Read(BinaryPrimitives.ReadInt32BigEndian(size));
    }

    /// <summary>Whether the broker closes the connection without a word.</summary>
    public async Task<bool> IsClosed() => await Read(1) is null;

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>A request with a header of version 1 and a body written by hand.</summary>
    public static byte[] Request(short apiKey, short version, int correlationId, params byte[] body) =>
        [.. Int16(apiKey), .. Int16(version), .. Int32(correlationId), .. Text("raw"), .. body];

    /// <summary>A Produce request of version 3 with one batch for one partition, acks=all.</summary>
    public static byte[] Produce(string topic, byte[] records) => Request(
        0, 3, 7, [.. Int16(-1), .. Int16(-1), .. Int32(10_000), .. Int32(1), .. Text(topic), .. Int32(1), .. Int32(0), .. Int32(records.Length), .. records]);

    /// <summary>The error code of the one partition in the answer to <see cref="Produce"/>.</summary>
    public static short ProduceError(string topic, byte[] response) =>
        BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(4 + 4 + 2 + Encoding.UTF8.GetByteCount(topic) + 4 + 4));

    public static byte[] Size(int value) => Int32(value);

    public static byte[] Int16(short value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Int32(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    public static byte[] Text(string value) => [.. Int16((short)Encoding.UTF8.GetByteCount(value)), .. Encoding.UTF8.GetBytes(value)];

    private async Task<byte[]?> Read(int count)
    {
        var bytes = new byte[count];
        using var deadline = new CancellationTokenSource(Deadline.Default);
        try
        {
            await stream.ReadExactlyAsync(bytes, deadline.Token);
            return bytes;
        }
        catch (Exception closed) when (closed is EndOfStreamException or IOException)
        {
            return null;
        }
    }
}
