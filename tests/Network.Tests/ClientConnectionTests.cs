using System.Buffers.Binary;

namespace Milena.Network.Tests;

public class ClientConnectionTests
{
    public static TheoryData<bool> Transports => [false, true];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Many_threads_share_a_connection_and_each_gets_its_own_response(bool overTcp)
    {
        await using var test = new TestServer();
        var turn = 0;
        test.Handler.Handle = async (_, frame) =>
        {
            if (Interlocked.Increment(ref turn) % 3 == 0)
                await Task.Yield();
            return Frames.Response(frame, Frames.Body(frame));
        };
        await using var client = await test.ClientAsync(overTcp);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                var body = Frames.Numbered(i * 37, seed: thread);
                using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), body));
                Assert.True(response.Bytes.Span[4..].SequenceEqual(body));
            }
        })));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_that_breaks_fails_everything_that_waits(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = async (connection, _) =>
        {
            await Task.Delay(Timeout.Infinite, connection.Closed);
            return null;
        };
        await using var client = await test.ClientAsync(overTcp);
        var waiting = Enumerable.Range(1, 5).Select(id => client.SendAsync(Frames.Request(id, [])).AsTask()).ToArray();
        var stopping = test.Server.StopAsync(TimeSpan.Zero);
        foreach (var one in waiting)
            await Assert.ThrowsAsync<ConnectionBrokenException>(() => one);
        await client.Ended;
        Assert.True(client.IsBroken);
        await Assert.ThrowsAsync<ConnectionBrokenException>(async () => await client.SendAsync(Frames.Request(9, [])));
        await Assert.ThrowsAsync<ConnectionBrokenException>(async () => await client.SendOneWayAsync(Frames.Request(9, [])));
        await test.AdvanceUntil(stopping, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task Closing_fails_what_waits()
    {
        var (transport, _) = InMemoryTransport.CreatePair();
        var client = new ClientConnection(transport, new ClientConnectionOptions());
        var waiting = client.SendAsync(Frames.Request(1, [])).AsTask();
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => waiting);
    }

    [Fact]
    public async Task Giving_up_leaves_the_connection_usable_and_drops_the_late_response()
    {
        var (transport, server) = InMemoryTransport.CreatePair();
        await using var client = new ClientConnection(transport, new ClientConnectionOptions());
        using var cancel = new CancellationTokenSource();
        var given = client.SendAsync(Frames.Request(1, []), cancel.Token).AsTask();
        var kept = client.SendAsync(Frames.Request(2, [])).AsTask();
        await server.ReceiveAllAsync(24);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        await server.SendAllAsync(Response(1));
        await server.SendAllAsync(Response(2));
        (await kept).Dispose();
        Assert.False(client.IsBroken);
    }

    [Fact]
    public async Task A_response_to_no_request_breaks_the_connection()
    {
        var (transport, server) = InMemoryTransport.CreatePair();
        await using var client = new ClientConnection(transport, new ClientConnectionOptions());
        var waiting = client.SendAsync(Frames.Request(1, [])).AsTask();
        await server.SendAllAsync(Response(7));
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => waiting);
    }

    [Theory]
    [InlineData(1001)]
    [InlineData(-5)]
    public async Task A_response_larger_than_allowed_breaks_the_connection(int size)
    {
        var (transport, server) = InMemoryTransport.CreatePair();
        await using var client = new ClientConnection(transport, new ClientConnectionOptions { ResponseBytesMax = 1000 });
        var waiting = client.SendAsync(Frames.Request(1, [])).AsTask();
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, size);
        await server.SendAllAsync(bytes);
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => waiting);
    }

    [Fact]
    public async Task Only_so_many_requests_are_in_flight()
    {
        var (transport, server) = InMemoryTransport.CreatePair();
        await using var client = new ClientConnection(transport, new ClientConnectionOptions { InFlightMax = 2 });
        var sent = Enumerable.Range(1, 3).Select(id => client.SendAsync(Frames.Request(id, [])).AsTask()).ToArray();
        await server.ReceiveAllAsync(24);
        Assert.False(server.HasData);
        await server.SendAllAsync(Response(1));
        Assert.Equal(3, (await server.ReceiveAllAsync(12))[11]);
        await server.SendAllAsync(Response(2));
        await server.SendAllAsync(Response(3));
        foreach (var one in sent)
            (await one).Dispose();
    }

    [Fact]
    public async Task A_request_without_a_response_is_done_when_it_is_sent()
    {
        var (transport, server) = InMemoryTransport.CreatePair();
        await using var client = new ClientConnection(transport, new ClientConnectionOptions { InFlightMax = 1 });
        for (var id = 0; id < 10; id++)
            await client.SendOneWayAsync(Frames.Request(id, []));
        Assert.Equal(120, (await server.ReceiveAllAsync(120)).Length);
    }

    [Fact]
    public async Task Connecting_to_nobody_is_told_at_once()
    {
        await using var test = new TestServer();
        var port = test.Listener.EndPoint.Port;
        await test.DisposeAsync();
        var error = await Assert.ThrowsAsync<ConnectionBrokenException>(() =>
            ClientConnection.ConnectAsync("127.0.0.1", port, new ClientConnectionOptions()));
        Assert.StartsWith($"cannot connect to 127.0.0.1:{port}: ", error.Message);
    }

    [Fact]
    public async Task Connecting_can_be_given_up()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ClientConnection.ConnectAsync("127.0.0.1", 1, new ClientConnectionOptions(), cancelled.Token));
    }

    private static byte[] Response(int correlationId)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, correlationId);
        return Frames.Wire(Frames.Of(bytes));
    }
}
