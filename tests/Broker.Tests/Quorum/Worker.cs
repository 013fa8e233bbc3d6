using System.Globalization;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quorum;

/// <summary>
/// A client that creates, configures, fills and deletes topics of its own and commits the offsets of a group of its own, and knows which of
/// it was acknowledged.
/// </summary>
internal sealed class Worker(int id, Random random)
{
    private const int Absent = 0;

    private readonly string group = $"group-{id}";
    private readonly List<Owned> topics = [];
    private readonly Tracked<long> offset = new(-1);
    private readonly List<long> producerIds = [];
    private bool isFrozen; // guarded by the topics
    private long lastOffset;
    private int lastRetention = 1000;

    /// <summary>The producer ids that it was given.</summary>
    public IReadOnlyList<long> ProducerIds => producerIds;

    /// <summary>What comes from now on is no longer known to be there, topics that are made later included.</summary>
    public void Freeze()
    {
        offset.Freeze();
        lock (topics)
        {
            isFrozen = true;
            topics.ForEach(topic => topic.Freeze());
        }
    }

    /// <summary>Works until the broker is gone or fails, or for so many steps.</summary>
    public async Task Work(TestClient client, int steps)
    {
        try
        {
            for (var step = 0; step < steps; step++)
            {
                if (!await Step(client))
                    return;
            }
        }
        catch (IOException)
        {
            // the connection is gone with the broker
        }
    }

    /// <summary>Compares what is there with what was acknowledged.</summary>
    public async Task Examine(TestClient client)
    {
        var found = await client.Send(new MetadataRequest { Topics = null });
        foreach (var topic in topics.ToArray())
        {
            var there = found.Topics.FirstOrDefault(one => one.Name == topic.Name);
            topic.Partitions.Find(there?.Partitions.Length ?? Absent, $"the number of partitions of {topic.Name}");
            if (there is null)
            {
                topics.Remove(topic);
                continue;
            }

            Assert.All(there.Partitions, partition => Assert.Equal((ErrorCode.None, 1), (partition.ErrorCode, partition.LeaderId)));
            topic.Id = new TestTopic(topic.Name, there.TopicId);
            topic.Retention.Find(await RetentionOf(client, topic), $"the retention of {topic.Name}");
            var fetched = await client.Fetch(topic.Id, 0, 0);
            Assert.Equal(ErrorCode.None, fetched.ErrorCode);
            var values = Batches.Values(fetched.Records);
            Assert.Equal(Enumerable.Range(0, values.Length).Select(Text), values);
            topic.Records.Find(values.Length, $"the number of records of {topic.Name}");
            topic.Written = values.Length;
        }

        offset.Find(await FetchOffset(client), $"the offset of {group}");
    }

    private async Task<bool> Step(TestClient client)
    {
        var topic = topics.Count == 0 ? null : topics[random.Next(topics.Count)];
        return random.Next(12) switch
        {
            < 2 => await Create(client),
            2 when topic is not null => await Delete(client, topic),
            3 when topic is not null => await Configure(client, topic),
            4 when topic is not null => await Grow(client, topic),
            < 8 when topic is not null => await Produce(client, topic),
            8 => await TakeProducerId(client),
            _ => await Commit(client),
        };
    }

    private async Task<bool> Create(TestClient client)
    {
        var topic = new Owned($"topic-{id}-{Guid.NewGuid():N}");
        lock (topics)
        {
            topics.Add(topic);
            if (isFrozen)
                topic.Freeze();
        }

        var count = random.Next(1, 4);
        topic.Partitions.Attempt(count);
        var response = await client.Send(new CreateTopicsRequest { Topics = [new() { Name = topic.Name, NumPartitions = count, ReplicationFactor = 1 }], TimeoutMs = 1000 });
        var answer = Assert.Single(response.Topics);
        if (answer.ErrorCode != ErrorCode.None)
            return false;
        topic.Partitions.Acknowledge(count);
        topic.Id = new TestTopic(topic.Name, answer.TopicId);
        return true;
    }

