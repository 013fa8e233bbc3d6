using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Apis;

/// <summary>Whose time records have, which times are allowed, and what goes when its time is over.</summary>
public sealed class TimeTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private TestClient client = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync(("offsets.retention.minutes", "10"), ("offsets.retention.check.interval.ms", "60000"));
        client = broker.Connect();
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task Where_the_time_of_the_append_counts_records_are_found_by_it()
    {
        var topic = await client.CreateTopic("t", configs: ("message.timestamp.type", "LogAppendTime"));
        var began = broker.NowMs;
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, timestampMs: 5, "a", "b"));
        broker.Time.Advance(TimeSpan.FromSeconds(10));
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, timestampMs: long.MaxValue / 2, "c"));

        Assert.Equal((began, 0L), await Find(topic, 1));
        Assert.Equal((began + 10_000, 2L), await Find(topic, began + 1));
        Assert.Equal((-1L, -1L), await Find(topic, began + 10_001));
        Assert.Equal((began + 10_000, 2L), await Find(topic, -3));
    }

    [Fact]
    public async Task A_topic_whose_kind_of_time_changes_keeps_what_it_has()
    {
        var topic = await client.CreateTopic("t");
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, timestampMs: 5, "a"));
        await Set(topic, "message.timestamp.type", "LogAppendTime");
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, timestampMs: 6, "b"));
        await Set(topic, "message.timestamp.type", "CreateTime");
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, timestampMs: 7, "c"));

        Assert.Equal((5L, 0L), await Find(topic, 1));
        Assert.Equal((broker.NowMs, 1L), await Find(topic, 6));
        Assert.Equal((broker.NowMs, 1L), await Find(topic, -3));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Zstd)]
    public async Task Times_beyond_the_bounds_are_refused_and_the_records_named(CompressionCodec codec)
    {
        var topic = await client.CreateTopic("t", configs: [("message.timestamp.before.max.ms", "1000"), ("message.timestamp.after.max.ms", "2000")]);
        foreach (var (offsets, faults) in new[]
        {
            ((long[])[-1000, 0, 2000], (int[])[]), ([-1001, 0, 2001], [0, 2]), ([0, -1001, 0], [1]), ([-5000, -5000, -5000], [0, 1, 2]),
        })
        {
            using var builder = new RecordBatchBuilder(RecordBatchOptions.Default with { Codec = codec });
            foreach (var offset in offsets)
                builder.Append(broker.NowMs + offset, NullableSpan.Null, "v"u8);
            var answer = await client.Produce(topic, 0, builder.Build().ToArray());
            Assert.Equal(faults.Length == 0 ? ErrorCode.None : ErrorCode.InvalidTimestamp, answer.ErrorCode);
            Assert.Equal(faults, answer.RecordErrors.Select(error => error.BatchIndex));
        }

        Assert.Equal(3, (await Find(topic, -1)).Offset);
        await Set(topic, "message.timestamp.before.max.ms", "5000");
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, broker.NowMs - 5000, "v"))).ErrorCode);
    }

    [Fact]
    public async Task Offsets_of_a_group_that_nobody_uses_expire_with_the_group_and_stay_gone()
    {
        var topic = await client.CreateTopic("t");
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        await Commit(topic, 7);
        broker.Time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(7, await Committed(topic));
        broker.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(-1, await Committed(topic));
        Assert.Empty((await client.Send(new ListGroupsRequest())).Groups);
    }

    private async Task Commit(TestTopic topic, long offset)
    {
        var response = await client.Send(
            new OffsetCommitRequest
            {
                GroupId = "g",
                GenerationIdOrMemberEpoch = -1,
                Topics = [new() { Name = topic.Name, Partitions = [new() { CommittedOffset = offset }] }],
            },
            9);
        Assert.Equal(ErrorCode.None, response.Topics[0].Partitions[0].ErrorCode);
    }

    private async Task<long> Committed(TestTopic topic) => (await client.Send(
        new OffsetFetchRequest { GroupId = "g", Topics = [new() { Name = topic.Name, PartitionIndexes = [0] }] }, 7)).Topics[0].Partitions[0].CommittedOffset;

    private async Task Set(TestTopic topic, string name, string value)
    {
        var response = await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic.Name, Configs = [new() { Name = name, Value = value, ConfigOperation = 0 }] }],
        });
        Assert.Equal(ErrorCode.None, response.Responses[0].ErrorCode);
    }

    private async Task<(long Timestamp, long Offset)> Find(TestTopic topic, long timestamp)
    {
        var response = await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = timestamp, CurrentLeaderEpoch = -1 }] }],
        });
        var found = response.Topics[0].Partitions[0];
        Assert.Equal(ErrorCode.None, found.ErrorCode);
        return (found.Timestamp, found.Offset);
    }
}
