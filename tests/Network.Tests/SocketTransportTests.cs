using System.Net;
using System.Net.Sockets;

namespace Milena.Network.Tests;

/// <summary>Both kinds of socket transport, on sockets whose buffers are so small that everything large must wait for something.</summary>
public class SocketTransportTests
{
    // Less than a packet of the loopback takes would be slow: the kernel then sends by a timer.
    private static readonly SocketSettings Small = new(SendBufferBytes: 32 * 1024, ReceiveBufferBytes: 128 * 1024);

    public static TheoryData<bool> Kinds => [false, true];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Everything_arrives_in_both_directions_at_once(bool polled)
    {
        using var pair = await Pair.CreateAsync(polled);
        var there = Frames.Numbered(3_000_000, seed: 1);
        var back = Frames.Numbered(3_000_000, seed: 2);
        var sending = Task.WhenAll(Send(pair.Client, there), Send(pair.Server, back));
        var received = await Task.WhenAll(pair.Server.ReceiveAllAsync(4_000_000), pair.Client.ReceiveAllAsync(4_000_000));
        await sending;
        Assert.True(received[0].AsSpan().SequenceEqual(there));
        Assert.True(received[1].AsSpan().SequenceEqual(back));

        static async Task Send(Transport transport, byte[] bytes)
        {
            await transport.SendAllAsync(bytes);
            transport.EndSend();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Closing_fails_a_receive_and_a_send_that_wait(bool polled)
    {
        using var pair = await Pair.CreateAsync(polled);
        var receiving = pair.Client.ReceiveAsync(new byte[10]).AsTask();
        var sending = pair.Client.SendAllAsync(new byte[50_000_000]);
        pair.Client.Close();
        pair.Client.Close();
        Assert.True(Transport.IsGone(await Assert.ThrowsAnyAsync<Exception>(() => receiving)));
        Assert.True(Transport.IsGone(await Assert.ThrowsAnyAsync<Exception>(() => sending)));
        Assert.True(Transport.IsGone(await Assert.ThrowsAnyAsync<Exception>(async () => await pair.Client.ReceiveAsync(new byte[10]))));
        Assert.True(Transport.IsGone(await Assert.ThrowsAnyAsync<Exception>(async () => await pair.Client.SendAsync(new byte[10]))));
        Assert.Null(pair.Client.LocalEndPoint);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_peer_that_resets_fails_what_waits(bool polled)
    {
        using var pair = await Pair.CreateAsync(polled);
        var receiving = pair.Server.ReceiveAsync(new byte[10]).AsTask();
        pair.ClientSocket.LingerState = new LingerOption(enable: true, seconds: 0);
        pair.Client.Close();
        Assert.True(Transport.IsGone(await Assert.ThrowsAnyAsync<Exception>(() => receiving)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_server_answers_over_it(bool polled)
    {
        await using var test = new TestServer();
        using var pair = await Pair.CreateAsync(polled);
        test.Server.Accept(pair.Server, "SMALL");
        await using var client = new ClientConnection(pair.Client, new ClientConnectionOptions());
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            var body = Frames.Numbered(i * i * 200, seed: i);
            using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), body));
            Assert.True(response.Bytes.Span[4..].SequenceEqual(body));
        }));
    }

    [Fact]
    public async Task Connections_come_and_go_while_others_are_busy()
    {
        await using var test = new TestServer();
        var port = test.Server.Listen(new ListenerOptions("SMALL", "127.0.0.1", 0) { Backlog = 1000, Sockets = Small }).EndPoint.Port;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            var random = new Random(i);
            for (var life = 0; life < 5; life++)
            {
                var options = new ClientConnectionOptions { Sockets = Small };
                await using var client = await ClientConnection.ConnectAsync("127.0.0.1", port, options);
                await Task.WhenAll(Enumerable.Range(0, random.Next(1, 6)).Select(async _ =>
                {
                    var body = Frames.Numbered(random.Next(random.Next(1, 100_000)));
                    using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), body));
                    Assert.True(response.Bytes.Span[4..].SequenceEqual(body));
                }));
            }
        })));
    }

    [Fact]
    public async Task A_request_that_blocks_its_thread_does_not_hold_up_other_connections()
    {
        await using var test = new TestServer();
        using var blocked = new ManualResetEventSlim();
        test.Handler.Handle = (connection, frame) =>
        {
            if (frame.Length == 9)
                blocked.Wait();
            return new(Frames.Response(frame, []));
        };
        await using var slow = await test.ClientAsync(overTcp: true);
        var waiting = slow.SendAsync(Frames.Request(1, [1])).AsTask();
        await using var quick = await test.ClientAsync(overTcp: true);
        for (var i = 0; i < 100; i++)
            (await quick.SendAsync(Frames.Request(quick.NextCorrelationId(), []))).Dispose();
        Assert.False(waiting.IsCompleted);
        blocked.Set();
        (await waiting).Dispose();
    }

    private sealed record Pair(SocketTransport Client, SocketTransport Server, Socket ClientSocket) : IDisposable
    {
        public static async Task<Pair> CreateAsync(bool polled)
        {
            Assert.SkipUnless(IoThreads.Shared is not null || !polled, "this system has no epoll");
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Small.Apply(listener);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(listener.LocalEndPoint!);
            var server = await listener.AcceptAsync();
            return new Pair(Over(client), Over(server), client);

            SocketTransport Over(Socket socket) =>
                polled ? new PolledSocketTransport(socket, Small, IoThreads.Shared!) : new AwaitedSocketTransport(socket, Small);
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
