using System.Net;
using System.Net.Sockets;

namespace Milena.Broker.Tests.Quotas;

/// <summary>Quotas of new connections by address (KIP-612).</summary>
public sealed class ConnectionQuotaTests
{
    [Fact]
    public async Task An_address_that_opens_too_many_connections_is_not_served_and_hung_up_on_after_a_while()
    {
        await using var broker = await TestBroker.StartAsync();
        await broker.Connect("admin").SetQuota("ip=127.0.0.1", "connection_creation_rate", 1);
        var sockets = new List<Socket>();
        try
        {
            for (var i = 0; i < 10; i++) // a rate of 1 over the ten seconds that count at first
            {
                sockets.Add(await Open(broker));
                await Served(sockets[^1]);
            }

            sockets.Add(await Open(broker));
            var refused = Served(sockets[^1]);
            await using (var inProcess = broker.Connect())
                await inProcess.Send(new Protocol.Messages.ApiVersionsRequest(), 0); // counts for no address
            Assert.False(refused.IsCompleted);
            while (!refused.IsCompleted)
            {
                broker.Time.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Yield();
            }

            await Assert.ThrowsAnyAsync<Exception>(() => refused);
            await Served(sockets[0]);
            broker.Time.Advance(TimeSpan.FromSeconds(12));
            sockets.Add(await Open(broker));
            await Served(sockets[^1]);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task<Socket> Open(TestBroker broker)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, broker.Port);
        return socket;
    }

    /// <summary>Asks for ApiVersions v0 and waits for the first byte of the answer; throws if there is none.</summary>
    private static async Task Served(Socket socket)
    {
        await socket.SendAsync(new byte[] { 0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255 });
        var answer = new byte[4096];
        var received = await socket.ReceiveAsync(answer);
        if (received == 0)
            throw new EndOfStreamException();
        for (var size = 4 + System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(answer); received < size;)
            received += await socket.ReceiveAsync(answer);
    }
}
