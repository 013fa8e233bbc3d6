using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Milena.Network.Tests;

/// <summary>Ports, and who may connect to them.</summary>
public class ListenerTests
{
    [Fact]
    public async Task Port_zero_is_any_free_port_and_is_reported()
    {
        await using var test = new TestServer();
        var one = test.Server.Listen(new ListenerOptions("ONE", "127.0.0.1", 0));
        var two = test.Server.Listen(new ListenerOptions("TWO", "", 0));
        Assert.NotEqual(0, one.EndPoint.Port);
        Assert.NotEqual(one.EndPoint.Port, two.EndPoint.Port);
        Assert.Equal(2, test.Log.Lines.Count(line => line.Contains("listens on")));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("localhost", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("", "127.0.0.1")]
    [InlineData("", "::1")]
    [InlineData("::1", "::1")]
    public async Task A_listener_is_reached_at_its_address(string host, string clientAddress)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6 || !clientAddress.Contains(':'), "this machine has no IPv6");
        await using var test = new TestServer();
        var listener = test.Server.Listen(new ListenerOptions("PLAINTEXT", host, 0));
        await using var client = await ClientConnection.ConnectAsync(clientAddress, listener.EndPoint.Port, new ClientConnectionOptions());
        using var response = await client.SendAsync(Frames.Request(1, [5]));
        Assert.Equal(clientAddress, ((IPEndPoint)test.Handler.Seen.Single().RemoteEndPoint!).Address.ToString().Replace("::ffff:", ""));
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_one_line()
    {
        await using var test = new TestServer();
        var port = test.Listener.EndPoint.Port;
        await using var second = new TestServer();
        var error = Assert.Throws<ListenerException>(() => second.Server.Listen(new ListenerOptions("PLAINTEXT", "127.0.0.1", port)));
        Assert.Equal($"cannot listen on PLAINTEXT://127.0.0.1:{port}: the port is in use by another process", error.Message);
    }

    [Fact]
    public async Task A_host_that_is_not_ours_is_told_in_one_line()
    {
        await using var test = new TestServer();
        var error = Assert.Throws<ListenerException>(() => test.Server.Listen(new ListenerOptions("PLAINTEXT", "192.0.2.1", 0)));
        Assert.Equal("cannot listen on PLAINTEXT://192.0.2.1:0: this machine does not have that address", error.Message);
    }

    [Fact]
    public async Task A_port_can_be_opened_again_at_once_after_the_server_has_closed_its_connections()
    {
        var test = new TestServer();
        var port = test.Listener.EndPoint.Port;
        using var client = await test.ConnectAsync(overTcp: true);
        await client.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await client.ReceiveAllAsync(8);
        await test.DisposeAsync(); // the server's side ends first, and keeps the address for a while
        await using var again = new TestServer();
        Assert.Equal(port, again.Server.Listen(new ListenerOptions("PLAINTEXT", "127.0.0.1", port)).EndPoint.Port);
    }

    [Fact]
    public async Task Beyond_max_connections_a_new_one_waits_until_another_ends()
    {
        await using var test = new TestServer(new FrameServerOptions { Connections = new ConnectionLimits { Max = 2 } });
        var clients = new List<ClientConnection>();
        for (var i = 0; i < 2; i++)
        {
            clients.Add(await test.ClientAsync(overTcp: true));
            using var response = await clients[i].SendAsync(Frames.Request(1, []));
        }

        await using var third = await test.ClientAsync(overTcp: true);
        var waiting = third.SendAsync(Frames.Request(1, [])).AsTask();
        await test.Log.Line("max.connections");
        using (await clients[1].SendAsync(Frames.Request(2, [])))
            Assert.False(waiting.IsCompleted);
        await clients[0].DisposeAsync();
        (await waiting).Dispose();
        await clients[1].DisposeAsync();
    }

    [Fact]
    public async Task Raising_max_connections_lets_those_in_who_wait()
    {
        await using var test = new TestServer(new FrameServerOptions { Connections = new ConnectionLimits { Max = 0 } });
        await using var client = await test.ClientAsync(overTcp: true);
        var waiting = client.SendAsync(Frames.Request(1, [])).AsTask();
        await test.Log.Line("max.connections");
        test.Server.Limits = new ConnectionLimits();
        (await waiting).Dispose();
    }

