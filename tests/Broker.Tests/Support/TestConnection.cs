using Microsoft.Extensions.Logging.Abstractions;
using Milena.Broker.Metrics;
using Milena.Metrics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests;

/// <summary>Connections to hand to handlers that are called by the test itself.</summary>
internal static class TestConnection
{
    /// <summary>What is measured of requests that are made without a broker; nobody looks at it.</summary>
    public static RequestMetrics Metrics { get; } = new(new MetricRegistry(TimeProvider.System));

    /// <summary>The broker's end of a connection that a client has opened and left.</summary>
    public static async Task<Connection> Make(string listener = TestBroker.Listener)
    {
        var catcher = new Catcher();
        await using var server = new FrameServer(catcher, new FrameServerOptions(), TimeProvider.System, NullLogger<FrameServer>.Instance);
        await using var client = new TestClient(server.Connect(listener), "c");
        await client.SendOneWay(new ApiVersionsRequest(), 0);
        return await catcher.Caught.Task;
    }

    private sealed class Catcher : IFrameHandler
    {
        public TaskCompletionSource<Connection> Caught { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask<OutboundFrame?> HandleAsync(Connection connection, InboundFrame frame)
        {
            Caught.TrySetResult(connection);
            return new(default(OutboundFrame));
        }

        public void OnClosed(Connection connection)
        {
        }
    }
}
