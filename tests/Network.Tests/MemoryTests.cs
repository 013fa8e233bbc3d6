using System.Net.Sockets;

namespace Milena.Network.Tests;

/// <summary>What connections and requests cost. Alone, because it counts what the whole process allocates.</summary>
[CollectionDefinition(DisableParallelization = true)]
public class Alone;

/// <inheritdoc cref="Alone"/>
[Collection(typeof(Alone))]
public class MemoryTests
{
    [Fact]
    public async Task A_silent_connection_costs_less_than_four_kilobytes()
    {
        const int Count = 2000;
        await using var test = new TestServer();
        await WarmUpAsync(test);
        test.Server.Limits = new ConnectionLimits { Max = 0 }; // they wait in the backlog, so that only the server's side is counted
        var clients = new Socket[Count];
        for (var i = 0; i < Count; i++)
            clients[i] = await test.SocketAsync();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        test.Server.Limits = new ConnectionLimits();
        while (test.Server.ConnectionCount < Count)
            await Task.Yield();
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        TestContext.Current.TestOutputHelper?.WriteLine($"a silent connection holds {each} bytes");
        Assert.InRange(each, 0, 3500); // and what the runtime keeps beside the heap
        foreach (var client in clients)
            client.Dispose();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(300)]
    public async Task Thousands_that_declare_much_and_send_little_take_little(int sentBytes)
    {
        const int Count = 5000;
        await using var test = new TestServer();
        await WarmUpAsync(test);
        var lie = Frames.Wire(Frames.Of(new byte[sentBytes]));
        lie[0] = 0x06; // 100 MB
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var liars = Enumerable.Range(0, Count).Select(_ => new StallingTransport(lie)).ToArray();
        foreach (var liar in liars)
            test.Server.Accept(liar, "MEMORY");
        foreach (var liar in liars)
            await liar.Stalled;
        await using var good = await test.ClientAsync(overTcp: true);
        (await good.SendAsync(Frames.Request(1, new byte[100_000]))).Dispose();
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.InRange(allocated, 0, 60 << 20); // 16 MB on trust, and a page and the connection itself for each
    }

    /// <summary>
    /// The gate of the hot path: what a request and its response allocate, the client's side included. A debug build makes
    /// objects of what a release build keeps on the stack.
    /// </summary>
    [Theory]
    [InlineData(100)]
    [InlineData(3_000)]
    [InlineData(20_000)]
    [InlineData(1_000_000)]
    public async Task A_request_and_its_response_allocate_a_small_constant(int bodyBytes)
    {
#if DEBUG
        const int Allowed = 2500;
#else
        const int Allowed = 700;
#endif
        await using var test = new TestServer();
        var body = new byte[8 + bodyBytes];
        test.Handler.Handle = (_, frame) => new(Frames.Response(frame, []));
        await using var client = await test.ClientAsync(overTcp: true);
        var least = long.MaxValue;
        for (var round = 0; round < 8; round++) // a pooled buffer that the garbage collector took falls into one of them
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < 50; i++)
                (await client.SendAsync(Frames.Of(body))).Dispose();
            least = Math.Min(least, (GC.GetTotalAllocatedBytes(precise: true) - before) / 50);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"a request of {bodyBytes} bytes allocates {least}");
        Assert.InRange(least, 0, Allowed);
    }

    [Fact]
    public async Task Nothing_stays_rented_when_all_is_answered()
    {
        await using var test = new TestServer();
        await using var client = await test.ClientAsync(overTcp: true);
        await Task.WhenAll(Enumerable.Range(1, 200).Select(async i =>
            (await client.SendAsync(Frames.Request(i, new byte[i * 1000]))).Dispose()));
        Assert.Equal(0, test.Server.QueuedBytes);
    }

    private static async Task WarmUpAsync(TestServer test)
    {
        for (var i = 0; i < 10; i++)
        {
            await using var client = await test.ClientAsync(overTcp: true);
            (await client.SendAsync(Frames.Request(1, new byte[10_000]))).Dispose();
        }
    }

    /// <summary>A peer that sends some bytes and then nothing more.</summary>
    private sealed class StallingTransport(byte[] bytes) : Transport
    {
        private readonly TaskCompletionSource<int> closed = new();
        private readonly TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int sent;

        /// <summary>Completes when everything is received and the receiver waits for more.</summary>
        public Task Stalled => stalled.Task;

        public override System.Net.EndPoint? LocalEndPoint => null;

        public override System.Net.EndPoint? RemoteEndPoint => null;

        public override bool HasData => sent < bytes.Length;

        public override ValueTask<int> ReceiveAsync(Memory<byte> buffer)
        {
            var count = Math.Min(buffer.Length, bytes.Length - sent);
            bytes.AsMemory(sent, count).CopyTo(buffer);
            sent += count;
            if (count > 0)
                return new(count);
            stalled.SetResult();
            return new(closed.Task);
        }

        public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes) => new(bytes.Length);

        public override void EndSend()
        {
        }

        public override void Close() => closed.TrySetException(new TransportClosedException());
    }
}
