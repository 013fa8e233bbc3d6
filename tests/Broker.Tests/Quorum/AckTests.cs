using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Quorum;

/// <summary>What <c>log.flush.before.ack</c> promises: which answers wait for the disk. Nothing else syncs here, as time stands still.</summary>
public class AckTests
{
    [Theory]
    [InlineData("auto", 0, false)]
    [InlineData("auto", 1, false)]
    [InlineData("auto", -1, true)]
    [InlineData("always", 1, true)]
    [InlineData("always", -1, true)]
    [InlineData("never", 1, false)]
    [InlineData("never", -1, false)]
    public async Task Produced_records_are_synced_as_their_producer_and_the_policy_ask(string policy, short acks, bool isSynced)
    {
        await using var node = await Node.StartAsync(("log.flush.before.ack", policy));
        var client = node.Connect();
        var topic = await client.CreateTopic("t");
        await client.Produce(topic, 0, Batches.Of("first"), acks: -1); // the names of its files are synced with the first
        for (var i = 0; i < 5; i++)
        {
            var before = node.Disk.Syncs;
            if (acks == 0)
                await client.SendOneWay(ClientExtensions.ProduceRequest(topic, 0, Batches.Of("a"), acks));
            else
                Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.Of("a"), acks)).ErrorCode);
            await client.TopicNames(); // on the same connection, so it comes after
            Assert.Equal(isSynced ? before + 1 : before, node.Disk.Syncs);
        }
    }

    [Theory]
    [InlineData("auto", 1)]
    [InlineData("always", 1)]
    [InlineData("never", 0)]
    public async Task Offsets_are_synced_unless_told_never(string policy, int syncs)
    {
        await using var node = await Node.StartAsync(("log.flush.before.ack", policy));
        var client = node.Connect();
        await client.CreateTopic("t");
        await client.Send(new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["g"] });
        Assert.Equal(ErrorCode.None, await Commit(client, 1));
        for (var i = 2; i < 6; i++)
        {
            var before = node.Disk.Syncs;
            Assert.Equal(ErrorCode.None, await Commit(client, i));
            Assert.Equal(before + syncs, node.Disk.Syncs);
        }
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("always")]
    [InlineData("never")] // Kafka's own quorum syncs too: a voter must remember what it said
    public async Task Metadata_are_always_synced(string policy)
    {
        await using var node = await Node.StartAsync(("log.flush.before.ack", policy));
        var client = node.Connect();
        for (var i = 0; i < 5; i++)
        {
            var before = node.Disk.Syncs;
            await client.CreateTopic($"t{i}", partitions: 10);
            Assert.Equal(before + 1, node.Disk.Syncs);
        }
    }

    [Fact]
    public async Task Nobody_is_answered_before_and_all_who_wait_share_a_sync()
    {
        const int Waiters = 40;
        await using var node = await Node.StartAsync();
        await node.Connect().CreateTopic("t");
        await node.Connect().Send(new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["g"] });
        Assert.Equal(ErrorCode.None, await Commit(node.Connect(), 1));

        foreach (var (path, act) in Acts())
        {
            using var reached = new ManualResetEventSlim();
            using var release = new ManualResetEventSlim();
            node.Disk.Syncing = synced =>
            {
                if (!synced.Contains(path))
                    return;
                reached.Set();
                release.Wait();
            };
            var before = node.Disk.Syncs;
            var first = act(node.Connect(), 0);
            reached.Wait();
            var others = Enumerable.Range(1, Waiters).Select(i => act(node.Connect(), i)).ToArray();
            await node.Connect().TopicNames(); // the node goes on answering
            Assert.DoesNotContain(others.Append(first), answer => answer.IsCompleted);
            release.Set();
            await Task.WhenAll(others.Append(first));
            node.Disk.Syncing = null;
            Assert.InRange(node.Disk.Syncs - before, 2, Waiters / 2);
        }

        static (string Path, Func<TestClient, int, Task> Act)[] Acts() =>
        [
            ("__consumer_offsets", (client, i) => Commit(client, i)),
            ("__cluster_metadata", (client, i) => client.CreateTopic($"topic-{i}")),
        ];
    }

    private static async Task<ErrorCode> Commit(TestClient client, long offset)
    {
        var response = await client.Send(
            new OffsetCommitRequest
            {
                GroupId = "g",
                GenerationIdOrMemberEpoch = -1,
                Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = offset }] }],
            },
            version: 9);
        return Assert.Single(Assert.Single(response.Topics).Partitions).ErrorCode;
    }
}
