using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Milena.Broker.Tests.Versions;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.BadInput;

/// <summary>
/// Requests that are none: each is answered in the protocol's words or ends its own connection with one line in the log, costs no
/// memory to speak of, and a client beside goes on.
/// </summary>
[Collection(MemoryCollection.Name)]
public sealed class BadRequestTests : IAsyncLifetime
{
    private const long MegaByte = 1 << 20;
    private TestBroker broker = null!;
    private TestClient good = null!;
    private TestTopic topic = null!;
    private long next;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        good = broker.Connect("good");
        topic = await good.CreateTopic("t");
    }

    public async ValueTask DisposeAsync()
    {
        Assert.DoesNotContain(broker.Log.Lines, line => line.Contains("Exception") && !line.Contains("TransportClosed"));
        await broker.DisposeAsync();
    }

    [Theory]
    [InlineData("an HTTP request")]
    [InlineData("a TLS hello")]
    [InlineData("a length of 2 GB")]
    [InlineData("a length of -1")]
    [InlineData("a length of 0")]
    [InlineData("zeros")]
    [InlineData("random bytes")]
    public async Task What_is_not_the_protocol_ends_the_connection(string kind)
    {
        var bytes = new byte[300];
        new Random(7).NextBytes(bytes);
        bytes = kind switch
        {
            "an HTTP request" => "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(),
            "a TLS hello" => [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3, .. bytes],
            "a length of 2 GB" => [0x7F, 0xFF, 0xFF, 0xFF, .. bytes],
            "a length of -1" => [0xFF, 0xFF, 0xFF, 0xFF, .. bytes],
            "a length of 0" => new byte[4],
            "zeros" => new byte[300],
            _ => bytes,
        };
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, broker.Port);
        await socket.SendAsync(bytes);
        Assert.Equal(0, await Received(socket));
        await GoesOn();
    }

    [Fact]
    public async Task A_request_that_is_cut_at_any_length_ends_the_connection_and_changes_nothing()
    {
        await good.ProduceValues(topic, 0, "first");
        next++;
        foreach (var (sample, version) in new (Sample, short)[]
        {
            (Sample.Of("produce", _ => ClientExtensions.ProduceRequest(topic, 0, Batches.Of("never"))), 3),
            (Sample.Of("produce", _ => ClientExtensions.ProduceRequest(topic, 0, Batches.Of("never"))), 13),
            (Sample.Of("fetch", _ => ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0))), 4),
            (Sample.Of("fetch", _ => ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0))), 18),
            (Sample.Of("metadata", _ => new MetadataRequest { Topics = [new() { Name = "never-made" }] }), 13),
            (
                Sample.Of(
                    "create",
                    _ => new CreateTopicsRequest
                    {
                        Topics =
                        [
                            new()
                            {
                                Name = "never-made",
                                NumPartitions = 1,
                                ReplicationFactor = 1,
                                Configs = [new() { Name = "retention.ms", Value = "1" }],
                            },
                        ],
                    }),
                7),
        })
        {
            var body = sample.Encode(version);
            var header = Header(sample.Key, version);
            for (var length = 0; length < body.Length; length++)
                await EndsOrAnswers((short)sample.Key, version, [.. header, .. body.AsSpan(0, length)]);
        }

        Assert.Equal(["first"], Batches.Values((await good.Fetch(topic, 0, 0)).Records));
        Assert.Equal(["t"], (await good.Send(new MetadataRequest { Topics = null })).Topics.Select(one => one.Name));
        await GoesOn();
    }

    [Fact]
    public async Task A_header_that_is_cut_at_any_length_ends_the_connection()
    {
        byte[] whole = [0, 3, 0, 13, 0, 0, 0, 1, 0, 2, (byte)'a', (byte)'b', 0];
        for (var length = 1; length < whole.Length; length++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, broker.Port);
            var frame = new byte[4 + length];
            BinaryPrimitives.WriteInt32BigEndian(frame, length);
            whole.AsSpan(0, length).CopyTo(frame.AsSpan(4));
            await socket.SendAsync(frame);
            Assert.Equal(0, await Received(socket));
        }

        await GoesOn();
    }

    public static TheoryData<string, int, int, byte[]> LyingCounts => new()
    {
        // Counts that promise more than the frame can hold, in both encodings.
        { "topics of metadata", 3, 0, [0x7F, 0xFF, 0xFF, 0xFF] },
        { "topics of metadata", 3, 12, [0xFF, 0xFF, 0xFF, 0xFF, 7] },
        { "topics of produce", 0, 3, [0xFF, 0xFF, 0, 1, 0, 0, 0, 1, 0x7F, 0xFF, 0xFF, 0xFF] },
        {
            "records of produce",
            0,
            3,
            [0xFF, 0xFF, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, (byte)'t', 0, 0, 0, 1, 0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF]
        },
        { "a negative count", 0, 3, [0xFF, 0xFF, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFE] },
        { "topics of fetch", 1, 12, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xF] },
        { "a string of 2 GB", 10, 3, [0xFF, 0xFF, 0xFF, 0xFF, 7] },
        { "a string of -5", 10, 0, [0xFF, 0xFB] },
        { "tags of the header", 18, 3, [] },
    };

    [Theory]
    [MemberData(nameof(LyingCounts))]
    public async Task Counts_that_lie_end_the_connection_before_anything_is_allocated_for_them(
        string what, int key, int version, byte[] body)
    {
        byte[] frame = what == "tags of the header"
            ? [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 7]
            : [.. Header((ApiKey)key, (short)version), .. body];
        var before = GC.GetTotalAllocatedBytes();
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => broker.Connect().SendRaw((short)key, (short)version, frame));
        Assert.True(GC.GetTotalAllocatedBytes() - before < 4 * MegaByte);
        await GoesOn();
    }

    [Fact]
    public async Task Elements_and_tags_of_a_byte_each_are_not_blown_up_into_much()
    {
        // A megabyte: of topics that are nothing but a tag section, of unknown tags, of empty strings, of nulls.
        var filler = new byte[1 << 20];
        var metadata = Concat(Header(ApiKey.Metadata, 13), Varint(filler.Length + 1), filler);
        var tags = Concat(Header(ApiKey.Metadata, 13), [0], [0, 0], Varint(filler.Length / 2), filler);
        var groups = Concat(Header(ApiKey.DescribeGroups, 5), Varint(filler.Length + 1), Filled(filler.Length, 1), [0, 0]);
        var keys = Concat(Header(ApiKey.FindCoordinator, 4), [0], Varint(filler.Length + 1), Filled(filler.Length, 1), [0]);
        foreach (var (key, version, frame) in new[]
        {
            (ApiKey.Metadata, 13, metadata), (ApiKey.Metadata, 13, tags), (ApiKey.DescribeGroups, 5, groups), (
                ApiKey.FindCoordinator, 4, keys),
        })
        {
            var before = GC.GetTotalAllocatedBytes();
            await EndsOrAnswers((short)key, (short)version, frame);
            var grown = GC.GetTotalAllocatedBytes() - before;
            Assert.True(grown < 100L * frame.Length, $"{key}: {grown} bytes for {frame.Length}");
        }

        await GoesOn();
    }

    [Fact]
    public async Task A_bomb_of_zeros_is_not_decompressed_beyond_its_bound()
    {
        var keyed = await good.CreateTopic("keyed", configs: ("cleanup.policy", "compact")); // the broker must look for keys
        var bomb = Batches.Of(Protocol.Compression.CompressionCodec.Zstd, Enumerable.Repeat(new string('0', 1 << 20), 100).ToArray());
        Assert.True(bomb.Length < MegaByte);
        Assert.Equal(ErrorCode.MessageTooLarge, (await good.Produce(keyed, 0, bomb)).ErrorCode);
        await GoesOn();
    }

    [Fact]
    public async Task Silent_connections_and_half_requests_hold_nobody_up()
    {
        var silent = new List<Socket>();
        for (var i = 0; i < 200; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, broker.Port);
            if (i % 2 == 0)
                await socket.SendAsync(new byte[] { 0, 0, 4, 0, 0 });
            silent.Add(socket);
        }

        await GoesOn();
        silent.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task A_request_that_names_more_than_anybody_needs_ends_the_connection()
    {
        var names = Enumerable.Range(0, 100_001).Select(i => $"{i}").ToArray();
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => broker.Connect().Send(new DescribeGroupsRequest { Groups = names }));
        await Assert.ThrowsAsync<ConnectionBrokenException>(
            () => broker.Connect().Send(new FindCoordinatorRequest { CoordinatorKeys = names }));
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => broker.Connect().Send(
            new MetadataRequest { Topics = [.. names.Select(name => new MetadataRequest.MetadataRequestTopic { Name = name })] }));
        await broker.Log.Line("its request names 100001 things; no more than 100000 are answered at once");
        await GoesOn();
    }

    [Fact]
    public async Task Topics_that_cannot_be_created_are_one_line_in_the_log()
    {
        var response = await good.Send(new MetadataRequest
        {
            Topics = [.. Enumerable.Range(0, 10_001).Select(i => new MetadataRequest.MetadataRequestTopic { Name = $"too-many-{i}" })],
        });
        Assert.All(response.Topics, one => Assert.Equal(ErrorCode.PolicyViolation, one.ErrorCode));
        Assert.Contains("(and 10000 others) cannot be created: PolicyViolation", Assert.Single(broker.Log.Lines));
        await GoesOn();
    }

    [Fact]
    public async Task Fetches_that_wait_hold_none_of_the_memory_of_requests()
    {
        var waiting = new List<Task>();
        for (var i = 0; i < 50; i++)
        {
            var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
            request.MaxWaitMs = int.MaxValue;
            waiting.Add(broker.Connect().Send(request));
        }

        await broker.Parked(topic, 50);
        Assert.Equal(0, broker.Server.QueuedBytes);
        await GoesOn();
        await Task.WhenAll(waiting);
    }

    [Fact]
    public async Task One_line_says_why_a_connection_was_closed()
    {
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => broker.Connect().SendRaw(77, 9, new byte[9]));
        await broker.Log.Line("it asks for API 77, which is not served");
        await Assert.ThrowsAsync<ConnectionBrokenException>(() => broker.Connect().SendRaw(0, 99, new byte[9]));
        await broker.Log.Line("it asks for Produce version 99; versions 0 to 13 are served");
        Assert.Equal(2, broker.Log.Lines.Count);
    }

    private static byte[] Header(ApiKey key, short version) =>
        ApiTable.Get(key).RequestHeaderVersion(version) >= 2 ? [0, 1, (byte)'c', 0] : [0, 1, (byte)'c'];

    private static byte[] Varint(int value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }

    private static byte[] Filled(int length, byte value)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static byte[] Concat(params byte[][] pieces) => [.. pieces.SelectMany(piece => piece)];

    private static async Task<int> Received(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[100]).WaitAsync(TestClient.Patience);
        }
        catch (SocketException)
        {
            return 0; // cut off rather than ended
        }
    }

    private async Task EndsOrAnswers(short key, short version, byte[] headerRestAndBody)
    {
        await using var client = new TestClient(broker.Server.Connect(TestBroker.Listener), null);
        try
        {
            await client.SendRaw(key, version, headerRestAndBody);
        }
        catch (ConnectionBrokenException)
        {
            // That is the other way to answer.
        }
    }

    private async Task GoesOn() => Assert.Equal(next++, await good.ProduceValues(topic, 0, "still here"));
}
