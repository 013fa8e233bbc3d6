using System.Net;
using System.Net.Sockets;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>Disks that fail under a node that runs, and starts that come to nothing.</summary>
public class FailureTests
{
    private const string OtherDir = "/other";

    [Theory]
    [InlineData("write")]
    [InlineData("sync")]
    public async Task Without_its_metadata_log_a_node_is_done_and_says_so_to_everyone(string operation)
    {
        await using var node = await Node.StartAsync();
        var client = node.Connect();
        var topic = await client.CreateTopic("before");
        node.Disk.Fault = (what, path) => what == operation && path.StartsWith(Node.MetadataLog, StringComparison.Ordinal) ? new IOException("I/O error") : null;

        var creation = await client.Send(new CreateTopicsRequest { Topics = [new() { Name = "t", NumPartitions = 1, ReplicationFactor = 1 }], TimeoutMs = 1000 });
        Assert.Equal(ErrorCode.NotController, Assert.Single(creation.Topics).ErrorCode);
        await node.Server.Failed.WaitAsync(TestClient.Patience);
        Assert.Contains(node.Log.Lines, line => line.StartsWith("Critical: No log directory is left", StringComparison.Ordinal));

        // Whatever comes now has an answer: nobody waits for a node that is about to end.
        var again = await client.Send(new CreateTopicsRequest { Topics = [new() { Name = "t", NumPartitions = 1, ReplicationFactor = 1 }], TimeoutMs = 1000 });
        Assert.Equal(ErrorCode.NotController, Assert.Single(again.Topics).ErrorCode);
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(topic, 0, Batches.Of("a"))).ErrorCode);
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Fetch(topic, 0, 0)).ErrorCode);
        Assert.Equal(["before"], await client.TopicNames());
        var producer = await client.Send(new InitProducerIdRequest { TransactionalId = null });
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, producer.ErrorCode);

        // The next life, on a disk that works again, has what was acknowledged.
        node.Disk.Fault = null;
        await using var next = await node.CrashAsync(new Random(1), powerCut: true);
        Assert.Contains("before", await next.Connect().TopicNames());
    }

    [Fact]
    public async Task Another_directory_takes_only_its_own_partitions_with_it()
    {
        var node = await Node.StartAsync(("log.dirs", $"{Node.Root},{OtherDir}"));
        var client = node.Connect();
        var topic = await client.CreateTopic("t", partitions: 8);
        for (var i = 0; i < 8; i++)
            await client.ProduceValues(topic, i, "a");
        var lost = Enumerable.Range(0, 8).Where(i => node.Disk.Contents.ContainsKey($"{OtherDir}/t-{i}/partition.metadata")).ToArray();
        Assert.Equal(4, lost.Length);

        node.Disk.Fault = (_, path) => path.StartsWith(OtherDir, StringComparison.Ordinal) ? new IOException("I/O error") : null;
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(topic, lost[0], Batches.Of("b"))).ErrorCode);
        await UntilLeaders(client, topic, partition => lost.Contains(partition) ? -1 : 1);
        Assert.False(node.Server.Failed.IsCompleted);

        foreach (var i in Enumerable.Range(0, 8))
        {
            var isLost = lost.Contains(i);
            Assert.Equal(isLost ? ErrorCode.KafkaStorageError : ErrorCode.None, (await client.Produce(topic, i, Batches.Of("b"))).ErrorCode);
            Assert.Equal(isLost ? ErrorCode.KafkaStorageError : ErrorCode.None, (await client.Fetch(topic, i, 0)).ErrorCode);
        }

        var dirs = await client.Send(new DescribeLogDirsRequest { Topics = null });
        Assert.Equal(
            [(Node.Root, ErrorCode.None, 4), (OtherDir, ErrorCode.KafkaStorageError, 0)],
            dirs.Results.Select(dir => (dir.LogDir, dir.ErrorCode, dir.Topics.SelectMany(found => found.Partitions).Count())));

        // New topics go where there is a disk.
        var second = await client.CreateTopic("second", partitions: 4);
        for (var i = 0; i < 4; i++)
            await client.ProduceValues(second, i, "a");
        Assert.DoesNotContain(node.Disk.Contents.Keys, path => path.StartsWith($"{OtherDir}/second", StringComparison.Ordinal));

        // A start while the disk is still away makes no empty logs in place of those that lie there.
        node = await node.CrashAsync(new Random(1), powerCut: false);
        client = node.Connect();
        await UntilLeaders(client, topic, partition => lost.Contains(partition) ? -1 : 1);
        Assert.DoesNotContain(node.Disk.Contents.Keys, path => lost.Any(i => path.StartsWith($"{Node.Root}/t-{i}/", StringComparison.Ordinal)));

        // And one with the disk back has everything.
        node.Disk.Fault = null;
        node = await node.RestartAsync();
        client = node.Connect();
        await UntilLeaders(client, topic, _ => 1);
        foreach (var i in Enumerable.Range(0, 8))
            Assert.Equal("a", Batches.Values((await client.Fetch(topic, i, 0)).Records)[0]);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task Coordinators_move_away_from_a_directory_that_fails()
    {
        await using var node = await Node.StartAsync(("log.dirs", $"{Node.Root},{OtherDir}"));
        var client = node.Connect();
        await client.CreateTopic("t");
        await client.Send(new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["any"] });
        var lost = Enumerable.Range(0, 2).Single(i => node.Disk.Contents.ContainsKey($"{OtherDir}/__consumer_offsets-{i}/partition.metadata"));
        var groups = Enumerable.Range(0, 20).Select(i => $"group-{i}").ToLookup(group => Coordination.Runtime.CoordinatorPlacement.PartitionFor(group, 2) == lost);
        foreach (var group in groups.SelectMany(group => group))
            Assert.Equal(ErrorCode.None, await Commit(client, group));

        node.Disk.Fault = (_, path) => path.StartsWith(OtherDir, StringComparison.Ordinal) ? new IOException("I/O error") : null;
        foreach (var group in groups[true])
            Assert.Equal(ErrorCode.NotCoordinator, await Commit(client, group));
        foreach (var group in groups[false])
            Assert.Equal(ErrorCode.None, await Commit(client, group));
    }

    [Fact]
    public async Task A_port_in_use_leaves_nothing_behind()
    {
        var disk = new MemoryFileSystem();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var node = Node.On(disk, ("listeners", $"PLAINTEXT://127.0.0.1:{port}"));
        await Assert.ThrowsAsync<ListenerException>(node.Server.StartAsync);
        await node.Server.StopAsync();

        taken.Stop();
        await using var next = await node.NextAsync();
        await next.Connect().CreateTopic("t");
    }

    [Fact]
    public async Task A_directory_in_use_leaves_nothing_behind()
    {
        await using var owner = await Node.StartAsync();
        var disk = owner.Disk;
        await using var node = Node.On(disk);
        var refusal = await Assert.ThrowsAsync<LogDirectoryException>(node.Server.StartAsync);
        Assert.Contains("/logs is in use by another process", refusal.Message);
        await owner.Connect().CreateTopic("t");

        await owner.DisposeAsync();
        await using var next = await node.NextAsync();
        Assert.Equal(["t"], await next.Connect().TopicNames());
    }

    [Fact]
    public async Task A_disk_that_fails_at_any_point_of_a_start_leaves_nothing_behind()
    {
        // Two lives first, so that there is something to be read; a clean and an unclean start take different ways.
        foreach (var isClean in (bool[])[true, false])
        {
            var node = await Node.StartAsync();
            await node.Connect().CreateTopic("t", partitions: 2);
            if (isClean)
                await node.DisposeAsync();
            else
                await node.KillAsync(new Random(1), powerCut: false);

            var failures = 0;
            for (var operations = 0; ; operations++)
            {
                var left = operations;
                node.Disk.Fault = (_, _) => Interlocked.Decrement(ref left) < 0 ? new IOException("I/O error") : null;
                var failing = Node.On(node.Disk);
                var failure = await Record.ExceptionAsync(failing.Server.StartAsync);
                node.Disk.Fault = null;
                await failing.DisposeAsync();
                if (failure is null)
                    break;
                Assert.True(failure is IOException or LogDirectoryException or BrokerStartException, failure.ToString());
                failures++;
            }

            Assert.True(failures > 20, $"only {failures} operations could fail");
            await using var next = await node.NextAsync();
            Assert.Equal(["t"], await next.Connect().TopicNames());
        }
    }

    [Fact]
    public async Task A_node_that_comes_up_can_be_stopped()
    {
        var disk = new MemoryFileSystem();
        using var reached = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        disk.Syncing = path =>
        {
            if (!path.Contains("quorum-state"))
                return;
            reached.Set();
            goOn.Wait();
        };
        var node = Node.On(disk);
        var starting = node.Server.StartAsync();
        reached.Wait();
        var early = node.Connect(); // a client that is early: it waits for the node to come up
        var asked = early.Send(new MetadataRequest { Topics = null });
        var stopping = node.Server.StopAsync();
        goOn.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        await stopping;
        await Assert.ThrowsAnyAsync<IOException>(() => asked);

        await using var next = await node.NextAsync();
        await next.Connect().CreateTopic("t");
    }

    [Fact]
    public async Task Nobody_who_waits_keeps_a_node_from_stopping()
    {
        var node = await Node.StartAsync();
        var topic = await node.Connect().CreateTopic("t");
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        request.MaxWaitMs = 1_000_000; // of a clock that stands still
        var waiting = Enumerable.Range(0, 4).Select(_ => node.Connect().Send(request)).ToArray();
        while (node.Server.WaitingFetches < 4)
            await Task.Yield();
        await node.Server.StopAsync();
        foreach (var fetch in waiting)
            Assert.Equal(ErrorCode.NotLeaderOrFollower, (await fetch).Only().ErrorCode);
        await node.DisposeAsync();
    }

    [Fact]
    public async Task A_topic_can_be_deleted_while_it_is_written_to()
    {
        await using var node = await Node.StartAsync();
        for (var round = 0; round < 5; round++)
        {
            var topic = await node.Connect().CreateTopic("t", partitions: 2);
            using var deleted = new CancellationTokenSource();
            var writers = Enumerable.Range(0, 4).Select(async writer =>
            {
                var client = node.Connect();
                var written = 0;
                while (true)
                {
                    var answer = await client.Produce(topic, writer % 2, Batches.Of("a"));
                    if (answer.ErrorCode != ErrorCode.None)
                        return (Written: written, answer.ErrorCode);
                    written++;
                }
            }).ToArray();
            while ((await node.Connect().Fetch(topic, 0, 0)).HighWatermark < 20)
                await Task.Yield();
            await node.Connect().Send(new DeleteTopicsRequest { Topics = [new() { Name = "t" }], TimeoutMs = 1000 });
            foreach (var (written, error) in await Task.WhenAll(writers))
            {
                Assert.True(written > 0);
                Assert.Contains(error, (ErrorCode[])[ErrorCode.UnknownTopicId, ErrorCode.UnknownTopicOrPartition, ErrorCode.NotLeaderOrFollower]);
            }
        }

        Assert.Empty(node.Log.Lines);
        Assert.False(node.Server.Failed.IsCompleted);
    }

    [Fact]
    public async Task Changed_configurations_reach_logs_that_are_open()
    {
        await using var node = await Node.StartAsync();
        var client = node.Connect();
        var topic = await client.CreateTopic("t");
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Set(2, "t", "max.message.bytes", "1000");
        Assert.Equal(ErrorCode.MessageTooLarge, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Set(2, "t", "max.message.bytes", null);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Set(4, "", "message.max.bytes", "1000"); // of all brokers
        Assert.Equal(ErrorCode.MessageTooLarge, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Set(2, "t", "min.insync.replicas", "2"); // of one replica all of them are one
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(500))).ErrorCode);

        async Task Set(sbyte type, string name, string key, string? value)
        {
            var response = await client.Send(new IncrementalAlterConfigsRequest
            {
                Resources =
                [
                    new()
                    {
                        ResourceType = type,
                        ResourceName = name,
                        Configs = [new() { Name = key, Value = value, ConfigOperation = value is null ? (sbyte)1 : (sbyte)0 }],
                    },
                ],
            });
            Assert.Equal((ErrorCode.None, null), Assert.Single(response.Responses) is var answer ? (answer.ErrorCode, answer.ErrorMessage) : default);
        }
    }

    private static async Task<ErrorCode> Commit(TestClient client, string group)
    {
        var response = await client.Send(
            new OffsetCommitRequest
            {
                GroupId = group,
                GenerationIdOrMemberEpoch = -1,
                Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = 1 }] }],
            },
            version: 9);
        return Assert.Single(Assert.Single(response.Topics).Partitions).ErrorCode;
    }

    // The controller hears of a directory from a heartbeat that nobody waits for.
    private static async Task UntilLeaders(TestClient client, TestTopic topic, Func<int, int> leaderOf)
    {
        using var patience = new CancellationTokenSource(TestClient.Patience);
        while ((await client.Describe(topic.Name)).Partitions.Any(partition => partition.LeaderId != leaderOf(partition.PartitionIndex)))
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
