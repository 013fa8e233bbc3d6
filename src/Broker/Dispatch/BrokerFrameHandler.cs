using Milena.Broker.Apis;
using Milena.Broker.Metrics;
using Milena.Network;
using Milena.Protocol;

namespace Milena.Broker.Dispatch;

/// <summary>
/// Reads a frame's header and calls the API that it asks for. The only way to reach an API. Until the broker serves, requests
/// wait.
/// </summary>
internal sealed class BrokerFrameHandler(RequestMetrics metrics) : IFrameHandler
{
    private readonly TaskCompletionSource<ApiRegistry> serving = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The broker is up: what has waited and what comes is answered.</summary>
    public void Serve(ApiRegistry registry) => serving.SetResult(registry);

    public ValueTask<OutboundFrame?> HandleAsync(Connection connection, InboundFrame frame)
    {
        return serving.Task.IsCompletedSuccessfully ? Handle(serving.Task.Result, connection, frame) : Later();

        async ValueTask<OutboundFrame?> Later()
        {
            var registry = await serving.Task.WaitAsync(connection.Closed);
            var answering = Handle(registry, connection, frame);
            OnPause(connection); // the connection has paused long ago
            return await answering;
        }
    }

    public void OnPause(Connection connection) => (connection.State as ConnectionState)?.Signals.Send();

    public void OnClosed(Connection connection)
    {
    }

    private ValueTask<OutboundFrame?> Handle(ApiRegistry registry, Connection connection, InboundFrame frame)
    {
        var prefix = RequestPrefix.Peek(frame.Bytes);
        var version = prefix.ApiVersion;
        if (!registry.TryGet(prefix.ApiKey, out var endpoint))
            throw new ConnectionClosingException($"it asks for API {prefix.ApiKey}, which is not served");
        if (version < endpoint.Versions.Min || version > endpoint.Versions.Max)
            return Unsupported(endpoint, version, prefix.CorrelationId);

        var reader = new MessageReader(frame.Bytes);
        var header = RequestHeaders.Read(ref reader, out _);
        var context = new RequestContext(connection, frame, endpoint.Key, version, header.CorrelationId, header.ClientId, metrics);
        ConnectionState.Of(connection);
        return endpoint.Invoke(context, ref reader);
    }

    private static ValueTask<OutboundFrame?> Unsupported(ApiEndpoint endpoint, short version, int correlationId)
    {
        if (endpoint.Key != ApiKey.ApiVersions || version < 0)
        {
            throw new ConnectionClosingException(
                $"it asks for {endpoint.Key} version {version}; versions {endpoint.Versions.Min} to {endpoint.Versions.Max} are served");
        }

        return new(Frames.Response(ApiVersionsApi.Unsupported(), version: 0, correlationId));
    }
}
