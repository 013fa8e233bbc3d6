namespace Milena.Network;

/// <summary>What has gone over the connections of a listener since the server was made.</summary>
/// <param name="Listener">The listener's name.</param>
/// <param name="Open">Connections that are open.</param>
/// <param name="Created">Connections that were accepted.</param>
/// <param name="Requests">Requests received.</param>
/// <param name="Responses">Responses handed over to be sent.</param>
/// <param name="ReceivedBytes">Bytes received.</param>
/// <param name="SentBytes">Bytes sent.</param>
/// <param name="Expired">Connections closed for having been idle.</param>
public readonly record struct ListenerTraffic(
    string Listener, long Open, long Created, long Requests, long Responses, long ReceivedBytes, long SentBytes, long Expired)
{
    /// <summary>Both together.</summary>
    public ListenerTraffic Plus(in ListenerTraffic other) => new(
        Listener,
        Open + other.Open,
        Created + other.Created,
        Requests + other.Requests,
        Responses + other.Responses,
        ReceivedBytes + other.ReceivedBytes,
        SentBytes + other.SentBytes,
        Expired + other.Expired);
}
