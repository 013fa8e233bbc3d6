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

    public async ValueTask InitializeAsync() => broker = await TestBroker.StartAsync(("metrics.listener", "http://127.0.0.1:0"));

    public async ValueTask DisposeAsync()
    {
        if (broker is not null)
            await broker.DisposeAsync();
    }
}
