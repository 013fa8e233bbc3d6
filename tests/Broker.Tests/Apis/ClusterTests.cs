using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>DescribeCluster, DescribeLogDirs and DescribeTopicPartitions.</summary>
public sealed class ClusterTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task The_cluster_is_its_id_and_its_brokers()
    {
        for (var version = 0; version <= 2; version++)
        {
            var response = await client.Send(new DescribeClusterRequest { IncludeClusterAuthorizedOperations = version > 0 }, version);
            Assert.Equal(
                (ErrorCode.None, null, shared.Broker.Server.ClusterId, 1),
                (response.ErrorCode, response.ErrorMessage, response.ClusterId, response.ControllerId));
            var broker = Assert.Single(response.Brokers);
            Assert.Equal((1, "127.0.0.1", shared.Broker.Port, false), (broker.BrokerId, broker.Host, broker.Port, broker.IsFenced));
            Assert.Equal(version > 0, response.ClusterAuthorizedOperations != int.MinValue);
        }
    }

    [Theory]
    [InlineData(2, ErrorCode.MismatchedEndpointType)]
    [InlineData(3, ErrorCode.UnsupportedEndpointType)]
    [InlineData(0, ErrorCode.UnsupportedEndpointType)]
    public async Task A_brokers_listener_tells_of_brokers(sbyte endpointType, ErrorCode error)
    {
        var response = await client.Send(new DescribeClusterRequest { EndpointType = endpointType });
        Assert.Equal((error, 0), (response.ErrorCode, response.Brokers.Length));
        Assert.NotEmpty(response.ErrorMessage!);
    }

    [Fact]
    public async Task Log_directories_tell_what_lies_in_them_and_how_much_room_is_left()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var batch = Batches.Of("a", "b");
        await client.Produce(topic, 1, batch);
        for (var version = 0; version <= 4; version++)
        {
            var response = await client.Send(new DescribeLogDirsRequest { Topics = null }, version);
            var directory = Assert.Single(response.Results);
            Assert.Equal(
                (ErrorCode.None, ErrorCode.None, shared.Broker.Directory), (response.ErrorCode, directory.ErrorCode, directory.LogDir));
            Assert.Equal(version >= 4, directory is { TotalBytes: > 0, UsableBytes: > 0 });
            var found = directory.Topics.Single(one => one.Name == topic.Name);
            Assert.Equal(
                [(0, 0L, 0L, false), (1, (long)batch.Length, 0L, false)],
                found.Partitions.Select(
                    partition => (partition.PartitionIndex, partition.PartitionSize, partition.OffsetLag, partition.IsFutureKey)));

            var some = await client.Send(
                new DescribeLogDirsRequest
                {
                    Topics =
                    [
                        new() { Topic = topic.Name, Partitions = [1, 7] },
                        new() { Topic = topic.Name, Partitions = [1] },
                        new() { Topic = "no-such", Partitions = [0] },
                    ],
                },
                version);
            Assert.Equal([1], Assert.Single(Assert.Single(some.Results).Topics).Partitions.Select(partition => partition.PartitionIndex));
            Assert.Empty(Assert.Single((await client.Send(new DescribeLogDirsRequest { Topics = [] }, version)).Results).Topics);
        }
    }

    [Fact]
    public async Task Topics_come_in_pages_by_name_and_partition()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        foreach (var (name, partitions) in new[] { ("c", 2), ("a", 3), ("b", 1) })
            await one.CreateTopic(name, partitions);
        var seen = new List<string>();
        DescribeTopicPartitionsRequest.CursorData? cursor = null;
        var pages = 0;
        do
        {
            var page = await one.Send(new DescribeTopicPartitionsRequest { Topics = [], ResponsePartitionLimit = 2, Cursor = cursor });
            seen.AddRange(
                page.Topics.SelectMany(topic => topic.Partitions, (topic, partition) => $"{topic.Name}-{partition.PartitionIndex}"));
            Assert.True(page.Topics.Sum(topic => topic.Partitions.Length) <= 2);
            cursor = page.NextCursor is { } next ? new() { TopicName = next.TopicName, PartitionIndex = next.PartitionIndex } : null;
            pages++;
        }
        while (cursor is not null);

        Assert.Equal(["a-0", "a-1", "a-2", "b-0", "c-0", "c-1"], seen);
        Assert.Equal(3, pages);
    }

    [Fact]
    public async Task The_brokers_own_limit_of_a_page_holds_too()
    {
        await using var broker = await TestBroker.StartAsync(("max.request.partition.size.limit", "3"));
        await using var one = broker.Connect();
        await one.CreateTopic("t", 5);
        var page = await one.Send(new DescribeTopicPartitionsRequest { Topics = [new() { Name = "t" }], ResponsePartitionLimit = 2000 });
        Assert.Equal((3, "t", 3), (page.Topics[0].Partitions.Length, page.NextCursor!.TopicName, page.NextCursor.PartitionIndex));
        Assert.Single(
            (await one.Send(new DescribeTopicPartitionsRequest { Topics = [], ResponsePartitionLimit = -4 })).Topics[0].Partitions);
    }

    [Fact]
    public async Task Named_topics_are_told_once_sorted_and_never_created()
    {
        var topic = await shared.NewTopic(client);
        var missing = shared.NewName("zzz");
        for (var i = 0; i < 2; i++)
        {
            var page = await client.Send(new DescribeTopicPartitionsRequest
            {
                Topics = [new() { Name = missing }, new() { Name = topic.Name }, new() { Name = topic.Name }, new() { Name = "a/b" }],
            });
            Assert.Equal(
                [("a/b", ErrorCode.InvalidTopicException), (topic.Name, ErrorCode.None), (missing, ErrorCode.UnknownTopicOrPartition)],
                page.Topics.Select(one => (one.Name, one.ErrorCode)));
            Assert.Null(page.NextCursor);
            var partition = Assert.Single(page.Topics[1].Partitions);
            Assert.Equal((ErrorCode.None, 1, 0), (partition.ErrorCode, partition.LeaderId, partition.LeaderEpoch));
            Assert.Equal([1], partition.ReplicaNodes);
            Assert.Equal([1], partition.IsrNodes);
            Assert.Empty(partition.OfflineReplicas.Concat(partition.EligibleLeaderReplicas!).Concat(partition.LastKnownElr!));
            Assert.Equal(topic.Id, page.Topics[1].TopicId);
        }
    }
}
