using Microsoft.Extensions.Time.Testing;
using Milena.Metadata.Configs;
using Milena.Storage;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>
/// A broker on a disk in memory, which can be cut off from its power, filled up or broken, and whose clock stands still unless it
/// is moved.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    public const string Root = "/logs";

    private readonly List<TestClient> clients = [];

    private Node(MemoryFileSystem disk, FakeTimeProvider time, params (string Name, string Value)[] settings)
    {
        Disk = disk;
        Time = time;
        Server = new BrokerServer(Config(settings), Log, time, new SharedRandom(Environment.TickCount), disk);
    }

    public MemoryFileSystem Disk { get; }

    public FakeTimeProvider Time { get; }

    public LinesLogger Log { get; } = new();

    public BrokerServer Server { get; }

    /// <summary>A node that is not started yet.</summary>
    public static Node On(MemoryFileSystem disk, FakeTimeProvider time, params (string Name, string Value)[] settings) => new(disk, time, settings);

    /// <summary>A node on an empty disk, or on what another left.</summary>
    public static async Task<Node> StartAsync(MemoryFileSystem? disk = null, params (string Name, string Value)[] settings)
    {
        var node = On(disk ?? new MemoryFileSystem(), new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), settings);
        await node.Server.StartAsync();
        return node;
    }

    /// <summary>Stops it, and starts another on the same disk.</summary>
    public async Task<Node> RestartAsync(params (string Name, string Value)[] settings)
    {
        await DisposeAsync();
        var next = On(Disk, Time, settings);
        await next.Server.StartAsync();
        return next;
    }

    public TestClient Connect()
    {
        var client = new TestClient(Server.Connect("PLAINTEXT"), "tests");
        clients.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
            await client.DisposeAsync();
        await Server.StopAsync();
    }

    private static BrokerConfig Config((string Name, string Value)[] settings)
    {
        var reading = BrokerConfigReader.Read(new ConfigInput
        {
            File =
            [
                new("listeners", "PLAINTEXT://127.0.0.1:0"),
                new("log.dirs", Root),
                new("offsets.topic.num.partitions", "2"),
                new("group.initial.rebalance.delay.ms", "0"),
            ],
            Overrides = [.. settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))],
        });
        Assert.Empty(reading.Errors);
        return reading.Config!;
    }
}
