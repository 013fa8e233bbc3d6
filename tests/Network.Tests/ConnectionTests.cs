using System.Collections.Concurrent;
using Milena.Protocol;

namespace Milena.Network.Tests;

/// <summary>Requests and responses of one connection: their order, how many at once, and what a slow or vanished peer does.</summary>
public class ConnectionTests
{
    public static TheoryData<bool> Transports => [false, true];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_request_is_answered(bool overTcp)
    {
        await using var test = new TestServer();
        await using var client = await test.ClientAsync(overTcp);
        using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), [1, 2, 3]));
        Assert.Equal<byte>([1, 2, 3], response.Bytes.Span[4..].ToArray());
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Responses_leave_in_the_order_of_their_requests_whichever_is_ready_first(bool overTcp)
    {
        await using var test = new TestServer();
        var waiting = new ConcurrentDictionary<int, TaskCompletionSource>();
        var allSeen = new TaskCompletionSource();
        test.Handler.Handle = async (_, frame) =>
        {
            var id = Frames.CorrelationId(frame);
            if (id % 3 != 0) // every third is ready at once
            {
                var ready = waiting[id] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                if (waiting.Count == 8)
                    allSeen.SetResult();
                await ready.Task;
            }

            return Frames.Response(frame, Frames.Body(frame));
        };
        using var client = await test.ConnectAsync(overTcp);
        for (var id = 0; id < 12; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [(byte)id])));
        await allSeen.Task;
        foreach (var id in waiting.Keys.OrderDescending())
            waiting[id].SetResult();
        for (var id = 0; id < 12; id++)
            Assert.Equal<byte>([0, 0, 0, 5, 0, 0, 0, (byte)id, (byte)id], await client.ReceiveAllAsync(9));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Only_so_many_requests_are_in_flight_and_the_next_is_read_when_one_is_answered(bool overTcp)
    {
        await using var test = new TestServer(new FrameServerOptions { InFlightMax = 4 });
        var started = new SemaphoreSlim(0);
        var waiting = new ConcurrentQueue<TaskCompletionSource>();
        test.Handler.Handle = async (_, frame) =>
        {
            var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(ready);
            started.Release();
            await ready.Task;
            return Frames.Response(frame, []);
        };
        using var client = await test.ConnectAsync(overTcp);
        for (var id = 0; id < 10; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [])));
        for (var answered = 0; answered < 10; answered++)
        {
            // The one that could not enter yet has been read, and no handler has been called for it.
            var expected = Math.Min(10, answered + 4);
            while (waiting.Count < expected)
                await started.WaitAsync();
            Assert.Equal(expected, waiting.Count);
            waiting.ElementAt(answered).SetResult();
            Assert.Equal(answered, (await client.ReceiveAllAsync(8))[7]);
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Large_requests_in_flight_are_bounded_by_their_bytes(bool overTcp)
    {
        await using var test = new TestServer(new FrameServerOptions { InFlightBytesMax = 250_000 });
        var most = 0;
        var now = 0;
        test.Handler.Handle = async (_, frame) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref now));
            await Task.Yield();
            Interlocked.Decrement(ref now);
            return Frames.Response(frame, []);
        };
        await using var client = await test.ClientAsync(overTcp);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), new byte[100_000]));
        }));
        Assert.InRange(most, 1, 2);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_request_that_wants_no_response_gets_none_and_those_around_it_do(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = async (_, frame) =>
        {
            var id = Frames.CorrelationId(frame);
            if (id % 4 >= 2)
                await Task.Yield();
            return id % 2 == 0 ? null : Frames.Response(frame, []);
        };
        using var client = await test.ConnectAsync(overTcp);
        for (var id = 0; id < 200; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [])));
        for (var id = 1; id < 200; id += 2)
            Assert.Equal(id, (await client.ReceiveAllAsync(8))[7]);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Records_are_read_from_their_source_while_the_response_is_sent(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = (_, frame) => new(Frames.Response(frame, new NumberedSource(3_000_000)));
        await using var client = await test.ClientAsync(overTcp);
        for (var i = 0; i < 3; i++)
        {
            using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), []));
            Assert.True(response.Bytes.Span[4..].SequenceEqual(Frames.Numbered(3_000_000)));
        }
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Records_that_cannot_be_read_close_the_connection(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = (_, frame) => new(Frames.Response(frame, new NumberedSource(3_000_000, failsAt: 1_000_000)));
        await using var client = await test.ClientAsync(overTcp);
        await Assert.ThrowsAsync<ConnectionBrokenException>(async () =>
            await client.SendAsync(Frames.Request(client.NextCorrelationId(), [])));
        var connection = await test.Handler.Closed(1);
        Assert.Equal(CloseReason.Failed, connection.CloseReason);
        Assert.Contains("a response could not be sent", Assert.Single(test.Log.Lines, line => line.StartsWith("Error")));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_handler_that_fails_closes_its_connection_and_no_other(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = async (_, frame) =>
        {
            if (frame.Length == 9)
                throw new InvalidOperationException("at once");
            await Task.Yield();
            return frame.Length == 10 ? throw new InvalidOperationException("later") : Frames.Response(frame, []);
        };
        await using var good = await test.ClientAsync(overTcp);
        using (await good.SendAsync(Frames.Request(good.NextCorrelationId(), [])))
        {
        }

        foreach (var length in new[] { 1, 2 })
        {
            await using var bad = await test.ClientAsync(overTcp);
            await Assert.ThrowsAsync<ConnectionBrokenException>(async () =>
                await bad.SendAsync(Frames.Request(bad.NextCorrelationId(), new byte[length])));
        }

        using (await good.SendAsync(Frames.Request(good.NextCorrelationId(), [])))
        {
        }

        Assert.Equal(2, test.Log.Lines.Count(line => line.StartsWith("Error") && line.Contains("could not be handled")));
    }

    [Fact]
    public async Task A_malformed_request_closes_the_connection_with_one_line_that_says_why()
    {
        await using var test = new TestServer();
        test.Handler.Handle = (_, _) => throw new MalformedMessageException("an array of -7 elements");
        await using var client = await test.ClientAsync(overTcp: true);
        await Assert.ThrowsAsync<ConnectionBrokenException>(async () =>
            await client.SendAsync(Frames.Request(client.NextCorrelationId(), [])));
        var connection = await test.Handler.Closed(1);
        Assert.Equal(CloseReason.BadInput, connection.CloseReason);
        Assert.StartsWith("Warning: Connection 1 from 127.0.0.1", await test.Log.Line("an array of -7 elements"));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_peer_that_leaves_cancels_what_waits_for_it(bool overTcp)
    {
        await using var test = new TestServer();
        var started = new TaskCompletionSource();
        test.Handler.Handle = async (connection, _) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, connection.Closed);
            return null;
        };
        var client = await test.ConnectAsync(overTcp);
        await client.SendAllAsync(Frames.Wire(Frames.Request(1, [])));
        await started.Task;
        client.Close();
        var gone = await test.Handler.Closed(1);
        Assert.Equal(CloseReason.PeerGone, gone.CloseReason);
        Assert.DoesNotContain(test.Log.Lines, line => line.Contains("Connection"));
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_reader_that_is_slow_stops_the_reading_of_its_requests(bool overTcp)
    {
        await using var test = new TestServer(new FrameServerOptions { InFlightMax = 3, IdleMax = TimeSpan.FromMinutes(1) });
        var handled = 0;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Handler.Handle = async (_, frame) =>
        {
            if (Interlocked.Increment(ref handled) == 3)
                started.SetResult();
            await Task.Yield();
            return Frames.Response(frame, new NumberedSource(8_000_000));
        };
        using var client = await test.ConnectAsync(overTcp);
        for (var id = 0; id < 100; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [])));

        await started.Task;

        // Nobody receives: what is in flight cannot be answered, and after a while the connection counts as idle.
        await test.AdvanceUntil(test.Handler.Closed(1), TimeSpan.FromSeconds(1));
        Assert.Equal(CloseReason.Idle, (await test.Handler.Closed(1)).CloseReason);
        Assert.Equal(3, handled);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_slow_reader_gets_everything_in_the_end(bool overTcp)
    {
        await using var test = new TestServer();
        test.Handler.Handle = async (_, frame) =>
        {
            await Task.Yield();
            return Frames.Response(frame, new NumberedSource(1_000_000));
        };
        using var client = await test.ConnectAsync(overTcp);
        for (var id = 0; id < 30; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [])));
        for (var id = 0; id < 30; id++)
        {
            var response = await client.ReceiveAllAsync(1_000_008);
            Assert.Equal(id, response[7]);
            Assert.True(response.AsSpan(8).SequenceEqual(Frames.Numbered(1_000_000)));
        }
    }

    [Fact]
    public async Task Answers_that_are_ready_together_leave_together()
    {
        await using var test = new TestServer();
        var (client, server) = InMemoryTransport.CreatePair();
        var counting = new CountingTransport(server);
        for (var id = 0; id < 100; id++)
            await client.SendAllAsync(Frames.Wire(Frames.Request(id, [])));
        test.Server.Accept(counting, "MEMORY");
        var responses = await client.ReceiveAllAsync(800);
        for (var id = 0; id < 100; id++)
            Assert.Equal(id, responses[(8 * id) + 7]);
        Assert.InRange(counting.Sends, 1, 3);
    }

    [Fact]
    public async Task The_handler_may_keep_its_state_with_the_connection_and_close_it()
    {
        await using var test = new TestServer();
        test.Handler.Handle = (connection, frame) =>
        {
            var count = (int?)connection.State ?? 0;
            connection.State = count + 1;
            if (count == 2)
                connection.Abort("three are enough");
            return new(Frames.Response(frame, [(byte)count]));
        };
        await using var client = await test.ClientAsync(overTcp: true);
        for (var i = 0; i < 2; i++)
        {
            using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), []));
            Assert.Equal(i, response.Bytes.Span[4]);
        }

        await Assert.ThrowsAsync<ConnectionBrokenException>(async () =>
            await client.SendAsync(Frames.Request(client.NextCorrelationId(), [])));
        await test.Log.Line("three are enough");
        Assert.Equal("PLAINTEXT", (await test.Handler.Closed(1)).ListenerName);
    }

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task One_connection_that_always_has_work_does_not_keep_the_others_from_theirs(bool overTcp)
    {
        await using var test = new TestServer();
        using var busy = await test.ConnectAsync(overTcp);
        var stop = false;
        var sending = Task.Run(async () =>
        {
            var wire = Enumerable.Range(0, 200).SelectMany(_ => Frames.Wire(Frames.Request(1, new byte[100]))).ToArray();
            while (!Volatile.Read(ref stop))
                await busy.SendAllAsync(wire);
            busy.EndSend();
        });
        var receiving = Task.Run(() => busy.EndedAsync());
        await using var client = await test.ClientAsync(overTcp);
        for (var i = 0; i < 100; i++)
        {
            using var response = await client.SendAsync(Frames.Request(client.NextCorrelationId(), []));
        }

        Volatile.Write(ref stop, true);
        await Task.WhenAll(sending, receiving);
    }
}
