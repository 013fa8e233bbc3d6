namespace Milena.Network.Tests;

/// <summary>How connections and servers end when nobody has done anything wrong.</summary>
public class LifetimeTests
{
    public static TheoryData<bool> Transports => [false, true];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_connection_on_which_nothing_moves_is_closed_and_an_active_one_stays(bool overTcp)
    {
        await using var test = new TestServer(new FrameServerOptions { IdleMax = TimeSpan.FromMinutes(10) });
        await using var active = await test.ClientAsync(overTcp);
        (await active.SendAsync(Frames.Request(active.NextCorrelationId(), []))).Dispose();
        using var silent = await test.ConnectAsync(overTcp);
        await silent.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await silent.ReceiveAllAsync(8);
        while (!test.Handler.Closed(2).IsCompleted)
        {
            (await active.SendAsync(Frames.Request(active.NextCorrelationId(), []))).Dispose();
            test.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(CloseReason.Idle, (await test.Handler.Closed(2)).CloseReason);
        await silent.EndedAsync();
        (await active.SendAsync(Frames.Request(active.NextCorrelationId(), []))).Dispose();
        Assert.Contains("connections.max.idle.ms", Assert.Single(test.Log.Lines, line => line.Contains("closed")));
    }

    [Fact]
    public async Task A_request_that_takes_long_is_not_idle()
    {
        await using var test = new TestServer(new FrameServerOptions { IdleMax = TimeSpan.FromMinutes(10) });
        var started = new TaskCompletionSource();
        var ready = new TaskCompletionSource();
        test.Handler.Handle = async (_, frame) =>
        {
            started.SetResult();
            await ready.Task;
            return Frames.Response(frame, []);
        };
        await using var client = await test.ClientAsync(overTcp: true);
        var waiting = client.SendAsync(Frames.Request(1, []));
        await started.Task;
        for (var minute = 0; minute < 30; minute++)
            test.Time.Advance(TimeSpan.FromMinutes(1));
        ready.SetResult();
        (await waiting).Dispose();
    }

    [Fact]
    public async Task A_frame_that_stands_still_gives_way_when_others_wait_for_its_memory()
    {
        await using var test = new TestServer(new FrameServerOptions { QueuedBytesMax = 1 << 20, StallMax = TimeSpan.FromSeconds(10) });
        var body = new byte[1 << 20];
        using var half = await test.ConnectAsync(overTcp: false);
        await half.SendAllAsync(Frames.Wire(Frames.Request(1, body)).AsMemory(0, 500_000));
        await using var one = await test.ClientAsync(overTcp: false);
        await using var two = await test.ClientAsync(overTcp: false);
        var waiting = Task.WhenAll(
            one.SendAsync(Frames.Request(1, body)).AsTask(), two.SendAsync(Frames.Request(1, body)).AsTask());
        while (!test.Server.Budget.IsShort)
            await Task.Yield();
        for (var second = 0; second < 11; second++)
            test.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var response in await waiting)
            response.Dispose();
        Assert.Equal(CloseReason.Stalled, (await test.Handler.Closed(1)).CloseReason);
        Assert.Contains(test.Log.Lines, line => line.Contains("stood still half way"));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Stopping_answers_what_is_in_flight_and_reads_no_more(bool overTcp)
    {
        var test = new TestServer();
        var started = new TaskCompletionSource();
        var ready = new TaskCompletionSource();
        var handled = 0;
        test.Handler.Handle = async (_, frame) =>
        {
            if (Interlocked.Increment(ref handled) == 2)
                started.SetResult();
            await ready.Task;
            return Frames.Response(frame, Frames.Body(frame));
        };
        using var client = await test.ConnectAsync(overTcp);
        using var idle = await test.ConnectAsync(overTcp);
        await client.SendAllAsync(Frames.Wire(Frames.Request(1, [1])));
        await client.SendAllAsync(Frames.Wire(Frames.Request(2, [2])));
        await started.Task;
        var stopping = test.Server.StopAsync(TimeSpan.FromSeconds(30));
        await idle.EndedAsync(); // told at once, because nothing of it is in flight
        await client.SendAllAsync(Frames.Wire(Frames.Request(3, [3]))); // too late
        ready.SetResult();
        var received = await client.ReceiveAllAsync(1000);
        Assert.Equal<byte>([0, 0, 0, 5, 0, 0, 0, 1, 1, 0, 0, 0, 5, 0, 0, 0, 2, 2], received);
        client.Close();
        idle.Close();
        await stopping;
        Assert.Equal(2, handled);
        Assert.Equal(0, test.Server.ConnectionCount);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Stopping_cuts_off_what_is_not_answered_in_time(bool overTcp)
    {
        var test = new TestServer();
        var started = new TaskCompletionSource();
        test.Handler.Handle = async (connection, _) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, connection.Closed);
            return null;
        };
        await using var client = await test.ClientAsync(overTcp);
        var waiting = client.SendAsync(Frames.Request(1, [])).AsTask();
        await started.Task;
        await test.AdvanceUntil(test.Server.StopAsync(TimeSpan.FromSeconds(5)), TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => waiting);
        Assert.Contains(test.Log.Lines, line => line.Contains("cut off"));
    }

    [Fact]
    public async Task Stopping_does_not_wait_long_for_a_peer_that_keeps_its_side_open()
    {
        var test = new TestServer();
        using var client = await test.ConnectAsync(overTcp: true);
        await client.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await client.ReceiveAllAsync(8);
        await test.AdvanceUntil(test.Server.StopAsync(Timeout.InfiniteTimeSpan), TimeSpan.FromMilliseconds(100));
        await test.DisposeAsync(); // twice is once
    }

    [Fact]
    public async Task After_stopping_nothing_is_accepted()
    {
        var test = new TestServer();
        var port = test.Listener.EndPoint.Port;
        await test.DisposeAsync();
        await Assert.ThrowsAsync<ConnectionBrokenException>(() =>
            ClientConnection.ConnectAsync("127.0.0.1", port, new ClientConnectionOptions()));
        using var late = test.Server.Connect("MEMORY");
        await late.EndedAsync();
    }
}