    private async Task<bool> Delete(TestClient client, Owned topic)
    {
        topic.Partitions.Attempt(Absent);
        var response = await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = topic.Name }], TimeoutMs = 1000 });
        if (Assert.Single(response.Responses).ErrorCode != ErrorCode.None)
            return false;
        topic.Partitions.Acknowledge(Absent);
        if (topic.Partitions.Acknowledged == Absent)
        {
            lock (topics)
                topics.Remove(topic); // its name is never used again, so nobody will ask
        }

        return topics.Count > 0 || await Create(client);
    }

    private async Task<bool> Configure(TestClient client, Owned topic)
    {
        var retention = ++lastRetention;
        topic.Retention.Attempt(retention);
        var response = await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic.Name, Configs = [new() { Name = "retention.ms", Value = Text(retention) }] }],
        });
        if (Assert.Single(response.Responses).ErrorCode != ErrorCode.None)
            return false;
        topic.Retention.Acknowledge(retention);
        return true;
    }

    private async Task<bool> Grow(TestClient client, Owned topic)
    {
        var count = topic.Partitions.Acknowledged + 1;
        topic.Partitions.Attempt(count);
        var response = await client.Send(new CreatePartitionsRequest { Topics = [new() { Name = topic.Name, Count = count, Assignments = null }], TimeoutMs = 1000 });
        if (Assert.Single(response.Results).ErrorCode != ErrorCode.None)
            return false;
        topic.Partitions.Acknowledge(count);
        return true;
    }

    private async Task<bool> Produce(TestClient client, Owned topic)
    {
        var count = random.Next(1, 4);
        var first = topic.Written;
        topic.Records.Attempt(first + count); // a batch is there whole or not at all
        var answer = await client.Produce(topic.Id, 0, Batches.Of([.. Enumerable.Range(first, count).Select(Text)]));
        if (answer.ErrorCode != ErrorCode.None)
            return false;
        Assert.Equal(first, answer.BaseOffset);
        topic.Written += count;
        topic.Records.Acknowledge(first + count);
        return true;
    }

    private async Task<bool> Commit(TestClient client)
    {
        var committed = ++lastOffset;
        offset.Attempt(committed);
        var response = await client.Send(
            new OffsetCommitRequest
            {
                GroupId = group,
                GenerationIdOrMemberEpoch = -1,
                Topics = [new() { Name = "shared", Partitions = [new() { PartitionIndex = 0, CommittedOffset = committed }] }],
            },
            version: 9);
        if (Assert.Single(Assert.Single(response.Topics).Partitions).ErrorCode != ErrorCode.None)
            return false;
        offset.Acknowledge(committed);
        return true;
    }

    private async Task<bool> TakeProducerId(TestClient client)
    {
        var response = await client.Send(new InitProducerIdRequest { TransactionalId = null });
        if (response.ErrorCode != ErrorCode.None)
            return false;
        producerIds.Add(response.ProducerId);
        return true;
    }

    private async Task<long> FetchOffset(TestClient client)
    {
        while (true)
        {
            var response = await client.Send(
                new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = [new() { Name = "shared", PartitionIndexes = [0] }] }] }, version: 9);
            var answer = Assert.Single(response.Groups);
            if (answer.ErrorCode == ErrorCode.CoordinatorLoadInProgress)
                continue; // the node has only just come up
            Assert.Equal(ErrorCode.None, answer.ErrorCode);
            return Assert.Single(Assert.Single(answer.Topics).Partitions).CommittedOffset;
        }
    }

    private static async Task<int> RetentionOf(TestClient client, Owned topic)
    {
        var response = await client.Send(new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic.Name, ConfigurationKeys = ["retention.ms"] }],
        });
        var value = int.Parse(Assert.Single(Assert.Single(response.Results).Configs).Value!, CultureInfo.InvariantCulture);
        return value == Owned.DefaultRetention ? 0 : value;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class Owned(string name)
    {
        public const int DefaultRetention = 336 * 3600 * 1000;

        public string Name => name;

        public TestTopic Id { get; set; } = TestTopic.Unknown;

        public Tracked<int> Partitions { get; } = new(Absent);

        public Tracked<int> Retention { get; } = new(0);

        public Tracked<int> Records { get; } = new(0);

        public int Written { get; set; }

        public void Freeze()
        {
            Partitions.Freeze();
            Retention.Freeze();
            Records.Freeze();
        }
    }
}
