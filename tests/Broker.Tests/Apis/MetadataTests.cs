using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>Metadata: what there is, by any of the ways to ask for it.</summary>
public sealed class MetadataTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task It_tells_the_brokers_of_the_listener_that_is_asked()
    {
        var response = await client.Send(new MetadataRequest { Topics = [] });
        var broker = Assert.Single(response.Brokers);
        Assert.Equal((1, "127.0.0.1", shared.Broker.Port), (broker.NodeId, broker.Host, broker.Port));
        Assert.Equal((shared.Broker.Server.ClusterId, 1), (response.ClusterId, response.ControllerId));
        Assert.Empty(response.Topics);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(13)]
    public async Task All_topics_are_asked_for_with_null_and_before_that_was_possible_with_none(int version)
    {
        var topic = await shared.NewTopic(client, partitions: 3);
        var response = await client.Send(new MetadataRequest { Topics = version == 0 ? [] : null }, version);
        var found = Assert.Single(response.Topics, found => found.Name == topic.Name);
        Assert.Equal([0, 1, 2], found.Partitions.Select(partition => partition.PartitionIndex));
        Assert.All(found.Partitions, partition =>
        {
            Assert.Equal((ErrorCode.None, 1), (partition.ErrorCode, partition.LeaderId));
            Assert.Equal([1], partition.ReplicaNodes);
            Assert.Equal([1], partition.IsrNodes);
            Assert.Empty(partition.OfflineReplicas);
        });
        if (version > 0)
            Assert.Empty((await client.Send(new MetadataRequest { Topics = [] }, version)).Topics);
    }

    [Fact]
    public async Task A_topic_that_does_not_exist_is_created_and_the_answer_waits_for_its_leader()
    {
        foreach (var version in new[] { 0, 3, 4, 9, 13 })
        {
            var name = shared.NewName("spoken-of");
            var response = await client.Send(new MetadataRequest { Topics = [new() { Name = name }] }, version);
            var topic = Assert.Single(response.Topics);
            Assert.Equal((ErrorCode.None, name), (topic.ErrorCode, topic.Name));
            Assert.Equal((ErrorCode.None, 1), (Assert.Single(topic.Partitions).ErrorCode, topic.Partitions[0].LeaderId));
            Assert.Equal(
                ErrorCode.None, (await client.Produce(new TestTopic(name, topic.TopicId), 0, Batches.Of("a"), version: 12)).ErrorCode);
        }
    }

    [Fact]
    public async Task Clients_that_ask_for_the_same_new_topic_at_once_all_see_it()
    {
        var name = shared.NewName("spoken-of-by-many");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using var one = shared.Broker.Connect();
            return await one.Send(new MetadataRequest { Topics = [new() { Name = name }] });
        }));
        Assert.All(answers, answer => Assert.Equal(ErrorCode.None, answer.Topics[0].ErrorCode));
        Assert.Single(answers.Select(answer => answer.Topics[0].TopicId).Distinct());
    }

    [Fact]
    public async Task A_client_can_forbid_that_it_is_created()
    {
        var name = shared.NewName("only-asked-for");
        for (var i = 0; i < 2; i++)
        {
            var response = await client.Send(new MetadataRequest { Topics = [new() { Name = name }], AllowAutoTopicCreation = false });
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(response.Topics).ErrorCode);
        }
    }

    [Fact]
    public async Task The_operator_can_forbid_that_topics_are_created()
    {
        await using var broker = await TestBroker.StartAsync(("auto.create.topics.enable", "false"));
        await using var one = broker.Connect();
        foreach (var version in new[] { 0, 13 })
        {
            var response = await one.Send(new MetadataRequest { Topics = [new() { Name = "t" }] }, version);
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(response.Topics).ErrorCode);
        }
    }

    [Fact]
    public async Task A_new_topic_has_the_partitions_and_replicas_of_the_configuration_and_says_if_there_are_too_few_brokers()
    {
        await using var broker = await TestBroker.StartAsync(("num.partitions", "3"));
        await using var one = broker.Connect();
        Assert.Equal(3, (await one.Send(new MetadataRequest { Topics = [new() { Name = "t" }] })).Topics[0].Partitions.Length);

        await using var lonely = await TestBroker.StartAsync(("default.replication.factor", "2"));
        await using var other = lonely.Connect();
        var refused = Assert.Single((await other.Send(new MetadataRequest { Topics = [new() { Name = "t" }] })).Topics);
        Assert.Equal(ErrorCode.InvalidReplicationFactor, refused.ErrorCode);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("../../etc/passwd")]
    public async Task Names_that_no_topic_can_have_are_refused_whether_or_not_it_may_be_created(string name)
    {
        foreach (var mayCreate in new[] { true, false })
        {
            var response = await client.Send(new MetadataRequest { Topics = [new() { Name = name }], AllowAutoTopicCreation = mayCreate });
            Assert.Equal((ErrorCode.InvalidTopicException, name), (response.Topics[0].ErrorCode, response.Topics[0].Name));
        }
    }

    [Fact]
    public async Task Names_may_have_249_characters_and_no_more()
    {
        var longest = shared.NewName("long").PadRight(249, 'x');
        var response = await client.Send(new MetadataRequest { Topics = [new() { Name = longest }, new() { Name = longest + "x" }] });
        Assert.Equal([ErrorCode.None, ErrorCode.InvalidTopicException], response.Topics.Select(topic => topic.ErrorCode));
    }

    [Fact]
    public async Task A_name_that_differs_only_by_dot_and_underscore_is_refused()
    {
        await client.CreateTopic("with.dot");
        var response = await client.Send(new MetadataRequest { Topics = [new() { Name = "with_dot" }] });
        Assert.Equal(ErrorCode.InvalidTopicException, response.Topics[0].ErrorCode);
    }

    [Fact]
    public async Task Topics_are_asked_for_by_id_from_version_12_on()
    {
        var topic = await shared.NewTopic(client);
        foreach (var version in new[] { 12, 13 })
        {
            var response = await client.Send(
                new MetadataRequest
                {
                    Topics = [new() { TopicId = topic.Id, Name = null }, new() { TopicId = TestTopic.Unknown.Id, Name = null }],
                },
                version);
            Assert.Equal(
                (ErrorCode.None, topic.Name, topic.Id),
                (response.Topics[0].ErrorCode, response.Topics[0].Name, response.Topics[0].TopicId));
            Assert.Equal(
                (ErrorCode.UnknownTopicId, null, TestTopic.Unknown.Id),
                (response.Topics[1].ErrorCode, response.Topics[1].Name, response.Topics[1].TopicId));
        }
    }

    [Fact]
    public async Task Where_an_id_is_given_names_are_passed_over_and_a_topic_is_told_once()
    {
        var topic = await shared.NewTopic(client);
        var response = await client.Send(new MetadataRequest
        {
            Topics =
            [
                new() { Name = shared.NewName("beside") },
                new() { TopicId = topic.Id, Name = null },
                new() { TopicId = topic.Id, Name = topic.Name },
            ],
        });
        Assert.Equal(topic.Name, Assert.Single(response.Topics).Name);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, true)]
    [InlineData(10, false)]
    [InlineData(11, false)]
    [InlineData(12, false)]
    public async Task What_a_version_cannot_ask_for_is_an_invalid_request(int version, bool byId)
    {
        var topic = await shared.NewTopic(client);
        var asked = byId ? new MetadataRequest.MetadataRequestTopic { Name = topic.Name, TopicId = topic.Id } : new() { Name = null };
        var response = await client.Send(new MetadataRequest { Topics = [asked] }, version);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(response.Topics).ErrorCode);
    }

    [Fact]
    public async Task Authorised_operations_are_told_only_to_who_asks()
    {
        var topic = await shared.NewTopic(client);
        var silent = await client.Send(new MetadataRequest { Topics = [new() { Name = topic.Name }] }, 9);
        Assert.Equal((int.MinValue, int.MinValue), (silent.ClusterAuthorizedOperations, silent.Topics[0].TopicAuthorizedOperations));
        var told = await client.Send(new MetadataRequest
        {
            Topics = [new() { Name = topic.Name }],
            IncludeClusterAuthorizedOperations = true,
            IncludeTopicAuthorizedOperations = true,
        }, 9);
        Assert.Equal(0b1_1111_1010_0000 & ~(1 << 6), told.ClusterAuthorizedOperations);
        Assert.Equal(0b1101_1111_1000, told.Topics[0].TopicAuthorizedOperations);
    }

    [Fact]
    public async Task The_topic_of_the_groups_is_internal()
    {
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var response = await client.Send(new MetadataRequest { Topics = [new() { Name = "__consumer_offsets" }] });
        Assert.True(Assert.Single(response.Topics).IsInternal);
        Assert.Equal(2, response.Topics[0].Partitions.Length);
    }
}
