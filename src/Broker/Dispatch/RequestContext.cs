using Milena.Network;
using Milena.Protocol;

namespace Milena.Broker.Dispatch;

/// <summary>What an API handler may know of a request besides its body.</summary>
internal sealed class RequestContext(
    Connection connection, InboundFrame frame, ApiKey key, short version, int correlationId, string? clientId)
{
    public Connection Connection { get; } = connection;

    public ApiKey Key { get; } = key;

    /// <summary>The version of the request, and so of the response.</summary>
    public short Version { get; } = version;

    public int CorrelationId { get; } = correlationId;

    /// <summary>What the client calls itself; null if it does not say.</summary>
    public string? ClientId { get; } = clientId;

    /// <summary>The listener that the request arrived on; answers name the endpoints of this listener.</summary>
    public string ListenerName => Connection.ListenerName;

    /// <summary>The client's address as Kafka writes it in groups: <c>/127.0.0.1</c>.</summary>
    public string ClientHost => Connection.State is ConnectionState state ? state.ClientHost : "";

    /// <summary>Fires when the client is gone.</summary>
    public CancellationToken Aborted => Connection.Closed;

    /// <summary>
    /// Gives the request's bytes back before it is answered: to be called before a long wait, by whoever needs none of them any more.
    /// The memory of all requests is bounded, and what waits for a record must not keep it from others.
    /// </summary>
    public void ReleaseFrame() => frame.Dispose();
}
