using System.Buffers.Binary;
using System.Text;

namespace Milena.Network.Tests;

/// <summary>Bytes that no Kafka client sends. Each costs its connection, and nobody else anything.</summary>
public class BadInputTests
{
    public static TheoryData<string, string> Nonsense => new()
    {
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it speaks HTTP" },
        { "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003", "it speaks TLS" },
        { "\u00ff\u00ff\u00ff\u00ff", "negative" },
        { "\u007f\u00ff\u00ff\u00ffabcdefgh", "larger than" },
        { "\u0000\u0000\u0000\u0064abc", "in the middle of a request" },
        { "\u0000\u0000", "in the middle of a request" },
    };

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task Nonsense_closes_its_connection_with_one_line_and_a_client_beside_it_goes_on(string text, string expected)
    {
        await using var test = new TestServer();
        await using var good = await test.ClientAsync(overTcp: true);
        (await good.SendAsync(Frames.Request(1, []))).Dispose();
        using (var bad = await test.ConnectAsync(overTcp: true))
        {
            await bad.SendAllAsync(Encoding.Latin1.GetBytes(text));
            bad.EndSend();
            await bad.EndedAsync();
        }

        await test.Handler.Closed(2);
        Assert.Contains(expected, Assert.Single(test.Log.Lines, line => line.Contains("closed")));
        (await good.SendAsync(Frames.Request(2, []))).Dispose();
    }

    [Fact]
    public async Task Many_bad_connections_write_few_lines_and_say_how_many_more_there_were()
    {
        await using var test = new TestServer(new FrameServerOptions { LogLinesPerSecond = 5 });
        for (var i = 1; i <= 50; i++)
        {
            using var bad = await test.ConnectAsync(overTcp: false);
            await bad.SendAllAsync("GET / HTTP/1.1\r\n"u8.ToArray());
            await test.Handler.Closed(i);
        }

        Assert.Equal(5, test.Log.Lines.Count);
        test.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("45 more connections were closed like this (BadInput)", await test.Log.Line("45 more"));
        using var another = await test.ConnectAsync(overTcp: false);
        await another.SendAllAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        await test.Handler.Closed(51);
        Assert.Equal(7, test.Log.Lines.Count);
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_answered()
    {
        await using var test = new TestServer();
        using var client = await test.ConnectAsync(overTcp: true);
        foreach (var one in Frames.Wire(Frames.Request(3, Frames.Numbered(500))))
            await client.SendAllAsync(new[] { one });
        Assert.Equal(3, (await client.ReceiveAllAsync(8 + 500))[7]);
    }

    /// <summary>Good frames, random bytes and cut frames, in random pieces, over many connections at once.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task Random_streams_end_their_connection_at_worst(int seed)
    {
        await using var test = new TestServer(new FrameServerOptions { FrameBytesMax = 1 << 20, QueuedBytesMax = 4 << 20 });
        test.Handler.Handle = async (_, frame) =>
        {
            if (frame.Length < 8)
                throw new Milena.Protocol.MalformedMessageException("a request without a header");
            if (frame.Bytes.Span[^1] % 2 == 0)
                await Task.Yield();
            return Frames.Response(frame, Frames.Body(frame)[..Math.Min(10, frame.Length - 8)]);
        };
        await using var good = await test.ClientAsync(overTcp: true);
        (await good.SendAsync(Frames.Request(good.NextCorrelationId(), [1, 2, 3]))).Dispose(); // it has been accepted, and has number 1
        var bad = Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) =>
        {
            var random = new Random((seed * 1000) + i);
            using var client = await test.ConnectAsync(overTcp: i % 2 == 0);
            var receiving = client.EndedAsync();
            try
            {
                for (var step = random.Next(1, 8); step > 0; step--)
                {
                    var bytes = RandomBytes(random);
                    for (var sent = 0; sent < bytes.Length;)
                    {
                        var piece = random.Next(1, bytes.Length - sent + 1);
                        await client.SendAllAsync(bytes.AsMemory(sent, piece));
                        sent += piece;
                    }
                }

                client.EndSend();
                if (random.Next(2) == 0)
                    client.Close();
            }
            catch (Exception e) when (Transport.IsGone(e))
            {
                // The server has had enough of it.
            }

            await receiving;
        });
        while (!bad.IsCompleted)
            (await good.SendAsync(Frames.Request(good.NextCorrelationId(), [1, 2, 3]))).Dispose();
        await bad;

        // Who had gone before it was accepted has no number; this one is accepted last.
        await using var last = await test.ClientAsync(overTcp: true);
        (await last.SendAsync(Frames.Request(1, [1, 2, 3]))).Dispose();
        for (var id = 2; id < test.Handler.Seen.Last().Id; id++)
            await (await test.Handler.Closed(id)).Ended;
        Assert.Equal(0, test.Server.QueuedBytes);
        Assert.DoesNotContain(test.Log.Lines, line => line.StartsWith("Error"));
    }

    private static byte[] RandomBytes(Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                var noise = new byte[random.Next(1, 600)];
                random.NextBytes(noise);
                return noise;
            case 1:
                var liar = new byte[random.Next(5, 3000)];
                BinaryPrimitives.WriteInt32BigEndian(liar, random.Next(0, 1 << 20));
                return liar;
            default:
                return Frames.Wire(Frames.Request(random.Next(), Frames.Numbered(random.Next(random.Next(1, 100_000)), random.Next())));
        }
    }
}
