using System.Buffers.Binary;
using System.Text;

namespace Milena.Network.Tests;

public class FrameReaderTests
{
    private const int MaxBytes = 100 << 20;

    /// <summary>Sizes on both sides of every boundary of the reader: its small buffer, its batch, what is believed.</summary>
    private static readonly int[] Sizes =
        [0, 1, 3, 4, 100, 251, 252, 253, 256, 1000, 4095, 4096, 4097, 16_380, 16_384, 70_000, 1_048_576, 1_400_000, 6_000_000];

    public static TheoryData<int, long> SeedsAndTrust => new MatrixTheoryData<int, long>([1, 2, 3, 4, 5, 6, 7, 8], [0, 1 << 20, 16 << 20]);

    [Theory]
    [MemberData(nameof(SeedsAndTrust))]
    public async Task Frames_arrive_whole_and_in_order_wherever_the_stream_is_cut(int seed, long trustBytes)
    {
        var random = new Random(seed);
        var sizes = Enumerable.Range(0, 60).Select(_ => Sizes[random.Next(Sizes.Length - (random.Next(4) == 0 ? 0 : 4))]).ToArray();
        var budget = new FrameBudget(long.MaxValue, trustBytes);
        var (client, server) = InMemoryTransport.CreatePair(capacityBytes: 1 << random.Next(6, 20));
        var sending = SendAsync();
        var reader = new FrameReader(server, budget, MaxBytes);
        for (var i = 0; i < sizes.Length; i++)
        {
            using var frame = await reader.ReadAsync();
            Assert.NotNull(frame);
            Assert.Equal(sizes[i], frame.Length);
            Assert.True(frame.Bytes.Span.SequenceEqual(Frames.Numbered(sizes[i], seed: i)));
        }

        Assert.Null(await reader.ReadAsync());
        await sending;
        Assert.Equal(0, budget.UsedBytes);

        async Task SendAsync()
        {
            var wire = sizes.SelectMany((size, i) => Frames.Wire(Frames.Of(Frames.Numbered(size, seed: i)))).ToArray();
            for (var sent = 0; sent < wire.Length;)
            {
                var piece = Math.Min(wire.Length - sent, random.Next(1, random.Next(2) == 0 ? 300 : 200_000));
                await client.SendAllAsync(wire.AsMemory(sent, piece));
                sent += piece;
            }

            client.EndSend();
        }
    }

    [Fact]
    public async Task Small_frames_that_came_together_are_read_without_waiting()
    {
        var (client, server) = InMemoryTransport.CreatePair();
        var wire = Enumerable.Range(0, 100).SelectMany(i => Frames.Wire(Frames.Of(Frames.Numbered(90, i)))).ToArray();
        await client.SendAllAsync(wire);
        var counting = new CountingTransport(server);
        var reader = new FrameReader(counting, FrameBudget.Unlimited, MaxBytes);
        for (var i = 0; i < 100; i++)
        {
            using var frame = await reader.ReadAsync();
            Assert.True(frame!.Bytes.Span.SequenceEqual(Frames.Numbered(90, i)));
        }

        Assert.Equal(2, counting.Receives);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", "HTTP")]
    [InlineData("POST /topics HTTP/1.1\r\n", "HTTP")]
    [InlineData("HTTP/1.1 200 OK\r\n", "HTTP")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001", "TLS")]
    [InlineData("\u007f\u007f\u007f\u007f", "2139062143 bytes is larger than the 104857600")]
    public async Task What_is_no_frame_is_recognised(string text, string expected)
    {
        var error = await Refused(Encoding.Latin1.GetBytes(text));
        Assert.Contains(expected, error.Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public async Task A_negative_size_is_refused(int size)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, size);
        Assert.Contains("negative", (await Refused(bytes)).Message);
    }

    [Fact]
    public async Task The_largest_frame_that_is_allowed_is_read_and_one_byte_more_is_refused()
    {
        var (client, server) = InMemoryTransport.CreatePair();
        var reader = new FrameReader(server, FrameBudget.Unlimited, maxFrameBytes: 1000);
        await client.SendAllAsync(Frames.Wire(Frames.Of(new byte[1000])));
        using var frame = await reader.ReadAsync();
        Assert.Equal(1000, frame!.Length);
        await client.SendAllAsync(Frames.Wire(Frames.Of(new byte[1001])));
        await Assert.ThrowsAsync<BadFrameException>(async () => await reader.ReadAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(200)]
    [InlineData(300)]
    [InlineData(70_000)]
    public async Task An_end_inside_a_frame_is_told_from_one_between_frames(int bytes)
    {
        var (client, server) = InMemoryTransport.CreatePair();
        var budget = new FrameBudget(1 << 20);
        var reader = new FrameReader(server, budget, MaxBytes);
        await client.SendAllAsync(Frames.Wire(Frames.Of(new byte[100_000])).AsMemory(0, bytes));
        client.EndSend();
        await Assert.ThrowsAsync<EndOfStreamException>(async () => await reader.ReadAsync());
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public async Task Two_frames_too_large_for_the_budget_are_received_one_after_the_other()
    {
        var budget = new FrameBudget(limitBytes: 3 << 20, trustBytes: 0);
        var payload = Frames.Numbered(2 << 20);
        var reads = Enumerable.Range(0, 4).Select(async _ =>
        {
            var (client, server) = InMemoryTransport.CreatePair();
            var reading = new FrameReader(server, budget, MaxBytes).ReadAsync();
            await client.SendAllAsync(Frames.Wire(Frames.Of(payload)));
            using var frame = await reading;
            Assert.True(frame!.Bytes.Span.SequenceEqual(payload));
        });
        await Task.WhenAll(reads);
        Assert.Equal(0, budget.UsedBytes);
    }

    private static async Task<BadFrameException> Refused(byte[] bytes)
    {
        var (client, server) = InMemoryTransport.CreatePair();
        var reading = new FrameReader(server, FrameBudget.Unlimited, MaxBytes).ReadAsync();
        await client.SendAllAsync(bytes);
        return await Assert.ThrowsAsync<BadFrameException>(async () => await reading);
    }
}

internal sealed class CountingTransport(Transport inner) : Transport
{
    public int Receives { get; private set; }

    public int Sends { get; private set; }

    public override System.Net.EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override System.Net.EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override bool HasData => inner.HasData;

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        Receives++;
        return inner.ReceiveAsync(buffer);
    }

    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        Sends++;
        return inner.SendAsync(bytes);
    }

    public override void EndSend() => inner.EndSend();

    public override void Close() => inner.Close();
}