    [Fact]
    public async Task Beyond_max_connections_per_ip_a_new_one_is_closed()
    {
        await using var test = new TestServer(new FrameServerOptions
        {
            Connections = new ConnectionLimits
            {
                MaxPerIp = 0,
                MaxPerIpOverrides = new Dictionary<IPAddress, int> { [IPAddress.Loopback] = 1 },
            },
        });
        var first = await test.ClientAsync(overTcp: true);
        (await first.SendAsync(Frames.Request(1, []))).Dispose();
        using (var second = await test.ConnectAsync(overTcp: true))
            await second.EndedAsync();
        await test.Log.Line("max.connections.per.ip");
        (await first.SendAsync(Frames.Request(2, []))).Dispose();
        await first.DisposeAsync();
        await (await test.Handler.Closed(1)).Ended;
        await using var third = await test.ClientAsync(overTcp: true);
        (await third.SendAsync(Frames.Request(1, []))).Dispose();
    }

    [Fact]
    public void The_creation_rate_lets_a_burst_through_and_then_spreads_the_rest()
    {
        var time = new FakeTimeProvider();
        var ledger = new ConnectionLedger(new ConnectionLimits { CreatedPerSecond = 10 }, time);
        for (var i = 0; i < 10; i++)
            Assert.Equal(TimeSpan.Zero, ledger.TakeTurn());
        Assert.Equal(TimeSpan.FromMilliseconds(100), ledger.TakeTurn());
        Assert.Equal(TimeSpan.FromMilliseconds(200), ledger.TakeTurn());
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 8; i++)
            Assert.Equal(TimeSpan.Zero, ledger.TakeTurn());
        Assert.True(ledger.TakeTurn() > TimeSpan.Zero);
    }

    [Fact]
    public async Task Beyond_the_creation_rate_a_new_one_waits_for_its_turn()
    {
        await using var test = new TestServer(new FrameServerOptions { Connections = new ConnectionLimits { CreatedPerSecond = 1 } });
        await using var first = await test.ClientAsync(overTcp: true);
        (await first.SendAsync(Frames.Request(1, []))).Dispose();
        await using var second = await test.ClientAsync(overTcp: true);
        var waiting = second.SendAsync(Frames.Request(1, [])).AsTask();
        Assert.False(waiting.IsCompleted);
        await test.AdvanceUntil(waiting, TimeSpan.FromMilliseconds(100));
        (await waiting).Dispose();
    }

    [Fact]
    public async Task Accepting_survives_a_lack_of_file_descriptors_and_says_so_once()
    {
        var time = new FakeTimeProvider();
        var log = new LinesLogger();
        var tries = 0;
        var accepted = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var ledger = new ConnectionLedger(new ConnectionLimits(), time);
        var loop = new AcceptLoop("PLAINTEXT", Accept, _ => TimeSpan.Zero, (_, _) => accepted.SetResult(), ledger, time, log, _ => { });
        var running = loop.RunAsync(stop.Token);
        while (!accepted.Task.IsCompleted)
        {
            time.Advance(AcceptLoop.RetryAfter);
            await Task.Yield();
        }

        Assert.InRange(tries, 6, 7);
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains("cannot accept connections just now", log.Lines[0]);
        Assert.Contains("accepts connections again", log.Lines[1]);
        await stop.CancelAsync();
        await running;

        async ValueTask<Transport> Accept(CancellationToken cancellationToken)
        {
            if (++tries <= 5)
                throw new SocketException((int)SocketError.TooManyOpenSockets);
            if (tries > 6)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return InMemoryTransport.CreatePair().Server;
        }
    }

    [Fact]
    public async Task A_server_may_be_made_and_stopped_without_a_listener()
    {
        var server = new FrameServer(new TestHandler(), new FrameServerOptions(), TimeProvider.System, NullLogger<FrameServer>.Instance);
        await server.StopAsync(TimeSpan.Zero);
    }
}
