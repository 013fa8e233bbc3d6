using Milena.Protocol;

namespace Milena.Network.Tests;

/// <summary>A connection that is muted: nothing is read from it for a while, and nobody else notices.</summary>
public class MutingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<bool> Transports => [false, true];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task The_next_request_is_handled_when_the_time_is_over_and_those_of_others_at_once(bool overTcp)
    {
        await using var test = new TestServer();
        var handled = Muting(test, Second);
        using var muted = await test.ConnectAsync(overTcp);
        // All three in one piece: what has been received already waits as well.
        byte[] requests = [.. Frames.Wire(Frames.Request(0, [1])), .. Frames.Wire(Frames.Request(1, [])), .. Frames.Wire(Frames.Request(2, []))];
        await muted.SendAllAsync(requests);
        Assert.Equal(0, (await muted.ReceiveAllAsync(9))[7]); // answered at once
        await RoundTrip(test, overTcp);
        Assert.Equal([0], handled);

        test.Time.Advance(Second - TimeSpan.FromTicks(1));
        await RoundTrip(test, overTcp);
        Assert.Equal([0], handled);

        var answers = muted.ReceiveAllAsync(16);
        await WhileTimePasses(test, answers, overTcp);
        Assert.Equal([0, 1, 2], handled);
    }

    [Fact]
    public async Task Of_two_times_the_longer_counts()
    {
        await using var test = new TestServer();
        test.Handler.Handle = (connection, frame) =>
        {
            connection.Mute(3 * Second);
            connection.Mute(Second);
            connection.Mute(TimeSpan.Zero);
            return new(Frames.Response(frame, []));
        };
        using var muted = await test.ConnectAsync(overTcp: false);
        await muted.SendAllAsync(Frames.Wire(Frames.Request(0, [])));
        await muted.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await muted.ReceiveAllAsync(8);
        var second = muted.ReceiveAllAsync(8);
        var start = test.Time.GetUtcNow();
        await WhileTimePasses(test, second, overTcp: false);
        Assert.InRange(test.Time.GetUtcNow() - start, 3 * Second, 30 * Second);
    }

    [Fact]
    public async Task An_answer_that_comes_later_mutes_what_has_been_read_meanwhile()
    {
        await using var test = new TestServer();
        var isHandled = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        test.Handler.Handle = async (connection, frame) =>
        {
            if (Frames.CorrelationId(frame) == 0)
            {
                await answer.Task;
                connection.Mute(Second);
            }
            else if (Frames.CorrelationId(frame) == 1)
            {
                isHandled.SetResult();
            }

            return Frames.Response(frame, []);
        };
        using var muted = await test.ConnectAsync(overTcp: false);
        await muted.SendAllAsync(Frames.Wire(Frames.Request(0, [])));
        await RoundTrip(test, overTcp: false);
        answer.SetResult(); // its loop waits for the next request, not for this
        await muted.ReceiveAllAsync(8);
        await muted.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await RoundTrip(test, overTcp: false);
        Assert.False(isHandled.Task.IsCompleted);
        await WhileTimePasses(test, muted.ReceiveAllAsync(8), overTcp: false);
        Assert.True(isHandled.Task.IsCompleted);
    }

    [Fact]
    public async Task Large_requests_that_wait_so_give_way_when_others_want_their_memory()
    {
        await using var test = new TestServer(new FrameServerOptions { QueuedBytesMax = 100_000, StallMax = TimeSpan.FromSeconds(10) });
        var muted = new Transport[2]; // one within the limit, and one that may overdraw
        for (var i = 0; i < muted.Length; i++)
        {
            muted[i] = await test.ConnectAsync(overTcp: false);
            await muted[i].SendAllAsync(Frames.Wire(Frames.Request(0, [])));
            await muted[i].ReceiveAllAsync(8);
            test.Handler.Seen.Last().Mute(TimeSpan.FromHours(1)); // its loop is reading already
            await muted[i].SendAllAsync(Frames.Wire(Frames.Request(1, new byte[90_000])));
            while (test.Server.QueuedBytes < 90_000 * (i + 1))
                await Task.Yield();
        }

        using var other = await test.ConnectAsync(overTcp: false);
        var sending = other.SendAllAsync(Frames.Wire(Frames.Request(2, new byte[90_000])));
        while (!test.Server.Budget.IsShort)
            await Task.Yield();
        for (var second = 0; second < 12; second++)
            test.Time.Advance(Second);
        await other.ReceiveAllAsync(8);
        await sending;
        Assert.Equal(CloseReason.Stalled, (await test.Handler.Closed(1)).CloseReason);
        Assert.Equal(CloseReason.Stalled, (await test.Handler.Closed(2)).CloseReason);
        Array.ForEach(muted, transport => transport.Dispose());
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_it()
    {
        var test = new TestServer();
        Muting(test, TimeSpan.FromHours(1));
        await using var client = await test.ClientAsync(overTcp: false);
        using var _ = await client.SendAsync(Frames.Request(client.NextCorrelationId(), [1]));
        var stopped = test.Server.StopAsync(TimeSpan.FromSeconds(10));
        await client.DisposeAsync();
        await stopped; // the clock stands still
    }

    [Fact]
    public async Task Closing_does_not_wait_for_it()
    {
        await using var test = new TestServer();
        Muting(test, TimeSpan.FromHours(1));
        await using var client = await test.ClientAsync(overTcp: false);
        using var _ = await client.SendAsync(Frames.Request(client.NextCorrelationId(), [1]));
        test.Handler.Seen.First().Abort("the test wants it");
        await test.Handler.Closed(1);
    }

    /// <summary>A handler that mutes the connections of requests with a body. Returns what it has handled of the first connection.</summary>
    private static List<int> Muting(TestServer test, TimeSpan time)
    {
        var handled = new List<int>();
        test.Handler.Handle = (connection, frame) =>
        {
            if (connection.Id == 1)
                handled.Add(Frames.CorrelationId(frame));
            if (Frames.Body(frame).Length > 0)
                connection.Mute(time);
            return new(Frames.Response(frame, Frames.Body(frame)));
        };
        return handled;
    }

    /// <summary>Another client gets an answer; by then the server has done what it could do.</summary>
    /// <summary>Moves the clock on in small steps, each with time for the server, whose timers may be set a moment late.</summary>
    private static async Task WhileTimePasses(TestServer test, Task task, bool overTcp)
    {
        while (!task.IsCompleted)
        {
            test.Time.Advance(TimeSpan.FromMilliseconds(100));
            await RoundTrip(test, overTcp);
        }

        await task;
    }

    private static async Task RoundTrip(TestServer test, bool overTcp)
    {
        await using var client = await test.ClientAsync(overTcp);
        using var _ = await client.SendAsync(Frames.Request(1000, []));
    }
}
