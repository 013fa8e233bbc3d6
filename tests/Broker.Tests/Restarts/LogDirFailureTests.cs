using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Restarts;

/// <summary>A log directory that fails takes its partitions with it, and nothing else.</summary>
public sealed class LogDirFailureTests : IDisposable
{
    private readonly TempDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task What_lies_in_it_answers_with_a_storage_error_and_the_rest_goes_on()
    {
        var (good, bad) = (Path.Combine(directory.Path, "good"), Path.Combine(directory.Path, "bad"));
        await using var broker = await TestBroker.StartIn(directory, ("log.dirs", $"{good},{bad}"));
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t", partitions: 4, configs: ("segment.bytes", "1048576"));
        var lost = (await Partitions(client, bad))[0];
        var kept = (await Partitions(client, good))[0];
        await client.ProduceValues(topic, lost, "a");

        Directory.Delete(bad, recursive: true);
        await client.Produce(topic, lost, Batches.OfSize(600_000));
        var full = await client.Produce(topic, lost, Batches.OfSize(600_000)); // needs a new segment
        Assert.Equal(ErrorCode.KafkaStorageError, full.ErrorCode);

        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(topic, lost, Batches.Of("b"))).ErrorCode);
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Fetch(topic, lost, 0)).ErrorCode);
        var old = await client.Fetch(topic, lost, 0, version: 5); // which does not know that error
        Assert.Equal(ErrorCode.NotLeaderOrFollower, old.ErrorCode);
        Assert.Equal(0, await client.ProduceValues(topic, kept, "b"));
        Assert.Equal(["b"], Batches.Values((await client.Fetch(topic, kept, 0)).Records));
        Assert.False(broker.Server.Failed.IsCompleted);
        await broker.Log.Line($"Log directory {bad} has failed");

        var directories = (await client.Send(new DescribeLogDirsRequest { Topics = null })).Results.ToDictionary(one => one.LogDir);
        Assert.Equal((ErrorCode.None, ErrorCode.KafkaStorageError), (directories[good].ErrorCode, directories[bad].ErrorCode));
    }

    [Fact]
    public async Task One_that_cannot_be_used_at_the_start_is_said_in_one_line()
    {
        var file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "");
        var log = new LinesLogger();
        await using var refused = new BrokerServer(TestBroker.Config(file), log, TimeProvider.System, new SharedRandom(1));
        var refusal = await Assert.ThrowsAsync<Storage.LogDirectoryException>(refused.StartAsync);
        Assert.StartsWith("none of the log directories can be used: ", refusal.Message);
        Assert.Empty(log.Lines); // whoever starts it says so

        await using var broker = await TestBroker.StartIn(directory, ("log.dirs", $"{Path.Combine(directory.Path, "good")},{file}"));
        var line = await broker.Log.Line($"log directory {file} has failed").WaitAsync(TestClient.Patience);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public async Task Without_any_directory_left_the_node_cannot_go_on()
    {
        var only = Path.Combine(directory.Path, "only");
        await using var broker = await TestBroker.StartIn(directory, ("log.dirs", only));
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t", configs: ("segment.bytes", "1048576"));
        await client.Produce(topic, 0, Batches.OfSize(600_000));
        Directory.Delete(only, recursive: true);
        Assert.Equal(ErrorCode.KafkaStorageError, (await client.Produce(topic, 0, Batches.OfSize(600_000))).ErrorCode);
        await broker.Server.Failed.WaitAsync(TestClient.Patience);
    }

    private static async Task<int[]> Partitions(TestClient client, string logDir)
    {
        var response = await client.Send(new DescribeLogDirsRequest { Topics = null });
        return
        [
            .. response.Results.Single(one => one.LogDir == logDir).Topics.Single(one => one.Name == "t").Partitions.Select(
                partition => partition.PartitionIndex),
        ];
    }
}
