using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>CreateTopics, DeleteTopics and CreatePartitions through the wire; what the controller decides has tests of its own.</summary>
public sealed class TopicAdminTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task A_topic_can_be_used_when_its_creation_is_answered_in_any_version()
    {
        for (var version = 0; version <= 7; version++)
        {
            var name = shared.NewName("created");
            var response = await client.Send(
                new CreateTopicsRequest { Topics = [new() { Name = name, NumPartitions = 2, ReplicationFactor = 1 }] }, version);
            var created = Assert.Single(response.Topics);
            Assert.Equal((name, ErrorCode.None), (created.Name, created.ErrorCode));
            if (version >= 5)
                Assert.Equal(
                    (2, (short)1, "delete"),
                    (
                        created.NumPartitions,
                        created.ReplicationFactor,
                        created.Configs!.Single(config => config.Name == "cleanup.policy").Value));
            var answer = await client.Produce(new TestTopic(name, created.TopicId), 1, Batches.Of("a"), version: 12);
            Assert.Equal((ErrorCode.None, 0), (answer.ErrorCode, answer.BaseOffset));
        }
    }

    [Fact]
    public async Task Creating_it_again_or_wrongly_is_refused_topic_by_topic()
    {
        var topic = await shared.NewTopic(client);
        var name = shared.NewName("beside-wrong-ones");
        var response = await client.Send(new CreateTopicsRequest
        {
            Topics =
            [
                new() { Name = topic.Name, NumPartitions = 1, ReplicationFactor = 1 },
                new() { Name = "a/b", NumPartitions = 1, ReplicationFactor = 1 },
                new() { Name = "x1", NumPartitions = 0, ReplicationFactor = 1 },
                new() { Name = "x2", NumPartitions = 1, ReplicationFactor = 5 },
                new() { Name = "x3", NumPartitions = 1, ReplicationFactor = 1, Configs = [new() { Name = "no.such", Value = "1" }] },
                new()
                {
                    Name = "x4",
                    NumPartitions = 1,
                    ReplicationFactor = -1,
                    Assignments = [new() { PartitionIndex = 0, BrokerIds = [1] }],
                },
                new()
                {
                    Name = "x5",
                    NumPartitions = -1,
                    ReplicationFactor = -1,
                    Assignments = [new() { PartitionIndex = 0, BrokerIds = [77] }],
                },
                new() { Name = name, NumPartitions = -1, ReplicationFactor = -1 },
            ],
        });
        Assert.Equal(
            [
                ErrorCode.TopicAlreadyExists, ErrorCode.InvalidTopicException, ErrorCode.InvalidPartitions, ErrorCode.InvalidReplicationFactor,
                ErrorCode.InvalidConfig, ErrorCode.InvalidRequest, ErrorCode.InvalidReplicaAssignment, ErrorCode.None,
            ],
            response.Topics.Select(one => one.ErrorCode));
        Assert.All(response.Topics.SkipLast(1), one => Assert.NotEmpty(one.ErrorMessage!));
    }

    [Fact]
    public async Task Validating_only_changes_nothing()
    {
        var name = shared.NewName("validated");
        for (var i = 0; i < 2; i++)
        {
            var response = await client.Send(new CreateTopicsRequest
            {
                Topics = [new() { Name = name, NumPartitions = 1, ReplicationFactor = 1 }],
                ValidateOnly = true,
            });
            Assert.Equal(ErrorCode.None, response.Topics[0].ErrorCode);
        }

        var asked = await client.Send(new MetadataRequest { Topics = [new() { Name = name }], AllowAutoTopicCreation = false });
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, asked.Topics[0].ErrorCode);
    }

    [Fact]
    public async Task A_deleted_topic_is_gone_when_that_is_answered_and_its_name_is_free()
    {
        for (var version = 0; version <= 6; version++)
        {
            var topic = await shared.NewTopic(client);
            await client.ProduceValues(topic, 0, "old");
            var response = await client.Send(
                version < 6
                    ? new DeleteTopicsRequest { TopicNames = [topic.Name] }
                    : new DeleteTopicsRequest { Topics = [new() { TopicId = topic.Id }] }, version);
            Assert.Equal((ErrorCode.None, topic.Name), (Assert.Single(response.Responses).ErrorCode, response.Responses[0].Name));
            Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await client.Produce(topic, 0, Batches.Of("a"), version: 12)).ErrorCode);
            Assert.Equal(ErrorCode.UnknownTopicId, (await client.Produce(topic, 0, Batches.Of("a"))).ErrorCode);

            var again = await client.CreateTopic(topic.Name);
            Assert.NotEqual(topic.Id, again.Id);
            Assert.Equal(0, await client.ProduceValues(again, 0, "new"));
            Assert.Equal(ErrorCode.UnknownTopicId, (await client.Fetch(topic, 0, 0)).ErrorCode);
            Assert.Equal(["new"], Batches.Values((await client.Fetch(again, 0, 0)).Records));
        }
    }

    [Fact]
    public async Task Deleting_what_is_not_there_is_refused_in_the_words_of_the_version()
    {
        var byName = await client.Send(new DeleteTopicsRequest { TopicNames = ["not-there"] }, 5);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, byName.Responses[0].ErrorCode);
        var topic = await shared.NewTopic(client);
        var response = await client.Send(new DeleteTopicsRequest
        {
            Topics =
            [
                new() { Name = "not-there" },
                new() { TopicId = TestTopic.Unknown.Id },
                new() { Name = topic.Name, TopicId = topic.Id },
                new(),
            ],
        });
        Assert.Equal(
            [ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicId, ErrorCode.InvalidRequest, ErrorCode.InvalidRequest],
            response.Responses.Select(one => one.ErrorCode));
        Assert.Equal(0, await client.ProduceValues(topic, 0, "still there"));
    }

    [Fact]
    public async Task The_operator_can_forbid_deletion()
    {
        await using var broker = await TestBroker.StartAsync(("delete.topic.enable", "false"));
        await using var one = broker.Connect();
        await one.CreateTopic("t");
        Assert.Equal(ErrorCode.InvalidRequest, (await one.Send(new DeleteTopicsRequest { TopicNames = ["t"] }, 2)).Responses[0].ErrorCode);
        Assert.Equal(
            ErrorCode.TopicDeletionDisabled,
            (await one.Send(new DeleteTopicsRequest { Topics = [new() { Name = "t" }] })).Responses[0].ErrorCode);
    }

    [Fact]
    public async Task Added_partitions_can_be_used_when_that_is_answered()
    {
        for (var version = 0; version <= 3; version++)
        {
            var topic = await shared.NewTopic(client);
            await client.ProduceValues(topic, 0, "kept");
            var response = await client.Send(
                new CreatePartitionsRequest { Topics = [new() { Name = topic.Name, Count = 3, Assignments = null }] }, version);
            Assert.Equal(ErrorCode.None, Assert.Single(response.Results).ErrorCode);
            Assert.Equal(0, await client.ProduceValues(topic, 2, "new"));
            Assert.Equal(["kept"], Batches.Values((await client.Fetch(topic, 0, 0)).Records));
        }
    }

    [Fact]
    public async Task Partitions_are_not_taken_away_nor_added_by_halves()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var response = await client.Send(new CreatePartitionsRequest
        {
            Topics =
            [
                new() { Name = topic.Name, Count = 1, Assignments = null },
                new() { Name = "not-there", Count = 5, Assignments = null },
            ],
        });
        Assert.Equal([ErrorCode.InvalidPartitions, ErrorCode.UnknownTopicOrPartition], response.Results.Select(one => one.ErrorCode));
        response = await client.Send(
            new CreatePartitionsRequest { Topics = [new() { Name = topic.Name, Count = 4, Assignments = [new() { BrokerIds = [1] }] }] });
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, response.Results[0].ErrorCode);
        response = await client.Send(
            new CreatePartitionsRequest { Topics = [new() { Name = topic.Name, Count = 4, Assignments = null }], ValidateOnly = true });
        Assert.Equal(ErrorCode.None, response.Results[0].ErrorCode);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await client.Produce(topic, 3, Batches.Of("a"))).ErrorCode);
    }
}
