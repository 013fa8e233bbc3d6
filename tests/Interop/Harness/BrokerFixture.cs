namespace Milena.Interop.Harness;

/// <summary>One broker for all tests of a class.</summary>
public class BrokerFixture : IAsyncLifetime
{
    internal BrokerProcess Broker { get; private protected set; } = null!;

    public virtual async ValueTask InitializeAsync() => Broker = await BrokerProcess.Start();

    public virtual ValueTask DisposeAsync() => Broker.DisposeAsync();
}
