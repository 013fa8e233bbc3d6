using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Fetching;

/// <summary>Fetches that wait: for bytes, for time, or until there is something else to say. The clock is the test's.</summary>
public sealed class FetchWaitTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private TestClient consumer = null!;
    private TestClient producer = null!;
    private TestTopic topic = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        consumer = broker.Connect();
        producer = broker.Connect();
        topic = await producer.CreateTopic("t", partitions: 2);
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task Nothing_new_is_answered_when_the_time_is_up_and_not_before()
    {
        var waiting = await Parked(Request(maxWaitMs: 500, minBytes: 1));
        broker.Time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(waiting.IsCompleted);
        broker.Time.Advance(TimeSpan.FromMilliseconds(1));
        var answer = (await waiting).Responses[0].Partitions[0];
        Assert.Equal((ErrorCode.None, 0, 0L), (answer.ErrorCode, answer.Records.Length, answer.HighWatermark));
    }

    [Fact]
    public async Task A_record_wakes_it()
    {
        var waiting = await Parked(Request(maxWaitMs: int.MaxValue, minBytes: 1));
        await producer.ProduceValues(topic, 1, "news");
        var answer = await waiting;
        Assert.Equal(["news"], Batches.Values(answer.Responses[0].Partitions[1].Records));
    }

    [Fact]
    public async Task It_waits_for_as_many_bytes_as_it_asks_for_in_all_partitions_together()
    {
        var waiting = await Parked(Request(maxWaitMs: 60_000, minBytes: 2500));
        await producer.Produce(topic, 0, Batches.OfSize(1000));
        await producer.Produce(topic, 1, Batches.OfSize(1000));
        Assert.False(waiting.IsCompleted);
        await producer.Produce(topic, 0, Batches.OfSize(500));
        Assert.Equal([1500, 1000], (await waiting).Responses[0].Partitions.Select(partition => partition.Records.Length));
    }

    [Fact]
    public async Task What_is_there_counts_towards_it_and_is_returned_when_the_time_is_up()
    {
        await producer.Produce(topic, 0, Batches.OfSize(1000));
        var enough = await consumer.Send(Request(maxWaitMs: 60_000, minBytes: 1000));
        Assert.Equal(1000, enough.Responses[0].Partitions[0].Records.Length);

        var waiting = await Parked(Request(maxWaitMs: 60_000, minBytes: 1001));
        broker.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1000, (await waiting).Responses[0].Partitions[0].Records.Length);
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(-1, 100)]
    [InlineData(60_000, 0)]
    [InlineData(60_000, -1)]
    public async Task Who_does_not_want_to_wait_does_not(int maxWaitMs, int minBytes) =>
        Assert.Equal(0, (await consumer.Send(Request(maxWaitMs, minBytes))).Responses[0].Partitions[0].Records.Length);

    [Fact]
    public async Task It_does_not_wait_for_more_than_its_limits_let_it_have()
    {
        await producer.Produce(topic, 0, Batches.OfSize(1000));
        var request = Request(maxWaitMs: 60_000, minBytes: 5000);
        request.MaxBytes = 900;
        Assert.Equal(1000, (await consumer.Send(request)).Responses[0].Partitions[0].Records.Length);
    }

    [Fact]
    public async Task An_error_of_one_partition_is_told_at_once()
    {
        var request = Request(maxWaitMs: 60_000, minBytes: 1);
        request.Topics[0].Partitions[1].FetchOffset = 99;
        Assert.Equal(
            [ErrorCode.None, ErrorCode.OffsetOutOfRange],
            (await consumer.Send(request)).Responses[0].Partitions.Select(one => one.ErrorCode));
        request.Topics[0].Partitions[1].Partition = 7;
        Assert.Equal(
            [ErrorCode.None, ErrorCode.UnknownTopicOrPartition],
            (await consumer.Send(request)).Responses[0].Partitions.Select(one => one.ErrorCode));
    }

    [Fact]
    public async Task The_deletion_of_a_topic_wakes_it_and_says_so()
    {
        var waiting = await Parked(Request(maxWaitMs: int.MaxValue, minBytes: 1));
        await producer.Send(new DeleteTopicsRequest { Topics = [new() { Name = topic.Name }] });
        var answer = await waiting; // of the partition that went first; the other one may follow
        Assert.Contains(answer.Responses[0].Partitions, partition =>
            partition.ErrorCode is ErrorCode.UnknownTopicId or ErrorCode.NotLeaderOrFollower);
    }

    [Fact]
    public async Task A_client_that_goes_takes_its_wait_along()
    {
        var other = broker.Connect();
        var waiting = other.Send(Request(maxWaitMs: int.MaxValue, minBytes: 1));
        await broker.Parked(topic, 1);
        await other.DisposeAsync();
        await Assert.ThrowsAsync<Network.ConnectionBrokenException>(() => waiting);
        await broker.Parked(topic, 0);
    }

    [Fact]
    public async Task A_wait_that_is_over_leaves_nothing_behind()
    {
        for (var i = 0; i < 20; i++)
        {
            var waiting = await Parked(Request(maxWaitMs: 100, minBytes: int.MaxValue, offset: i));
            await producer.ProduceValues(topic, 0, "a");
            await producer.ProduceValues(topic, 1, "a");
            broker.Time.Advance(TimeSpan.FromMilliseconds(100));
            await waiting;
        }

        await broker.Parked(topic, 0);
    }

    [Fact]
    public async Task What_lies_in_an_older_segment_is_returned_at_once_for_a_read_never_crosses_into_the_next()
    {
        var rolling = await producer.CreateTopic("rolling", configs: ("segment.bytes", "1048576"));
        await producer.Produce(rolling, 0, Batches.OfSize(600_000));
        await producer.Produce(rolling, 0, Batches.OfSize(600_000)); // begins the next
        var request = ClientExtensions.FetchRequest(rolling, ClientExtensions.From(0, 0, maxBytes: 10 << 20));
        (request.MaxWaitMs, request.MinBytes) = (60_000, 1_000_000);
        Assert.Equal(600_000, (await consumer.Send(request)).Only().Records.Length);
    }

    [Fact]
    public async Task Requests_behind_a_parked_one_are_answered_after_it()
    {
        var waiting = await Parked(Request(maxWaitMs: 1000, minBytes: 1));
        var behind = consumer.Send(new MetadataRequest { Topics = [] });
        Assert.False(behind.IsCompleted);
        broker.Time.Advance(TimeSpan.FromSeconds(1));
        await waiting;
        await behind;
    }

    private async Task<Task<FetchResponse>> Parked(FetchRequest request)
    {
        var waiting = consumer.Send(request);
        await broker.Parked(topic, 1);
        Assert.False(waiting.IsCompleted);
        return waiting;
    }

    private FetchRequest Request(int maxWaitMs, int minBytes, long offset = 0)
    {
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, offset), ClientExtensions.From(1, offset));
        (request.MaxWaitMs, request.MinBytes) = (maxWaitMs, minBytes);
        return request;
    }
}
