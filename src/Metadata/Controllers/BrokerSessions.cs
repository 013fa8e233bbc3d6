namespace Milena.Metadata.Controllers;

/// <summary>
/// When each broker was last heard of. This is not in the log, so a controller that becomes active knows nothing: it gives
/// registered brokers a whole session from the first moment it looks before it fences them; but until a broker itself spoke it
/// has no session that would keep another process from registering under its id. So a node whose process died and came back at
/// once does not wait for the end of a session that no one holds.
/// </summary>
internal sealed class BrokerSessions(int sessionTimeoutMs)
{
    private readonly Dictionary<int, Session> sessions = [];

    /// <summary>A broker spoke.</summary>
    /// <param name="brokerId">Who.</param>
    /// <param name="epoch">In which life.</param>
    /// <param name="metadataOffset">How far it has read the metadata log; null if it did not say.</param>
    /// <param name="nowMs">When.</param>
    public void Heard(int brokerId, long epoch, long? metadataOffset, long nowMs)
    {
        var session = sessions.GetValueOrDefault(brokerId);
        if (session is null || session.Epoch != epoch)
            session = new Session(epoch, 0, -1, null, HasSpoken: true);
        sessions[brokerId] = session with { LastHeardMs = nowMs, MetadataOffset = metadataOffset ?? session.MetadataOffset, HasSpoken = true };
    }

    /// <summary>A broker of which nothing is known is looked at: its time begins to run.</summary>
    public void Watch(int brokerId, long epoch, long nowMs)
    {
        if (!sessions.TryGetValue(brokerId, out var session) || session.Epoch != epoch)
            sessions[brokerId] = new Session(epoch, nowMs, -1, null, HasSpoken: false);
    }

    /// <summary>Whether the broker spoke in that life, and not too long ago.</summary>
    public bool IsAlive(int brokerId, long epoch, long nowMs) =>
        sessions.TryGetValue(brokerId, out var session) && session.Epoch == epoch && session.HasSpoken && nowMs - session.LastHeardMs < sessionTimeoutMs;

    /// <summary>Whether the broker's time is over.</summary>
    public bool IsExpired(int brokerId, long epoch, long nowMs) =>
        sessions.TryGetValue(brokerId, out var session) && session.Epoch == epoch && nowMs - session.LastHeardMs >= sessionTimeoutMs;

    /// <summary>How far the broker has read the metadata log; -1 if it never said.</summary>
    public long MetadataOffset(int brokerId) => sessions.GetValueOrDefault(brokerId)?.MetadataOffset ?? -1;

    /// <summary>Remembers where the log ended when the broker began to leave; the first time counts.</summary>
    public void BeganShutdown(int brokerId, long endOffset)
    {
        if (sessions.TryGetValue(brokerId, out var session))
            sessions[brokerId] = session with { ShutdownOffset = session.ShutdownOffset ?? endOffset };
    }

    /// <summary>Where the log ended when the broker began to leave; null if it is not leaving.</summary>
    public long? ShutdownOffset(int brokerId) => sessions.GetValueOrDefault(brokerId)?.ShutdownOffset;

    /// <summary>The broker is no longer registered.</summary>
    public void Forget(int brokerId) => sessions.Remove(brokerId);

    private sealed record Session(long Epoch, long LastHeardMs, long MetadataOffset, long? ShutdownOffset, bool HasSpoken);
}
