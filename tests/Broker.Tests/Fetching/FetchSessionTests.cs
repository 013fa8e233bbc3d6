using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Fetching;

/// <summary>Fetch sessions through the wire: each row of KIP-227's table, and what an incremental answer names.</summary>
public sealed class FetchSessionTests(SharedBroker shared)
{
    private const int Final = -1;
    private const int Initial = 0;
    private readonly TestClient client = shared.Broker.Connect();

    [Theory]
    [InlineData(7)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(18)]
    public async Task A_session_names_only_what_is_new(int version)
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        await client.ProduceValues(topic, 1, "a");
        var first = await client.Send(Full(topic, 0, Initial, 3), version);
        Assert.NotEqual(0, first.SessionId);
        Assert.Equal([0, 1, 2], Indexes(first));

        var second = await client.Send(Incremental(topic, first.SessionId, 1, ClientExtensions.From(1, 1)), version);
        Assert.Equal((first.SessionId, 0), (second.SessionId, second.Responses.Length));

        await client.ProduceValues(topic, 2, "b");
        var third = await client.Send(Incremental(topic, first.SessionId, 2), version);
        Assert.Equal([2], Indexes(third));
        Assert.Equal(["b"], Batches.Values(third.Only().Records));

        // It was not told to go on there, so the records come again; the others still have nothing to say.
        var fourth = await client.Send(Incremental(topic, first.SessionId, 3), version);
        Assert.Equal(["b"], Batches.Values(fourth.Only().Records));
    }

    [Fact]
    public async Task A_moved_start_is_news_without_records_and_so_is_an_error_and_its_end()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b");
        var session = (await client.Send(Full(topic, 0, Initial, 1, offset: 2))).SessionId;
        await client.Send(
            new DeleteRecordsRequest { Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, Offset = 1 }] }] });
        Assert.Equal(1, (await client.Send(Incremental(topic, session, 1))).Only().LogStartOffset);
        Assert.Empty((await client.Send(Incremental(topic, session, 2))).Responses);

        Assert.Equal(
            ErrorCode.OffsetOutOfRange, (await client.Send(Incremental(topic, session, 3, ClientExtensions.From(0, 9)))).Only().ErrorCode);
        Assert.Equal(ErrorCode.OffsetOutOfRange, (await client.Send(Incremental(topic, session, 4))).Only().ErrorCode);
        Assert.Equal(2, (await client.Send(Incremental(topic, session, 5, ClientExtensions.From(0, 2)))).Only().HighWatermark);
        Assert.Empty((await client.Send(Incremental(topic, session, 6))).Responses);
    }

    [Fact]
    public async Task An_unknown_session_and_a_wrong_epoch_are_refused_and_the_session_lives_on()
    {
        var topic = await shared.NewTopic(client);
        var session = (await client.Send(Full(topic, 0, Initial, 1))).SessionId;
        var unknown = await client.Send(Incremental(topic, session ^ 1, 1));
        Assert.Equal((ErrorCode.FetchSessionIdNotFound, 0, 0), (unknown.ErrorCode, unknown.SessionId, unknown.Responses.Length));
        foreach (var epoch in new[] { 2, 5, int.MaxValue, -2 })
            Assert.Equal(ErrorCode.InvalidFetchSessionEpoch, (await client.Send(Incremental(topic, session, epoch))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Incremental(topic, session, 1))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidFetchSessionEpoch, (await client.Send(Incremental(topic, session, 1))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Incremental(topic, session, 2))).ErrorCode);
    }

    [Theory]
    [InlineData(12, 13)]
    [InlineData(13, 12)]
    public async Task A_session_does_not_change_between_names_and_ids(int first, int second)
    {
        var topic = await shared.NewTopic(client);
        var session = (await client.Send(Full(topic, 0, Initial, 1), first)).SessionId;
        Assert.Equal(ErrorCode.FetchSessionTopicIdError, (await client.Send(Incremental(topic, session, 1), second)).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Incremental(topic, session, 1), first)).ErrorCode);
    }

    [Fact]
    public async Task The_final_epoch_closes_the_session_and_opens_none()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var session = (await client.Send(Full(topic, 0, Initial, 2))).SessionId;
        var final = await client.Send(Full(topic, session, Final, 2));
        Assert.Equal((ErrorCode.None, 0), (final.ErrorCode, final.SessionId));
        Assert.Equal([0, 1], Indexes(final));
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, (await client.Send(Incremental(topic, session, 1))).ErrorCode);
        Assert.Equal(0, (await client.Send(Full(topic, 0, Final, 2))).SessionId);
    }

    [Fact]
    public async Task The_initial_epoch_closes_the_session_and_opens_another()
    {
        var topic = await shared.NewTopic(client);
        var session = (await client.Send(Full(topic, 0, Initial, 1))).SessionId;
        var next = (await client.Send(Full(topic, session, Initial, 1))).SessionId;
        Assert.NotEqual(session, next);
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, (await client.Send(Incremental(topic, session, 1))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Incremental(topic, next, 1))).ErrorCode);
    }

    [Theory]
    [InlineData(12)]
    [InlineData(18)]
    public async Task Partitions_are_added_and_forgotten_and_without_any_the_session_ends(int version)
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        for (var partition = 0; partition < 3; partition++)
            await client.ProduceValues(topic, partition, "a");
        var session = (await client.Send(Full(topic, 0, Initial, 1), version)).SessionId;
        var added = await client.Send(Incremental(topic, session, 1, ClientExtensions.From(2, 0)), version);
        Assert.Equal([0, 2], Indexes(added).Order());
        var fewer = await client.Send(Forgetting(topic, session, 2, 0), version);
        Assert.Equal([2], Indexes(fewer));
        var last = await client.Send(Forgetting(topic, session, 3, 2), version);
        Assert.Equal((ErrorCode.None, 0, 0), (last.ErrorCode, last.SessionId, last.Responses.Length));
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, (await client.Send(Incremental(topic, session, 4), version)).ErrorCode);
    }

    [Fact]
    public async Task What_got_records_is_read_last_the_next_time_so_that_nothing_starves()
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        for (var partition = 0; partition < 3; partition++)
        {
            for (var i = 0; i < 4; i++)
                await client.Produce(topic, partition, Batches.OfSize(1000));
        }

        var request = Full(topic, 0, Initial, 3);
        request.MaxBytes = 1000;
        var session = (await client.Send(request)).SessionId;
        var got = new List<int>();
        for (var epoch = 1; epoch <= 6; epoch++)
        {
            var next = Incremental(topic, session, epoch);
            next.MaxBytes = 1000;
            got.Add(Assert.Single(Indexes(await client.Send(next))));
        }

        Assert.Equal([1, 2, 0, 1, 2, 0], got);
    }

    [Fact]
    public async Task A_topic_id_that_nobody_knows_stays_in_the_session_and_is_told_each_time()
    {
        var session = (await client.Send(Full(TestTopic.Unknown, 0, Initial, 1))).SessionId;
        Assert.NotEqual(0, session);
        for (var epoch = 1; epoch <= 2; epoch++)
            Assert.Equal(ErrorCode.UnknownTopicId, (await client.Send(Incremental(TestTopic.Unknown, session, epoch))).Only().ErrorCode);
    }

    [Fact]
    public async Task A_topic_that_is_deleted_and_made_anew_is_another_one()
    {
        var topic = await shared.NewTopic(client);
        var session = (await client.Send(Full(topic, 0, Initial, 1))).SessionId;
        await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = topic.Name }] });
        await client.CreateTopic(topic.Name);
        Assert.Equal(ErrorCode.UnknownTopicId, (await client.Send(Incremental(topic, session, 1))).Only().ErrorCode);
    }

    [Fact]
    public async Task A_session_that_grows_beyond_its_bound_is_answered_once_more_and_forgotten()
    {
        var topic = await shared.NewTopic(client);
        var session = (await client.Send(Full(topic, 0, Initial, 1))).SessionId;
        var more = Enumerable.Range(0, 100_001).Select(partition => ClientExtensions.From(partition, 0)).ToArray();
        Assert.Equal(ErrorCode.None, (await client.Send(Incremental(topic, session, 1, more))).ErrorCode);
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, (await client.Send(Incremental(topic, session, 2))).ErrorCode);
    }

    [Fact]
    public async Task A_fetch_of_nothing_opens_no_session()
    {
        var topic = await shared.NewTopic(client);
        Assert.Equal(0, (await client.Send(Full(topic, 0, Initial, 0))).SessionId);
    }

    [Fact]
    public async Task Where_there_is_no_slot_the_fetch_is_answered_without_a_session()
    {
        await using var broker = await TestBroker.StartAsync(("max.incremental.fetch.session.cache.slots", "1"));
        await using var one = broker.Connect();
        var topic = await one.CreateTopic("t");
        var session = (await one.Send(Full(topic, 0, Initial, 1))).SessionId;
        Assert.Equal(
            (ErrorCode.None, 0),
            (await one.Send(Full(topic, 0, Initial, 1)) is var without ? (without.ErrorCode, without.SessionId) : default));

        broker.Time.Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromMilliseconds(1)); // idle for too long
        Assert.NotEqual(0, (await one.Send(Full(topic, 0, Initial, 1))).SessionId);
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, (await one.Send(Incremental(topic, session, 1))).ErrorCode);
    }

    private static int[] Indexes(FetchResponse response) =>
        [.. response.Responses.SelectMany(topic => topic.Partitions).Select(partition => partition.PartitionIndex)];

    private static FetchRequest Full(TestTopic topic, int session, int epoch, int partitions, long offset = 0)
    {
        var request = ClientExtensions.FetchRequest(
            topic, [.. Enumerable.Range(0, partitions).Select(partition => ClientExtensions.From(partition, offset))]);
        (request.SessionId, request.SessionEpoch) = (session, epoch);
        return request;
    }

    private static FetchRequest Incremental(TestTopic topic, int session, int epoch, params FetchRequest.FetchPartition[] changed)
    {
        var request = ClientExtensions.FetchRequest(topic, changed);
        if (changed.Length == 0)
            request.Topics = [];
        (request.SessionId, request.SessionEpoch) = (session, epoch);
        return request;
    }

    private static FetchRequest Forgetting(TestTopic topic, int session, int epoch, int partition)
    {
        var request = Incremental(topic, session, epoch);
        request.ForgottenTopicsData = [new() { Topic = topic.Name, TopicId = topic.Id, Partitions = [partition] }];
        return request;
    }
}
