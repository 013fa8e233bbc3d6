using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests;

/// <summary>A topic as requests name it: old versions by its name, new ones by its id.</summary>
internal sealed record TestTopic(string Name, Uuid Id)
{
    public static TestTopic Unknown { get; } = new("nobody-made-this", new Uuid(0x1234, 0x5678));
}

/// <summary>The requests that most tests need, in few words.</summary>
internal static class ClientExtensions
{
    public static async Task<TestTopic> CreateTopic(
        this TestClient client, string name, int partitions = 1, params (string Name, string Value)[] configs)
    {
        var response = await client.Send(new CreateTopicsRequest
        {
            Topics =
            [
                new()
                {
                    Name = name,
                    NumPartitions = partitions,
                    ReplicationFactor = 1,
                    Configs =
                    [
                        .. configs.Select(
                            config => new CreateTopicsRequest.CreatableTopicConfig { Name = config.Name, Value = config.Value }),
                    ],
                },
            ],
        });
        var created = Assert.Single(response.Topics);
        Assert.Equal((ErrorCode.None, null), (created.ErrorCode, created.ErrorMessage));
        return new TestTopic(name, created.TopicId);
    }

    public static ProduceRequest ProduceRequest(TestTopic topic, int partition, byte[]? batch, short acks = -1) => new()
    {
        Acks = acks,
        TimeoutMs = 30_000,
        TopicData =
        [
            new()
            {
                Name = topic.Name,
                TopicId = topic.Id,
                PartitionData = [new() { Index = partition, Records = batch is null ? RecordBytes.Null : new RecordBytes(batch) }],
            },
        ],
    };

    public static async Task<ProduceResponse.PartitionProduceResponse> Produce(
        this TestClient client, TestTopic topic, int partition, byte[]? batch, short acks = -1, int? version = null)
    {
        var response = await client.Send(ProduceRequest(topic, partition, batch, acks), version);
        var answer = Assert.Single(Assert.Single(response.Responses).PartitionResponses);
        Assert.Equal(partition, answer.Index);
        return answer;
    }

    /// <summary>Produces records of these values and checks that they were taken.</summary>
    public static async Task<long> ProduceValues(this TestClient client, TestTopic topic, int partition, params string[] values)
    {
        var answer = await client.Produce(topic, partition, Batches.Of(values));
        Assert.Equal(ErrorCode.None, answer.ErrorCode);
        return answer.BaseOffset;
    }

    public static FetchRequest FetchRequest(TestTopic topic, params FetchRequest.FetchPartition[] partitions) => new()
    {
        MaxWaitMs = 0,
        MinBytes = 1,
        MaxBytes = 50 << 20,
        Topics = [new() { Topic = topic.Name, TopicId = topic.Id, Partitions = partitions }],
    };

    public static FetchRequest.FetchPartition From(
        int partition, long offset, int maxBytes = 1 << 20, int leaderEpoch = -1, int lastFetchedEpoch = -1) =>
        new()
        {
            Partition = partition,
            FetchOffset = offset,
            PartitionMaxBytes = maxBytes,
            CurrentLeaderEpoch = leaderEpoch,
            LastFetchedEpoch = lastFetchedEpoch,
        };

    /// <summary>Fetches from one partition without waiting.</summary>
    public static async Task<FetchResponse.PartitionData> Fetch(
        this TestClient client, TestTopic topic, int partition, long offset, int? version = null)
    {
        var response = await client.Send(FetchRequest(topic, From(partition, offset)), version);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return response.Only();
    }

    public static FetchResponse.PartitionData Only(this FetchResponse response) =>
        Assert.Single(Assert.Single(response.Responses).Partitions);
}
