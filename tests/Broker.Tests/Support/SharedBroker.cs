using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests;

/// <summary>The broker of all tests that need no broker of their own. It serves every API, and its clock stands still.</summary>
public sealed class SharedBroker : IAsyncLifetime
{
    private TestBroker? broker;
    private int lastTopic;

    internal TestBroker Broker => broker!;

    /// <summary>A topic that no other test has.</summary>
    internal Task<TestTopic> NewTopic(TestClient client, int partitions = 1, params (string Name, string Value)[] configs) =>
        client.CreateTopic(NewName(), partitions, configs);

    internal string NewName(string prefix = "topic") => $"{prefix}-{Interlocked.Increment(ref lastTopic)}";

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync(("metrics.listener", "http://127.0.0.1:0"));
        await using var client = broker.Connect();
        await client.Send(new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["any"] }); // makes the partitions of groups
        var groups = Enumerable.Range(0, 500).Select(i => new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = $"{i}", Topics = null }).ToArray();
        while ((await client.Send(new OffsetFetchRequest { Groups = groups })).Groups.Any(group => group.ErrorCode != ErrorCode.None))
            await Task.Yield(); // some are still being loaded
    }

    public async ValueTask DisposeAsync()
    {
        if (broker is not null)
            await broker.DisposeAsync();
    }
}
