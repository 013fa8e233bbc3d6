using System.Buffers.Binary;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests;

/// <summary>
/// What one request allocates between its frame and its answer, counted exactly on the thread that handles it: a small constant,
/// whatever the records. The bounds are what was measured, and a little.
/// </summary>
[Collection(MemoryCollection.Name)]
public sealed class AllocationTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private TestClient client = null!;
    private TestTopic topic = null!;
    private Connection connection = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        client = broker.Connect();
        topic = await client.CreateTopic("t", partitions: 10);
        connection = await TestConnection.Make();
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Theory]
    [InlineData(12, 780)]
    [InlineData(13, 755)]
    public void A_produce_request_of_16_KB(int version, int bound)
    {
        var one = Measure(ClientExtensions.ProduceRequest(topic, 0, BatchOf(1), acks: 1), version);
        var many = Measure(ClientExtensions.ProduceRequest(topic, 0, BatchOf(1000), acks: 1), version);
        Assert.Equal(one, many); // nothing per record
        Assert.InRange(one, 1, bound);
    }

    [Fact]
    public void A_produce_request_of_ten_partitions_costs_less_than_ten()
    {
        var request = ClientExtensions.ProduceRequest(topic, 0, BatchOf(10), acks: 1);
        var one = Measure(request, 13);
        request.TopicData[0].PartitionData =
        [
            .. Enumerable.Range(0, 10).Select(
                index => new ProduceRequest.PartitionProduceData { Index = index, Records = new(BatchOf(10)) }),
        ];
        var ten = Measure(request, 13);
        Assert.InRange((ten - one) / 9, 1, 150);
    }

    [Theory]
    [InlineData(12, 1310)]
    [InlineData(13, 1285)]
    public async Task A_fetch_request_of_16_KB(int version, int bound)
    {
        await client.Produce(topic, 0, BatchOf(1));
        await client.Produce(topic, 1, BatchOf(1000));
        var one = Measure(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0)), version);
        var many = Measure(ClientExtensions.FetchRequest(topic, ClientExtensions.From(1, 0)), version);
        Assert.Equal(one, many);
        Assert.InRange(one, 1, bound);
    }

    [Fact]
    public async Task A_fetch_of_a_session_costs_little_for_each_partition_that_has_nothing_new()
    {
        var request = ClientExtensions.FetchRequest(
            topic, [.. Enumerable.Range(0, 10).Select(partition => ClientExtensions.From(partition, 0))]);
        request.SessionEpoch = 0;
        var session = (await client.Send(request)).SessionId;
        await client.Produce(topic, 3, BatchOf(10));
        var epoch = 1;
        var incremental = new FetchRequest { MaxWaitMs = 0, MinBytes = 1, MaxBytes = 1 << 20, SessionId = session, Topics = [] };
        var allocated = Measure(() =>
        {
            incremental.SessionEpoch = epoch++;
            return incremental;
        }, 13);
        Assert.InRange(allocated, 1, 1800);
    }

    private long Measure<TRequest>(TRequest request, int version)
        where TRequest : IRequest<TRequest> => Measure(() => request, version);

    /// <summary>The least that was allocated for one of a thousand requests: what the runtime does beside them is not theirs.</summary>
    private long Measure<TRequest>(Func<TRequest> make, int version)
        where TRequest : IRequest<TRequest>
    {
        var handler = broker.Server.Handler;
        var least = long.MaxValue;
        for (var i = 0; i < 1000; i++)
        {
            using var frame = FrameOf(Frames.Request(make(), (short)version, i, "c"));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var answering = handler.HandleAsync(connection, frame);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(answering.IsCompletedSuccessfully);
            using var response = answering.Result;
            least = Math.Min(least, allocated);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{typeof(TRequest).Name} v{version}: {least} bytes");
        return least;
    }

    private static InboundFrame FrameOf(OutboundFrame request)
    {
        using (request)
        {
            var bytes = new byte[request.Length];
            request.CopyTo(0, bytes);
            Assert.Equal(bytes.Length - 4, BinaryPrimitives.ReadInt32BigEndian(bytes));
            return InboundFrame.Copy(bytes.AsSpan(4));
        }
    }

    private static byte[] BatchOf(int records) =>
        Batches.Of([.. Enumerable.Range(0, records).Select(_ => new string('x', (16_000 / records) - 8))]);
}
