using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Restarts;

/// <summary>Compaction in a whole broker: who asks for it, and what it must leave of what coordinators wrote.</summary>
public sealed class CompactionTests
{
    private const int BackoffMs = 10;

    private static readonly (string, string)[] Settings =
        [("log.cleaner.backoff.ms", "10"), ("log.cleaner.min.cleanable.ratio", "0.01"), ("offsets.topic.segment.bytes", "1048576")];

    [Fact]
    public async Task Offsets_that_are_committed_again_and_again_leave_a_small_log_from_which_a_group_is_as_it_was()
    {
        const int Partitions = 20;
        const int Commits = 700;
        using var directory = new TempDirectory();
        TestTopic topic;
        await using (var broker = await TestBroker.StartIn(directory, Settings))
        {
            await using var client = broker.Connect();
            topic = await client.CreateTopic("t", Partitions);
            await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
            var metadata = new string('m', 150);
            for (var i = 1; i <= Commits; i++)
            {
                var response = await client.Send(new OffsetCommitRequest
                {
                    GroupId = "g",
                    Topics =
                    [
                        new()
                        {
                            TopicId = topic.Id,
                            Partitions =
                            [
                                .. Enumerable.Range(0, Partitions).Select(partition => new OffsetCommitRequest.OffsetCommitRequestPartition
                                {
                                    PartitionIndex = partition,
                                    CommittedOffset = (i * 100) + partition,
                                    CommittedMetadata = metadata,
                                }),
                            ],
                        },
                    ],
                });
                Assert.All(response.Topics[0].Partitions, partition => Assert.Equal(ErrorCode.None, partition.ErrorCode));
            }

            Assert.True(SizeOfOffsets(directory) > 2_000_000);
            await Compacted(broker, client, "__consumer_offsets");
            await Expect(client, topic);
        }

        Assert.True(SizeOfOffsets(directory) < 1_100_000); // the active segment, and a rest
        await using var again = await TestBroker.StartIn(directory, Settings);
        await using var reader = again.Connect();
        await Expect(reader, topic);

        static async Task Expect(TestClient client, TestTopic topic)
        {
            OffsetFetchResponse found;
            do
            {
                found = await client.Send(new OffsetFetchRequest
                {
                    Groups = [new() { GroupId = "g", Topics = [new() { TopicId = topic.Id, PartitionIndexes = [.. Enumerable.Range(0, Partitions)] }] }],
                });
            }
            while (found.Groups[0].ErrorCode == ErrorCode.CoordinatorLoadInProgress);
            Assert.Equal(
                Enumerable.Range(0, Partitions).Select(partition => (partition, (Commits * 100L) + partition)),
                found.Groups[0].Topics[0].Partitions.Select(partition => (partition.PartitionIndex, partition.CommittedOffset)));
        }
    }

    [Fact]
    public async Task A_topic_is_compacted_from_the_moment_its_policy_says_so_and_as_long_as_it_does()
    {
        await using var broker = await TestBroker.StartAsync(Settings);
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t", configs: ("segment.bytes", "1048576"));
        foreach (var value in "abc")
            Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Keyed("k", new string(value, 700_000)))).ErrorCode);
        await SetPolicy("compact");
        Assert.Equal(ErrorCode.InvalidRecord, (await client.Produce(topic, 0, Batches.Of("no key"))).ErrorCode);
        await Compacted(broker, client, "t");
        Assert.Equal(["b"], (await Values()).Take(1)); // c is in the active segment
        await SetPolicy("delete");
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Of("no key"))).ErrorCode);

        async Task SetPolicy(string policy)
        {
            var response = await client.Send(new IncrementalAlterConfigsRequest
            {
                Resources = [new() { ResourceType = 2, ResourceName = topic.Name, Configs = [new() { Name = "cleanup.policy", Value = policy }] }],
            });
            Assert.Equal(ErrorCode.None, response.Responses[0].ErrorCode);
        }

        async Task<List<string>> Values() =>
            [.. Batches.Read((await client.Fetch(topic, 0, 0)).Records).Select(record => record.Item2[..1])];
    }

    private static byte[] Keyed(string key, string value)
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).ToUnixTimeMilliseconds(), System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value));
        return builder.Build().ToArray();
    }

    // The clock moves, with a request between its steps, until the cleaner has done its work on a thread of its own.
    private static async Task Compacted(TestBroker broker, TestClient client, string topic)
    {
        var checkpoint = Path.Combine(broker.Directory, "cleaner-offset-checkpoint");
        while (!File.Exists(checkpoint) || !File.ReadAllText(checkpoint).Contains($"\n{topic} "))
        {
            broker.Time.Advance(TimeSpan.FromMilliseconds(BackoffMs));
            await client.Send(new ApiVersionsRequest(), 0);
        }
    }

    private static long SizeOfOffsets(TempDirectory directory) => Directory.GetDirectories(directory.Path, "__consumer_offsets-*")
        .SelectMany(path => Directory.GetFiles(path, "*.log")).Sum(path => new FileInfo(path).Length);
}
