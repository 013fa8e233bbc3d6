using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>DeleteRecords: the log's start moves up.</summary>
public sealed class DeleteRecordsTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task The_start_moves_to_the_offset_and_not_back()
    {
        for (var version = 0; version <= 2; version++)
        {
            var topic = await shared.NewTopic(client);
            await client.ProduceValues(topic, 0, "a", "b", "c", "d");
            Assert.Equal((ErrorCode.None, 2), await Delete(topic.Name, 2, version));
            Assert.Equal((ErrorCode.None, 2), await Delete(topic.Name, 1, version));
            Assert.Equal((ErrorCode.None, 2), await Delete(topic.Name, 0, version));
            Assert.Equal(2, (await client.Fetch(topic, 0, 2)).LogStartOffset);
            Assert.Equal(ErrorCode.OffsetOutOfRange, (await client.Fetch(topic, 0, 1)).ErrorCode);
            Assert.Equal((ErrorCode.None, 4), await Delete(topic.Name, -1, version)); // up to the high watermark
            Assert.Equal(4, await client.ProduceValues(topic, 0, "e"));
        }
    }

    [Fact]
    public async Task It_does_not_move_beyond_the_high_watermark()
    {
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a");
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await Delete(topic.Name, 2));
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await Delete(topic.Name, -2));
        Assert.Equal((ErrorCode.None, 1), await Delete(topic.Name, 1));
    }

    [Fact]
    public async Task Where_nothing_may_be_deleted_nothing_is()
    {
        var compacted = await shared.NewTopic(client, configs: ("cleanup.policy", "compact"));
        Assert.Equal((ErrorCode.PolicyViolation, -1), await Delete(compacted.Name, 0));
        var both = await shared.NewTopic(client, configs: ("cleanup.policy", "compact,delete"));
        Assert.Equal((ErrorCode.None, 0), await Delete(both.Name, 0));
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        Assert.Equal((ErrorCode.InvalidTopicException, -1), await Delete("__consumer_offsets", 0));
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, -1), await Delete(TestTopic.Unknown.Name, 0));
    }

    private async Task<(ErrorCode, long LowWatermark)> Delete(string topic, long offset, int version = 2)
    {
        var response = await client.Send(
            new DeleteRecordsRequest { Topics = [new() { Name = topic, Partitions = [new() { Offset = offset }] }] }, version);
        var answer = Assert.Single(Assert.Single(response.Topics).Partitions);
        return (answer.ErrorCode, answer.LowWatermark);
    }
}
