using System.Net;
using Milena.Network;
using Milena.Replication;

namespace Milena.Broker.Dispatch;

/// <summary>What the broker remembers of a connection between its requests.</summary>
internal sealed class ConnectionState(Connection connection)
{
    /// <summary>The client's address as Kafka writes it: <c>/127.0.0.1</c>.</summary>
    public string ClientHost { get; } = "/" + (connection.RemoteEndPoint is IPEndPoint ip ? ip.Address.ToString() : "in-memory");

    /// <summary>Whose quotas count; there is no authentication, so everybody is the same user.</summary>
    public string User => "ANONYMOUS";

    /// <summary>The client library, as ApiVersions v3 and later name it; "unknown" before.</summary>
    public string ClientSoftwareName { get; set; } = "unknown";

    public string ClientSoftwareVersion { get; set; } = "unknown";

    /// <summary>
    /// Completes when the last produce request that had to wait before its appends has made them; null if none had to. Only what is
    /// handled in the order of the connection's requests may touch it.
    /// </summary>
    public Task? AppendsBefore { get; set; }

    /// <summary>What the connection's appends have not told yet. Only for appends that are made in the order of its requests.</summary>
    public SavedSignals Signals { get; } = new();

    /// <summary>The state of a connection, made on its first request.</summary>
    public static ConnectionState Of(Connection connection)
    {
        if (connection.State is not ConnectionState state)
            connection.State = state = new ConnectionState(connection);
        return state;
    }
}
