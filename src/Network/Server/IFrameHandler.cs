using Milena.Protocol;

namespace Milena.Network;

/// <summary>Answers the requests of a <see cref="FrameServer"/>'s connections. Knows what the frames mean; the server does not.</summary>
public interface IFrameHandler
{
    /// <summary>
    /// Answers one request. Called in the order of the requests of a connection, never twice at once for the same one; what
    /// depends on that order happens before the first await. Responses leave in the same order, whichever is ready first.
    /// </summary>
    /// <returns>The response, which the server disposes; null if the request wants none (acks=0).</returns>
    /// <remarks>
    /// The frame is disposed when the returned task is done. <see cref="MalformedMessageException"/> and
    /// <see cref="ConnectionClosingException"/> close the connection with one line in the log; any other exception too, as a fault
    /// of ours. A handler that waits must give up when <see cref="Connection.Closed"/> fires.
    /// </remarks>
    ValueTask<OutboundFrame?> HandleAsync(Connection connection, InboundFrame frame);

    /// <summary>
    /// Called in the same order, before the connection waits for anything: more requests, its quota, a peer that takes its answers; and now
    /// and then while there are requests at hand. What a handler does for others than the connection's client, it may save up until then.
    /// </summary>
    void OnPause(Connection connection)
    {
    }

    /// <summary>Called once, after the connection is closed and all its calls of <see cref="HandleAsync"/> are done.</summary>
    void OnClosed(Connection connection);
}

/// <summary>Thrown by a handler when the protocol has no other answer than to close the connection.</summary>
/// <param name="message">Why, for the log.</param>
public sealed class ConnectionClosingException(string message) : Exception(message);
