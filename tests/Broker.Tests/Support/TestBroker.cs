using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Metadata.Configs;

namespace Milena.Broker.Tests;

/// <summary>
/// A whole broker in the test's process, with a clock that stands still unless the test moves it, and clients over the in-memory
/// transport. Its directory is its own, or one that outlives it.
/// </summary>
internal sealed class TestBroker : IAsyncDisposable
{
    public const string Listener = "PLAINTEXT";

    private readonly TempDirectory? ownDirectory;
    private readonly ConcurrentQueue<TestClient> clients = new();

    private TestBroker(BrokerServer server, FakeTimeProvider time, LinesLogger log, string directory, TempDirectory? ownDirectory)
    {
        Server = server;
        Time = time;
        Log = log;
        Directory = directory;
        this.ownDirectory = ownDirectory;
    }

    public BrokerServer Server { get; }

    public FakeTimeProvider Time { get; }

    public LinesLogger Log { get; }

    public string Directory { get; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public int Port => Server.Bound[0].Port;

    /// <summary>A broker in a new directory.</summary>
    public static Task<TestBroker> StartAsync(params (string Name, string Value)[] settings) => StartAsync(null, null, settings);

    /// <summary>A broker in a directory that stays when the broker goes.</summary>
    public static Task<TestBroker> StartIn(TempDirectory directory, params (string Name, string Value)[] settings) =>
        StartAsync(directory, null, settings);

    /// <summary>The same, with a clock that goes on from an earlier life.</summary>
    public static async Task<TestBroker> StartAsync(
        TempDirectory? directory, FakeTimeProvider? time, params (string Name, string Value)[] settings)
    {
        var own = directory is null ? new TempDirectory() : null;
        var path = (directory ?? own)!.Path;
        time ??= new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var log = new LinesLogger();
        var server = new BrokerServer(Config(path, settings), log, time, new SharedRandom(Guid.NewGuid().GetHashCode()));
        await server.StartAsync();
        return new TestBroker(server, time, log, path, own);
    }

    /// <summary>A client of the one listener.</summary>
    public TestClient Connect(string? clientId = "tests")
    {
        var client = new TestClient(Server.Connect(Listener), clientId);
        clients.Enqueue(client);
        return client;
    }

    /// <summary>Returns when so many fetches wait at the topic's partition 0.</summary>
    public async Task Parked(TestTopic topic, int count)
    {
        Assert.True(Server.Replicas!.TryGet(new TopicPartition(topic.Name, 0), out var partition));
        while (partition.WaitingCount != count)
            await Task.Yield();
    }

    public static BrokerConfig Config(string directory, params (string Name, string Value)[] settings)
    {
        var reading = BrokerConfigReader.Read(new ConfigInput
        {
            File =
            [
                new("listeners", $"{Listener}://127.0.0.1:0"),
                new("log.dirs", directory),
                new("offsets.topic.num.partitions", "2"),
                new("group.initial.rebalance.delay.ms", "0"),
                new("log.flush.before.ack", "never"),
            ],
            Overrides = [.. settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))],
        });
        Assert.Empty(reading.Errors);
        return reading.Config!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
            await client.DisposeAsync();
        await Server.StopAsync();
        ownDirectory?.Dispose();
    }
}
