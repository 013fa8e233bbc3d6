using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Administration;

/// <summary>Several log directories: new partitions go where there are fewest, and replicas move from one to another on demand.</summary>
public sealed class LogDirMoveTests : IDisposable
{
    private readonly TempDirectory directory = new();
    private readonly string a;
    private readonly string b;

    public LogDirMoveTests() => (a, b) = (Path.Combine(directory.Path, "a"), Path.Combine(directory.Path, "b"));

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Partitions_are_spread_over_the_directories()
    {
        await using var broker = await Start();
        await using var client = broker.Connect();
        await client.CreateTopic("t", partitions: 6);
        Assert.Equal((3, 3), ((await In(client, a)).Length, (await In(client, b)).Length));
    }

    [Fact]
    public async Task A_replica_moves_while_it_is_used_and_needs_the_old_directory_no_more()
    {
        await using var broker = await Start();
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t", partitions: 2);
        var number = Assert.Single(await In(client, b)).PartitionIndex;
        await client.ProduceValues(topic, number, "a", "b");

        Assert.Equal(ErrorCode.None, await Move(client, a, partition: number));
        await client.ProduceValues(topic, number, "c");
        await Until(async () => (await In(client, a)).Length == 2 && (await In(client, b)).Length == 0);
        Assert.All(await In(client, a), replica => Assert.False(replica.IsFutureKey));
        Assert.Equal(3, await client.ProduceValues(topic, number, "d"));
        Assert.Equal(ErrorCode.None, await Move(client, a, partition: number)); // it is there

        // Once the controller knows it, what becomes of the old directory does not matter.
        var elsewhere = await client.CreateTopic("elsewhere", configs: ("segment.bytes", "1048576"));
        Assert.Single(await In(client, b, "elsewhere"));
        await client.Produce(elsewhere, 0, Batches.OfSize(600_000));
        Directory.Delete(b, recursive: true);
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(elsewhere, 0, Batches.OfSize(600_000))).ErrorCode);
        await broker.Log.Line($"Log directory {b} has failed").WaitAsync(TestClient.Patience);
        Assert.Equal(4, await client.ProduceValues(topic, number, "e"));
        Assert.Equal(["a", "b", "c", "d", "e"], await ReadAll(client, topic, number));
    }

    [Fact]
    public async Task A_move_is_seen_while_it_is_throttled_and_goes_on_in_the_next_life()
    {
        TestTopic topic;
        string to;
        await using (var broker = await Start())
        {
            await using var client = broker.Connect();
            Assert.Equal(ErrorCode.None, await Throttle(client, "0"));
            topic = await client.CreateTopic("t");
            await client.ProduceValues(topic, 0, "a", "b", "c");
            to = (await In(client, a)).Length == 1 ? b : a;
            Assert.Equal(ErrorCode.None, await Move(client, to));
            var future = Assert.Single(await In(client, to));
            Assert.Equal((0, 3, true), (future.PartitionIndex, future.OffsetLag, future.IsFutureKey));
            Assert.Equal(["a", "b", "c"], await ReadAll(client, topic));
        }

        await using var next = await Start();
        await using var again = next.Connect();
        Assert.True(Assert.Single(await In(again, to)).IsFutureKey);
        Assert.Equal(ErrorCode.None, await Throttle(again, "1000000"));
        await Until(async () =>
        {
            next.Time.Advance(TimeSpan.FromSeconds(1));
            return (await In(again, to)) is [{ IsFutureKey: false }];
        });
        Assert.Equal(["a", "b", "c"], await ReadAll(again, topic));
    }

    [Fact]
    public async Task Where_it_cannot_go_the_protocols_error_is_the_answer()
    {
        await using var broker = await Start();
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        await client.ProduceValues(topic, 0, "a");
        foreach (var nowhere in new[] { directory.Path, "", "a", "\0", a + "/" })
            Assert.Equal(ErrorCode.LogDirNotFound, await Move(client, nowhere));
        Assert.Equal(ErrorCode.ReplicaNotAvailable, await Move(client, a, partition: 7));
        Assert.Equal(ErrorCode.ReplicaNotAvailable, await Move(client, b, "later"));
        Assert.Equal(["a"], await ReadAll(client, topic));

        // What was wished for what was not there yet is remembered.
        await client.CreateTopic("later");
        Assert.Equal(0, Assert.Single(await In(client, b, "later")).PartitionIndex);
    }

    [Fact]
    public async Task A_directory_that_has_failed_takes_nothing_in_and_the_others_go_on()
    {
        await using var broker = await Start();
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t", partitions: 2, configs: ("segment.bytes", "1048576"));
        var (kept, lost) = (Assert.Single(await In(client, a)).PartitionIndex, Assert.Single(await In(client, b)).PartitionIndex);
        Directory.Delete(b, recursive: true);
        await client.Produce(topic, lost, Batches.OfSize(600_000));
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(topic, lost, Batches.OfSize(600_000))).ErrorCode);

        Assert.Equal(ErrorCode.KafkaStorageError, await Move(client, b, partition: kept));
        Assert.Equal(ErrorCode.KafkaStorageError, await Move(client, a, partition: lost));
        Assert.Equal(0, await client.ProduceValues(topic, kept, "a"));
        var later = await client.CreateTopic("later", partitions: 3);
        Assert.Equal(3, (await In(client, a, "later")).Length);
        Assert.Equal(0, await client.ProduceValues(later, 2, "b"));
    }

    private Task<TestBroker> Start() => TestBroker.StartIn(directory, ("log.dirs", $"{a},{b}"));

    private static async Task Until(Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(TestClient.Patience);
        while (!await isSo())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static async Task<ErrorCode> Move(TestClient client, string logDir, string topic = "t", int partition = 0)
    {
        var response = await client.Send(new AlterReplicaLogDirsRequest
        {
            Dirs = [new() { Path = logDir, Topics = [new() { Name = topic, Partitions = [partition] }] }],
        });
        return Assert.Single(Assert.Single(response.Results).Partitions).ErrorCode;
    }

    private static async Task<ErrorCode> Throttle(TestClient client, string bytesPerSecond)
    {
        var response = await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = 4,
                    ResourceName = "",
                    Configs = [new() { Name = "replica.alter.log.dirs.io.max.bytes.per.second", Value = bytesPerSecond }],
                },
            ],
        });
        return Assert.Single(response.Responses).ErrorCode;
    }

    private static async Task<DescribeLogDirsResponse.DescribeLogDirsPartition[]> In(TestClient client, string logDir, string topic = "t")
    {
        var response = await client.Send(new DescribeLogDirsRequest { Topics = null });
        return response.Results.Single(one => one.LogDir == logDir).Topics.FirstOrDefault(one => one.Name == topic)?.Partitions ?? [];
    }

    private static async Task<string[]> ReadAll(TestClient client, TestTopic topic, int partition = 0)
    {
        var values = new List<string>();
        while (Batches.Values((await client.Fetch(topic, partition, values.Count)).Records) is [_, ..] more)
            values.AddRange(more);
        return [.. values];
    }
}
