using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Apis;

/// <summary>Fetch without waiting: what is read, within which limits, and what is refused.</summary>
public sealed class FetchTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task It_begins_with_the_batch_that_holds_the_offset()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b");
        await client.ProduceValues(topic, 0, "c", "d");
        Assert.Equal(["a", "b", "c", "d"], Batches.Values((await client.Fetch(topic, 0, 0)).Records));
        Assert.Equal(["a", "b", "c", "d"], Batches.Values((await client.Fetch(topic, 0, 1)).Records));
        Assert.Equal(["c", "d"], Batches.Values((await client.Fetch(topic, 0, 2)).Records));
        var end = await client.Fetch(topic, 0, 4);
        Assert.Equal(
            (ErrorCode.None, 4L, 4L, 0L, 0),
            (end.ErrorCode, end.HighWatermark, end.LastStableOffset, end.LogStartOffset, end.Records.Length));
        Assert.Equal((null, -1), (end.AbortedTransactions, end.PreferredReadReplica));
    }

    [Fact]
    public async Task An_offset_outside_the_log_is_out_of_range()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b", "c");
        await client.Send(
            new DeleteRecordsRequest { Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, Offset = 1 }] }] });
        foreach (var offset in new[] { 0, 4, -1, long.MaxValue })
        {
            var refused = await client.Fetch(topic, 0, offset);
            Assert.Equal(
                (ErrorCode.OffsetOutOfRange, -1L, -1L, -1L),
                (refused.ErrorCode, refused.HighWatermark, refused.LastStableOffset, refused.LogStartOffset));
        }

        Assert.Equal((ErrorCode.None, 1L), ((await client.Fetch(topic, 0, 1)).ErrorCode, (await client.Fetch(topic, 0, 1)).LogStartOffset));
    }

    [Fact]
    public async Task What_is_not_there_is_unknown_by_the_name_it_was_given()
    {
        var topic = await shared.NewTopic(client);
        for (var version = 0; version <= 18; version++)
        {
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await client.Fetch(topic, 1, 0, version)).ErrorCode);
            Assert.Equal(
                version >= 13 ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition,
                (await client.Fetch(TestTopic.Unknown, 0, 0, version)).ErrorCode);
        }
    }

    [Fact]
    public async Task A_partitions_records_are_cut_at_its_limit_and_the_rest_comes_with_the_next_fetch()
    {
        var topic = await shared.NewTopic(client);
        for (var i = 0; i < 10; i++)
            await client.Produce(topic, 0, Batches.OfSize(1000));
        var read = (await client.Send(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0, maxBytes: 3500)))).Only();
        Assert.Equal(3500, read.Records.Length); // three batches and a half
        Assert.Equal(3, Batches.Read(read.Records).Count);
    }

    [Fact]
    public async Task The_first_batch_is_returned_whole_whatever_the_limits_and_then_no_more()
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        for (var partition = 0; partition < 3; partition++)
            await client.Produce(topic, partition, Batches.OfSize(1000));
        foreach (var (partitionMax, max) in new[] { (10, 1 << 20), (1 << 20, 10), (0, 0), (-5, -5) })
        {
            var request = ClientExtensions.FetchRequest(
                topic, ClientExtensions.From(0, 1, partitionMax), ClientExtensions.From(1, 0, partitionMax), ClientExtensions.From(
                    2, 0, partitionMax));
            request.MaxBytes = max;
            var partitions = (await client.Send(request)).Responses[0].Partitions;
            Assert.Equal([0, 1000, 0], partitions.Select(partition => partition.Records.Length));
            Assert.All(partitions, partition => Assert.Equal(ErrorCode.None, partition.ErrorCode));
        }
    }

    [Fact]
    public async Task The_limit_of_the_whole_response_is_used_up_partition_by_partition()
    {
        var topic = await shared.NewTopic(client, partitions: 4);
        for (var partition = 0; partition < 4; partition++)
        {
            await client.Produce(topic, partition, Batches.OfSize(1000));
            await client.Produce(topic, partition, Batches.OfSize(1000));
        }

        var request = ClientExtensions.FetchRequest(
            topic, [.. Enumerable.Range(0, 4).Select(partition => ClientExtensions.From(partition, 0))]);
        request.MaxBytes = 5500;
        var partitions = (await client.Send(request)).Responses[0].Partitions;
        Assert.Equal([2000, 2000, 1500, 0], partitions.Select(partition => partition.Records.Length));
    }

    [Fact]
    public async Task The_brokers_own_limit_holds_too()
    {
        await using var broker = await TestBroker.StartAsync(("fetch.max.bytes", "1500"));
        await using var one = broker.Connect();
        var topic = await one.CreateTopic("t");
        for (var i = 0; i < 3; i++)
            await one.Produce(topic, 0, Batches.OfSize(1000));
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        (request.MinBytes, request.MaxWaitMs) = (1 << 20, 60_000); // more than can ever come, so it is not waited for
        Assert.Equal(1500, (await one.Send(request)).Only().Records.Length);
    }

    [Fact]
    public async Task A_partition_that_is_named_twice_is_answered_twice()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b");
        var response = await client.Send(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0), ClientExtensions.From(0, 2)));
        Assert.Equal([2, 0], response.Responses[0].Partitions.Select(partition => Batches.Read(partition.Records).Count));
    }

    [Fact]
    public async Task Who_reads_only_what_is_committed_gets_a_list_of_aborted_transactions_even_if_there_are_none()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a");
        for (var version = 4; version <= 18; version++)
        {
            var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
            request.IsolationLevel = 1;
            var read = (await client.Send(request, version)).Only();
            Assert.Equal((ErrorCode.None, 1L), (read.ErrorCode, read.LastStableOffset));
            Assert.Empty(read.AbortedTransactions!);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(14)]
    [InlineData(18)]
    public async Task A_client_that_poses_as_a_replica_is_refused_and_moves_nothing(int version)
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b", "c");
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 2));
        if (version < 15)
            request.ReplicaId = 1;
        else
            request.ReplicaState = new() { ReplicaId = 1, ReplicaEpoch = 5 };
        var response = await client.Send(request, version);
        if (version >= 7)
            Assert.Equal((ErrorCode.ClusterAuthorizationFailed, 0), (response.ErrorCode, response.Responses.Length));
        else
            Assert.Equal((ErrorCode.ClusterAuthorizationFailed, 0), (response.Only().ErrorCode, response.Only().Records.Length));
        Assert.Equal(3, (await client.Fetch(topic, 0, 3)).HighWatermark);
    }

    [Fact]
    public async Task Many_topics_come_in_the_order_they_were_asked_for()
    {
        var topics = new List<TestTopic>();
        for (var i = 0; i < 5; i++)
        {
            topics.Add(await shared.NewTopic(client, partitions: 2));
            await client.ProduceValues(topics[i], 1, $"{i}");
        }

        var request = ClientExtensions.FetchRequest(topics[0]);
        request.Topics =
        [
            .. topics.Select(topic => new FetchRequest.FetchTopic
            {
                Topic = topic.Name,
                TopicId = topic.Id,
                Partitions = [ClientExtensions.From(0, 0), ClientExtensions.From(1, 0)],
            }),
        ];
        foreach (var version in new[] { 12, 18 })
        {
            var response = await client.Send(request, version);
            Assert.Equal(topics.Select(topic => version < 13 ? topic.Name : ""), response.Responses.Select(topic => topic.Topic));
            Assert.Equal(
                ["0", "1", "2", "3", "4"],
                response.Responses.SelectMany(topic => topic.Partitions).SelectMany(partition => Batches.Values(partition.Records)));
        }
    }

    [Fact]
    public async Task A_batch_is_read_as_it_lies_in_the_log_with_its_offset_and_epoch()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a");
        await client.ProduceValues(topic, 0, "b");
        var records = (await client.Fetch(topic, 0, 1)).Records.ToArray();
        var batch = new RecordBatchView(records);
        Assert.Equal((1L, 0, true), (batch.BaseOffset, batch.PartitionLeaderEpoch, batch.IsValidCrc));
    }
}
