using Milena.Broker.Metrics;
using Milena.Network;
using Milena.Protocol;

namespace Milena.Broker.Dispatch;

/// <summary>What an API handler may know of a request besides its body; and the clock that is held beside it.</summary>
internal sealed class RequestContext(
    Connection connection, InboundFrame frame, ApiKey key, short version, int correlationId, string? clientId, RequestMetrics metrics)
    : IFrameObserver
{
    private readonly long startedAt = metrics.Now;
    private long handledAt; // its thread had done with it; 0 as long as it has not
    private long answeredAt;

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

    /// <summary>The user whose quotas count.</summary>
    public string User => ConnectionState.Of(Connection).User;

    /// <summary>For how many milliseconds the client is throttled, as the response tells it.</summary>
    public int ThrottleMs { get; private set; }

    /// <summary>The size of the request. Not to be asked after <see cref="ReleaseFrame"/>.</summary>
    public int FrameBytes => frame.Length;

    /// <summary>Fires when the client is gone.</summary>
    public CancellationToken Aborted => Connection.Closed;

    /// <summary>
    /// Reads nothing more from the client for so many milliseconds, and lets the response say so (KIP-219). Of several, the longest counts.
    /// </summary>
    public void Throttle(int milliseconds)
    {
        if (milliseconds <= ThrottleMs)
            return;
        ThrottleMs = milliseconds;
        Connection.Mute(TimeSpan.FromMilliseconds(milliseconds));
    }

    /// <summary>
    /// Gives the request's bytes back before it is answered: to be called before a long wait, by whoever needs none of them any more.
    /// The memory of all requests is bounded, and what waits for a record must not keep it from others.
    /// </summary>
    public void ReleaseFrame()
    {
        Handled();
        frame.Dispose();
    }

    /// <summary>How long a thread was kept busy by it, as far as it has been.</summary>
    public TimeSpan LocalTime => TimeSpan.FromMicroseconds(Micros((handledAt == 0 ? metrics.Now : handledAt) - startedAt));

    /// <summary>How long the answer has been known.</summary>
    public TimeSpan SinceAnswered => TimeSpan.FromMicroseconds(Micros(metrics.Now - answeredAt));

    /// <summary>The thread that handles it has nothing more to do: the answer comes later. What counts is the first time.</summary>
    public void Handled()
    {
        if (handledAt == 0)
            handledAt = metrics.Now;
    }

    /// <summary>The answer is known. Null if the client wants none.</summary>
    public OutboundFrame? Answer<TResponse>(TResponse? response)
        where TResponse : class, IResponse<TResponse>
    {
        answeredAt = metrics.Now;
        if (handledAt == 0)
            handledAt = answeredAt;
        if (response is null)
        {
            OnSent();
            return null;
        }

        response.CountErrors(metrics.Of(Key));
        return Frames.Response(response, Version, CorrelationId, this);
    }

    /// <summary>The answer is sent: everything about the request is known.</summary>
    public void OnSent()
    {
        var now = metrics.Now;
        var api = metrics.Of(Key);
        api.CountVersion(Version);
        api.RequestBytes.Update(frame.Length);
        api.TotalTime.Update(Micros(now - startedAt));
        api.RequestQueueTime.Update(0);
        api.LocalTime.Update(Micros(handledAt - startedAt));
        api.RemoteTime.Update(Micros(answeredAt - handledAt));
        api.ThrottleTime.Update(ThrottleMs * 1000L);
        api.ResponseQueueTime.Update(0);
        api.ResponseSendTime.Update(Micros(now - answeredAt));
    }

    private long Micros(long ticks) => (long)(ticks * metrics.MicrosecondsPerTick);
}
