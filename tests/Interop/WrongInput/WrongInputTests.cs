using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Milena.Interop.Harness;

namespace Milena.Interop.WrongInput;

/// <summary>
/// Nonsense gets the protocol's error, or a closed connection and one log line; a client beside it goes on undisturbed.
/// </summary>
public class WrongInputTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private const short CorruptMessage = 2;
    private const short UnsupportedVersion = 35;
    private const short InvalidTopic = 17;
    private const short InvalidRecord = 87;
    private const short RecordTooLarge = 10;

    private readonly BrokerProcess broker = fixture.Broker;

    public static TheoryData<string, byte[]> Nonsense
    {
        get
        {
            var random = new byte[4096];
            new Random(1).NextBytes(random);
            random[0] = 0x7f; // as a size: two gigabytes
            return new TheoryData<string, byte[]>
            {
                { "random bytes", random },
                { "an HTTP request", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") },
                { "a TLS hello", Convert.FromHexString("16030100a5010000a10303" + new string('7', 300)) },
                { "a size of 2 GB", [0x7f, 0xff, 0xff, 0xff, 0, 18, 0, 0] },
                { "a size of -1", [0xff, 0xff, 0xff, 0xff] },
                { "a size too small for a header", [0, 0, 0, 3, 1, 2, 3] },
                { "an unknown API", [.. RawConnection.Size(13), .. RawConnection.Request(9999, 0, 1)] },
                { "an unknown version", [.. RawConnection.Size(13), .. RawConnection.Request(3, 999, 1)] },
                { "a body that ends too soon", [.. RawConnection.Size(17), .. RawConnection.Request(3, 0, 1, 0, 0, 0, 9)] },
                { "an array of two billion", [.. RawConnection.Size(17), .. RawConnection.Request(3, 0, 1, 0x7f, 0xff, 0xff, 0xff)] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Nonsense))]
    public async Task Closes_the_connection_with_one_log_line(string what, byte[] bytes)
    {
        Assert.NotEmpty(what);
        using var bystander = await Bystander.Join(broker);
        await using var connection = await RawConnection.Open(broker);
        var before = broker.Log.Count;

        await connection.Send(bytes);

        Assert.True(await connection.IsClosed(), $"{what} did not close the connection");
        await bystander.GoesOn();
        Assert.Single(broker.Log.Skip(before));
    }

    [Fact]
    public async Task A_request_cut_off_by_its_sender_is_forgotten()
    {
        using var bystander = await Bystander.Join(broker);
        await using var connection = await RawConnection.Open(broker);
        await connection.Send((byte[])[.. RawConnection.Size(1000), .. RawConnection.Request(3, 0, 1)]);
        connection.FinishSending();
        Assert.True(await connection.IsClosed());
        await bystander.GoesOn();
    }

    [Fact]
    public async Task ApiVersions_of_the_future_is_answered_with_what_there_is()
    {
        await using var connection = await RawConnection.Open(broker);
        await connection.SendFrame(RawConnection.Request(18, 99, 5));
        var response = await connection.Receive();
        Assert.NotNull(response);
        Assert.Equal(5, BinaryPrimitives.ReadInt32BigEndian(response));
        Assert.Equal(UnsupportedVersion, BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(4)));
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(response.AsSpan(6)) > 0, "it lists no API");
        await connection.SendFrame(RawConnection.Request(18, 0, 6)); // the connection is as good as before
        Assert.Equal(6, BinaryPrimitives.ReadInt32BigEndian(await connection.Receive()));
    }

    public static TheoryData<string, byte[], short[]> WrongBatches => new()
    {
        { "corrupt CRC", Batches.WithCorruptCrc(), [CorruptMessage] },
        { "lying count", Batches.WithLyingCount(), [InvalidRecord, CorruptMessage] },
        { "cut off", Batches.Good()[..^2], [CorruptMessage, InvalidRecord] },
        { "too large", Batches.TooLarge(), [RecordTooLarge] },
    };

    [Theory]
    [MemberData(nameof(WrongBatches))]
    public async Task A_wrong_batch_is_refused_and_the_partition_stays_as_it_was(string what, byte[] batch, short[] errors)
    {
        var topic = $"wrong-{what.Replace(' ', '-')}";
        await broker.CreateTopics(partitions: 1, topic);
        using var bystander = await Bystander.Join(broker);
        await using var connection = await RawConnection.Open(broker);

        await connection.SendFrame(RawConnection.Produce(topic, batch));
        var refused = await connection.Receive();
        Assert.NotNull(refused);
        Assert.Contains(RawConnection.ProduceError(topic, refused), errors);

        await connection.SendFrame(RawConnection.Produce(topic, Batches.Good()));
        Assert.Equal(0, RawConnection.ProduceError(topic, (await connection.Receive())!));
        Assert.Equal(1, broker.CountRecords(topic)[0]);
        await bystander.GoesOn();
    }

    // A compressed batch is stored as it came, unopened, so the bomb is no matter until somebody must look inside. An old
    // client's fetch does: its answer is converted.
    [Fact]
    public async Task A_decompression_bomb_is_cut_off_before_it_is_large()
    {
        const string topic = "bomb";
        await broker.CreateTopics(partitions: 1, topic);
        using var bystander = await Bystander.Join(broker);
        await using var connection = await RawConnection.Open(broker);
        var bomb = Batches.WithBomb(900_000_000);
        Assert.True(bomb.Length < 1_000_000);

        var before = ResidentBytes();
        await connection.SendFrame(RawConnection.Produce(topic, bomb));
        Assert.NotNull(await connection.Receive());
        await connection.SendFrame(RawConnection.Request(1, 2, 8, [
            .. RawConnection.Int32(-1), .. RawConnection.Int32(100), .. RawConnection.Int32(1), .. RawConnection.Int32(1), .. RawConnection.Text(topic),
            .. RawConnection.Int32(1), .. RawConnection.Int32(0), .. new byte[8], .. RawConnection.Int32(1 << 20)]));
        await connection.Receive(); // an error or a closed connection: either is an answer
        await bystander.GoesOn();

        var grown = ResidentBytes() - before;
        // A hundred megabytes are allowed, in a buffer that doubles and leaves its halves in a pool.
        Assert.True(grown < 350_000_000, $"memory grew by {grown / 1_000_000} MB");
    }

    [Theory]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("x", 250)]
    public async Task A_topic_of_an_impossible_name_is_the_protocols_error(string part, int times = 1)
    {
        var topic = string.Concat(Enumerable.Repeat(part, times));
        using var bystander = await Bystander.Join(broker);
        await using var connection = await RawConnection.Open(broker);

        await connection.SendFrame(RawConnection.Request(3, 0, 9, [.. RawConnection.Int32(1), .. RawConnection.Text(topic)]));
        var response = await connection.Receive();

        Assert.NotNull(response);
        // correlation id, one broker (id, host, port), one topic: its error comes first
        var hostLength = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(12));
        Assert.Equal(InvalidTopic, BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(14 + hostLength + 4 + 4)));
        await bystander.GoesOn();
    }

    [Fact]
    public async Task Ten_thousand_connections_that_say_nothing_disturb_nobody()
    {
        using var bystander = await Bystander.Join(broker);
        var before = broker.Log.Count;
        var silent = new List<Socket>();
        try
        {
            for (var i = 0; i < 10_000; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                silent.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, broker.Port);
                if (i % 1000 == 0)
                    await bystander.GoesOn();
            }
            await bystander.GoesOn();
            Assert.Empty(broker.Log.Skip(before));
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }
        await bystander.GoesOn();
    }

    private long ResidentBytes()
    {
        var pages = File.ReadAllText($"/proc/{broker.ProcessId}/statm").Split(' ')[1];
        return long.Parse(pages) * Environment.SystemPageSize;
    }
}
