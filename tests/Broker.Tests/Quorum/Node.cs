using Microsoft.Extensions.Time.Testing;
using Milena.Metadata.Configs;
using Milena.Protocol.Messages;
using Milena.Storage.Tests;

namespace Milena.Broker.Tests.Quorum;

/// <summary>
/// A broker on a disk in memory that can be cut off from its power, filled up or broken, and whose clock stands still unless it
/// is moved. Several nodes may live on a disk, one after the other.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    public const string Root = "/logs";
    public const string MetadataLog = $"{Root}/__cluster_metadata-0";

    private readonly (string Name, string Value)[] settings;
    private readonly ProcessDisk process;
    private readonly List<TestClient> clients = [];

    private Node(MemoryFileSystem disk, FakeTimeProvider time, (string Name, string Value)[] settings)
    {
        this.settings = settings;
        Disk = disk;
        Time = time;
        process = new ProcessDisk(disk);
        Server = new BrokerServer(Config(settings), Log, time, new SharedRandom(Guid.NewGuid().GetHashCode()), process);
    }

    public MemoryFileSystem Disk { get; }

    public FakeTimeProvider Time { get; }

    public LinesLogger Log { get; } = new();

    public BrokerServer Server { get; }

    /// <summary>The names of the snapshots on the disk, the oldest first.</summary>
    public string[] Snapshots => [.. FilesOfMetadata().Where(name => name.EndsWith(".checkpoint", StringComparison.Ordinal)).Order()];

    /// <summary>A node that is not started yet.</summary>
    public static Node On(MemoryFileSystem disk, params (string Name, string Value)[] settings) =>
        new(disk, new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), settings);

    /// <summary>A node on an empty disk.</summary>
    public static Task<Node> StartAsync(params (string Name, string Value)[] settings) => StartAsync(new MemoryFileSystem(), settings);

    /// <summary>A node on what the disk holds.</summary>
    public static async Task<Node> StartAsync(MemoryFileSystem disk, params (string Name, string Value)[] settings)
    {
        var node = On(disk, settings);
        await node.Server.StartAsync();
        return node;
    }

    /// <summary>Stops it in order, and starts the next.</summary>
    public async Task<Node> RestartAsync()
    {
        await DisposeAsync();
        return await NextAsync();
    }

    /// <summary>The process dies, or the power is cut; another is started on what is left.</summary>
    public async Task<Node> CrashAsync(Random random, bool powerCut)
    {
        await KillAsync(random, powerCut);
        return await NextAsync();
    }

    /// <summary>Whether the process has died by itself (<see cref="DieAfter"/>).</summary>
    public bool IsDead { get; private set; }

    /// <summary>The process dies at one of its next operations on the disk.</summary>
    public void DieAfter(int operations) => Disk.Fault = (_, _) =>
    {
        if (IsDead || Interlocked.Decrement(ref operations) >= 0)
            return null;
        IsDead = true;
        process.Kill();
        return new IOException("the process is dead");
    };

    /// <summary>The process dies, or the power is cut.</summary>
    public async Task KillAsync(Random random, bool powerCut)
    {
        process.Kill();
        Disk.Crash(random, powerCut);
        await DisposeAsync(); // lets go of ports and threads; nothing reaches the disk any more
    }

    /// <summary>Another life on the same disk, under the same clock.</summary>
    public async Task<Node> NextAsync()
    {
        var next = Next();
        await next.Server.StartAsync();
        return next;
    }

    /// <summary>The same, not started yet.</summary>
    public Node Next() => new(Disk, Time, settings);

    public TestClient Connect()
    {
        var client = new TestClient(Server.Connect("PLAINTEXT"), "tests");
        clients.Add(client);
        return client;
    }

    /// <summary>The files beside the metadata log.</summary>
    public IEnumerable<string> FilesOfMetadata() =>
        Disk.Contents.Keys.Where(path => path.StartsWith(MetadataLog + "/", StringComparison.Ordinal)).Select(path => Path.GetFileName(path));

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

/// <summary>Requests that tests of the quorum need.</summary>
internal static class NodeClientExtensions
{
    public static async Task<string[]> TopicNames(this TestClient client) =>
        [.. (await client.Send(new MetadataRequest { Topics = null })).Topics.Select(topic => topic.Name!).Order(StringComparer.Ordinal)];

    public static async Task<MetadataResponse.MetadataResponseTopic> Describe(this TestClient client, string topic) =>
        Assert.Single((await client.Send(new MetadataRequest { Topics = [new() { Name = topic }] })).Topics);
}
