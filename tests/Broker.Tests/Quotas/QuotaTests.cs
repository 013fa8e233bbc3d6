using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quotas;

/// <summary>
/// Clients that do more than their quotas allow: they are told, and not listened to for a while; everybody else is. Every test has
/// a broker of its own, whose clock it moves.
/// </summary>
public sealed class QuotaTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private TestClient admin = null!;
    private TestTopic topic = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        admin = broker.Connect("admin");
        topic = await admin.CreateTopic("t");
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task A_producer_above_its_quota_is_told_and_its_next_request_is_handled_when_the_time_is_over()
    {
        await admin.SetQuota("client-id=slow", "producer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        var request = ClientExtensions.ProduceRequest(topic, 0, Batches.OfSize(20_000));
        using var frame = Frames.Request(request, 13, 1, "slow");
        var expected = ((frame.Length - 4) / 10.0 - 1000) / 1000 * 10_000; // rate above the limit, of the limit, times the window

        var first = await slow.Send(request);
        Assert.Equal(expected, first.ThrottleTimeMs, 0.5);
        Assert.Equal(ErrorCode.None, first.Responses[0].PartitionResponses[0].ErrorCode); // what was sent is there
        var second = slow.Send(request);
        await OthersAreServed();
        Assert.False(second.IsCompleted);
        Assert.Equal(1, await EndOffset());

        var rested = broker.NowMs;
        Assert.Equal(1, (await broker.Later(second)).Responses[0].PartitionResponses[0].BaseOffset);
        Assert.InRange(broker.NowMs - rested, first.ThrottleTimeMs, long.MaxValue);
    }

    [Theory]
    [InlineData("client-id=slow")]
    [InlineData("client-id=*")]
    [InlineData("user=ANONYMOUS")]
    [InlineData("user=*")]
    [InlineData("user=* client-id=slow")]
    [InlineData("user=ANONYMOUS client-id=*")]
    public async Task A_quota_is_found_for_the_user_and_the_client_id(string entity)
    {
        await admin.SetQuota(entity, "producer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        var request = ClientExtensions.ProduceRequest(topic, 0, Batches.OfSize(20_000));
        for (short version = 3; version <= 13; version++)
        {
            await using var client = broker.Connect("slow");
            Assert.InRange((await client.Send(request, version)).ThrottleTimeMs, 1, int.MaxValue);
        }
    }

    [Fact]
    public async Task Who_waits_for_the_records_of_a_producer_above_its_quota_gets_them_at_once()
    {
        await admin.SetQuota("client-id=slow", "producer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        await using var consumer = broker.Connect("consumer");
        var fetch = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        fetch.MaxWaitMs = 60_000; // of a clock that stands still
        var fetched = consumer.Send(fetch);
        while (broker.Server.WaitingFetches == 0)
            await Task.Yield();
        Assert.NotEqual(0, (await slow.Send(ClientExtensions.ProduceRequest(topic, 0, Batches.OfSize(20_000)))).ThrottleTimeMs);
        Assert.Equal(20_000, (await fetched.WaitAsync(TimeSpan.FromSeconds(30))).Only().Records.Length);
    }

    [Fact]
    public async Task A_producer_that_wants_no_answers_is_held_up_as_well()
    {
        await admin.SetQuota("client-id=slow", "producer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        await slow.SendOneWay(ClientExtensions.ProduceRequest(topic, 0, Batches.OfSize(20_000), acks: 0));
        var second = slow.Send(new MetadataRequest { Topics = [] });
        while (await EndOffset() != 1)
            await Task.Yield();
        await OthersAreServed();
        Assert.False(second.IsCompleted);
        await broker.Later(second);
    }

    [Fact]
    public async Task A_quota_that_is_taken_away_or_raised_holds_nobody_up_any_more()
    {
        await admin.SetQuota("client-id=slow", "producer_byte_rate", 1000);
        var request = ClientExtensions.ProduceRequest(topic, 0, Batches.OfSize(20_000));
        await using (var slow = broker.Connect("slow"))
            Assert.NotEqual(0, (await slow.Send(request)).ThrottleTimeMs);
        await admin.SetQuota("client-id=slow", "producer_byte_rate", 1_000_000);
        await using (var slow = broker.Connect("slow"))
            Assert.Equal(0, (await slow.Send(request)).ThrottleTimeMs);
        await admin.SetQuota("client-id=slow", "producer_byte_rate", null);
        await using (var slow = broker.Connect("slow"))
            Assert.Equal(0, (await slow.Send(request)).ThrottleTimeMs);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(12, false)]
    [InlineData(13, true)]
    public async Task A_consumer_above_its_quota_gets_nothing_until_the_time_is_over(int version, bool inSession)
    {
        for (var i = 0; i < 3; i++)
            await admin.Produce(topic, 0, Batches.OfSize(8_000));
        await admin.SetQuota("client-id=slow", "consumer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");

        // One answer carries no more than what is within the quota after a rest: 10,000 bytes, a batch and a part.
        var first = await slow.Send(Fetch(0, inSession ? 0 : -1, 0), version);
        Assert.Equal(0, first.ThrottleTimeMs);
        Assert.Equal(10_000, first.Only().Records.Length);
        var second = await slow.Send(Fetch(1, inSession ? 1 : -1, first.SessionId), version);
        Assert.Equal(10_000, second.ThrottleTimeMs); // 2,000 bytes a second where 1,000 are allowed, over ten seconds
        Assert.Empty(second.Responses);
        Assert.Equal(first.SessionId, second.SessionId);

        var third = slow.Send(Fetch(1, inSession ? 2 : -1, first.SessionId), version);
        await OthersAreServed();
        Assert.False(third.IsCompleted);
        broker.Time.Advance(TimeSpan.FromSeconds(11)); // the whole window, so that what came first counts no more
        Assert.Equal(10_000, (await broker.Later(third)).Only().Records.Length);
    }

    [Fact]
    public async Task A_session_that_begins_with_nothing_is_not_told_and_not_kept()
    {
        await admin.Produce(topic, 0, Batches.OfSize(8_000));
        await admin.SetQuota("client-id=slow", "consumer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        await slow.Send(Fetch(0, -1, 0));
        var begun = await slow.Send(Fetch(0, 0, 0));
        Assert.Equal((0, ErrorCode.None), (begun.SessionId, begun.ErrorCode));
        Assert.Empty(begun.Responses);
    }

    [Fact]
    public async Task A_batch_that_is_larger_than_the_quota_ever_allows_comes_through_all_the_same()
    {
        await admin.Produce(topic, 0, Batches.OfSize(100_000));
        await admin.SetQuota("client-id=slow", "consumer_byte_rate", 1000);
        await using var slow = broker.Connect("slow");
        var answer = await slow.Send(Fetch(0, -1, 0));
        Assert.Equal(100_000, answer.Only().Records.Length);
        Assert.Equal(90_000, answer.ThrottleTimeMs);
    }

    [Fact]
    public async Task Whoever_takes_too_much_time_rests_for_a_second_at_most()
    {
        var clock = new BusyClock();
        await using var busy = await TestBroker.StartAsync(null, clock);
        await using var client = busy.Connect("slow");
        await busy.Connect("admin").SetQuota("client-id=slow", "request_percentage", 0.001);
        var answer = await client.Send(new MetadataRequest { Topics = [] });
        Assert.Equal(1000, answer.ThrottleTimeMs);
        var next = client.Send(new MetadataRequest { Topics = [] });
        await using var other = busy.Connect("other");
        Assert.Equal(0, (await other.Send(new MetadataRequest { Topics = [] })).ThrottleTimeMs);
        Assert.False(next.IsCompleted);
        await busy.Later(next);
    }

    [Fact]
    public async Task Quotas_hold_after_a_restart()
    {
        using var directory = new TempDirectory();
        await using (var before = await TestBroker.StartIn(directory))
            await before.Connect("admin").SetQuota("client-id=slow", "producer_byte_rate", 1000);
        await using var after = await TestBroker.StartIn(directory);
        await using var slow = after.Connect("slow");
        var created = await slow.CreateTopic("t");
        Assert.NotEqual(0, (await slow.Send(ClientExtensions.ProduceRequest(created, 0, Batches.OfSize(20_000)))).ThrottleTimeMs);
    }

    private FetchRequest Fetch(long offset, int sessionEpoch, int sessionId)
    {
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, offset));
        (request.SessionEpoch, request.SessionId) = (sessionEpoch, sessionId);
        return request;
    }

    private async Task OthersAreServed()
    {
        await using var other = broker.Connect("other");
        Assert.Equal(0, (await other.Send(new MetadataRequest { Topics = [] })).ThrottleTimeMs);
        Assert.Equal(0, (await admin.Send(new MetadataRequest { Topics = [] })).ThrottleTimeMs);
    }

    private async Task<long> EndOffset() => (await admin.Fetch(topic, 0, 0)).HighWatermark;

    /// <summary>Every look at it takes a millisecond.</summary>
    private sealed class BusyClock() : Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))
    {
        private long looks;

        public override long GetTimestamp() => base.GetTimestamp() + (Interlocked.Increment(ref looks) * TimeSpan.TicksPerMillisecond);
    }
}
