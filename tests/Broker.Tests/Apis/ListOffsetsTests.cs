using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Apis;

/// <summary>ListOffsets: ends, times and what is neither, in the versions that know them.</summary>
public sealed class ListOffsetsTests(SharedBroker shared)
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;
    private const long EarliestLocal = -4;
    private const long LatestTiered = -5;
    private const long EarliestPendingUpload = -6;
    private const long Start = 1_000_000;

    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task The_ends_of_the_log_are_told_in_every_version()
    {
        var topic = await Filled(deletedBefore: 2);
        for (var version = 1; version <= 11; version++)
        {
            Assert.Equal((ErrorCode.None, -1, 6, version >= 4 ? 0 : -1), await Find(topic, Latest, version));
            Assert.Equal((ErrorCode.None, -1, 2, version >= 4 ? 0 : -1), await Find(topic, Earliest, version));
        }
    }

    [Fact]
    public async Task A_time_finds_the_first_record_that_is_not_older_with_its_own_time()
    {
        var topic = await Filled();
        for (var version = 1; version <= 11; version++)
        {
            var epoch = version >= 4 ? 0 : -1;
            Assert.Equal((ErrorCode.None, Start, 0, epoch), await Find(topic, 0, version));
            Assert.Equal((ErrorCode.None, Start, 0, epoch), await Find(topic, Start, version));
            Assert.Equal((ErrorCode.None, Start + 1, 1, epoch), await Find(topic, Start + 1, version));
            Assert.Equal((ErrorCode.None, Start + 10, 2, epoch), await Find(topic, Start + 2, version));
            Assert.Equal((ErrorCode.None, Start + 21, 5, epoch), await Find(topic, Start + 21, version));
            Assert.Equal((ErrorCode.None, -1, -1, -1), await Find(topic, Start + 22, version));
            Assert.Equal((ErrorCode.None, -1, -1, -1), await Find(topic, long.MaxValue, version));
        }
    }

    [Fact]
    public async Task What_was_deleted_is_not_found()
    {
        var topic = await Filled(deletedBefore: 3);
        Assert.Equal((ErrorCode.None, Start + 11, 3, 0), await Find(topic, 0, 11));
    }

    [Fact]
    public async Task The_latest_time_is_told_from_version_7_on()
    {
        var topic = await Filled();
        await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, Start - 5, "older"));
        Assert.Equal((ErrorCode.None, Start + 21, 5, 0), await Find(topic, MaxTimestamp, 7));
        Assert.Equal((ErrorCode.UnsupportedVersion, -1, -1, -1), await Find(topic, MaxTimestamp, 6));

        var empty = await shared.NewTopic(client);
        Assert.Equal((ErrorCode.None, -1, -1, -1), await Find(empty, MaxTimestamp, 7));
        Assert.Equal((ErrorCode.None, -1, 0, 0), await Find(empty, Latest, 7));
    }

    [Fact]
    public async Task Nothing_is_tiered_so_the_local_start_is_the_start_and_the_tiered_ones_are_none()
    {
        var topic = await Filled(deletedBefore: 2);
        Assert.Equal((ErrorCode.UnsupportedVersion, -1, -1, -1), await Find(topic, EarliestLocal, 7));
        Assert.Equal((ErrorCode.None, -1, 2, 0), await Find(topic, EarliestLocal, 8));
        Assert.Equal((ErrorCode.UnsupportedVersion, -1, -1, -1), await Find(topic, LatestTiered, 8));
        Assert.Equal((ErrorCode.None, -1, -1, -1), await Find(topic, LatestTiered, 9));
        Assert.Equal((ErrorCode.UnsupportedVersion, -1, -1, -1), await Find(topic, EarliestPendingUpload, 10));
        Assert.Equal((ErrorCode.None, -1, -1, -1), await Find(topic, EarliestPendingUpload, 11));
        Assert.Equal((ErrorCode.UnsupportedVersion, -1, -1, -1), await Find(topic, -7, 11));
    }

    [Fact]
    public async Task Version_0_lists_starts_of_segments_newest_first()
    {
        var topic = await Filled(deletedBefore: 2);
        Assert.Equal<long[]>([6, 2], await FindOld(topic, Latest, 10));
        Assert.Equal<long[]>([6], await FindOld(topic, Latest, 1));
        Assert.Equal<long[]>([2], await FindOld(topic, Earliest, 10));
        Assert.Equal<long[]>([2], await FindOld(topic, Start + 2, 10));
        Assert.Equal<long[]>([], await FindOld(topic, Latest, 0));
        Assert.Equal<long[]>([], await FindOld(topic, Latest, -1));
        Assert.Equal<long[]>([0], await FindOld(await shared.NewTopic(client), Latest, 10));
    }

    [Fact]
    public async Task A_partition_that_is_named_twice_is_an_invalid_request_and_the_others_are_answered()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        var response = await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics =
            [
                new()
                {
                    Name = topic.Name,
                    Partitions = [new() { PartitionIndex = 0, Timestamp = Latest }, new() { PartitionIndex = 1, Timestamp = Latest }],
                },
                new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, Timestamp = Latest }] },
            ],
        });
        Assert.Equal(
            [ErrorCode.InvalidRequest, ErrorCode.None, ErrorCode.InvalidRequest],
            response.Topics.SelectMany(one => one.Partitions).Select(partition => partition.ErrorCode));
    }

    [Fact]
    public async Task Readers_are_fenced_by_their_epoch_and_told_what_is_not_there()
    {
        var topic = await Filled();
        Assert.Equal((ErrorCode.UnknownLeaderEpoch, -1, -1, -1), await Find(topic, Latest, 11, leaderEpoch: 1));
        Assert.Equal((ErrorCode.None, -1, 6, 0), await Find(topic, Latest, 11, leaderEpoch: 0));
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, -1, -1, -1), await Find(TestTopic.Unknown, Latest, 11));
    }

    [Fact]
    public async Task Who_reads_only_what_is_committed_is_told_the_last_stable_offset()
    {
        var topic = await Filled();
        var response = await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            IsolationLevel = 1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = Latest }] }],
        });
        Assert.Equal(6, response.Topics[0].Partitions[0].Offset);
    }

    /// <summary>Three batches of two records: at Start and a millisecond later, ten and eleven later, twenty and twenty-one.</summary>
    private async Task<TestTopic> Filled(long deletedBefore = 0)
    {
        var topic = await shared.NewTopic(client);
        for (var i = 0; i < 3; i++)
            await client.Produce(topic, 0, Batches.Of(RecordBatchOptions.Default, Start + (10 * i), "a", "b"));
        if (deletedBefore > 0)
            await client.Send(
                new DeleteRecordsRequest { Topics = [new() { Name = topic.Name, Partitions = [new() { Offset = deletedBefore }] }] });
        return topic;
    }

    private async Task<(ErrorCode, long Timestamp, long Offset, int Epoch)> Find(
        TestTopic topic, long timestamp, int version, int leaderEpoch = -1)
    {
        var response = await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = timestamp, CurrentLeaderEpoch = leaderEpoch }] }],
        }, version);
        var found = Assert.Single(Assert.Single(response.Topics).Partitions);
        return (found.ErrorCode, found.Timestamp, found.Offset, found.LeaderEpoch);
    }

    private async Task<long[]> FindOld(TestTopic topic, long timestamp, int max)
    {
        var response = await client.Send(new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = timestamp, MaxNumOffsets = max }] }],
        }, 0);
        Assert.Equal(ErrorCode.None, response.Topics[0].Partitions[0].ErrorCode);
        return response.Topics[0].Partitions[0].OldStyleOffsets;
    }
}
