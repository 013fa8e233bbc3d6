using System.Diagnostics.CodeAnalysis;
using Milena.Metrics;

namespace Milena.Broker.Fetching;

/// <summary>
/// The fetch sessions of this broker: at most <c>max.incremental.fetch.session.cache.slots</c>. When it is full, a newcomer
/// gets the place of the session that was idle for longest, if that is longer than
/// <c>min.incremental.fetch.session.eviction.ms</c>, or of a lesser one (KIP-227); else it goes without.
/// </summary>
internal sealed class FetchSessionCache(int slotsMax, long evictionMs, Random random)
{
    /// <summary>
    /// The most partitions that a session may remember; who follows more sends them each time. Without a bound, a client could make
    /// the broker remember whatever it can name.
    /// </summary>
    public const int PartitionsMax = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<int, FetchSession> sessions = [];

    public int Count
    {
        get
        {
            lock (gate)
                return sessions.Count;
        }
    }

    /// <summary>How many partitions all sessions remember together.</summary>
    public long PartitionCount
    {
        get
        {
            lock (gate)
                return sessions.Values.Sum(session => (long)session.Count);
        }
    }

    /// <summary>Counts sessions that gave way to others; null for nobody.</summary>
    public Meter? Evictions { get; set; }

    public bool TryGet(int id, [NotNullWhen(true)] out FetchSession? session)
    {
        lock (gate)
            return sessions.TryGetValue(id, out session);
    }

    public void Remove(int id)
    {
        lock (gate)
            sessions.Remove(id);
    }

    public void Touch(FetchSession session, long nowMs)
    {
        lock (gate)
            session.LastUsedMs = nowMs;
    }

    /// <summary>A new session for <paramref name="partitionCount"/> partitions, or null if there is no place for it.</summary>
    public FetchSession? TryCreate(bool usesTopicIds, bool isPrivileged, int partitionCount, long nowMs)
    {
        if (partitionCount > PartitionsMax)
            return null;
        lock (gate)
        {
            if (sessions.Count >= slotsMax && !TryEvict(isPrivileged, partitionCount, nowMs))
                return null;
            var session = new FetchSession(NewId(), usesTopicIds, isPrivileged) { CreatedMs = nowMs, LastUsedMs = nowMs };
            sessions.Add(session.Id, session);
            return session;
        }
    }

    private bool TryEvict(bool isPrivileged, int partitionCount, long nowMs)
    {
        var victim = sessions.Values.MinBy(session => session.LastUsedMs);
        if (victim is null)
            return false;
        if (nowMs - victim.LastUsedMs <= evictionMs)
        {
            // Nobody is idle. Old sessions may be displaced by bigger ones, and those of consumers by followers.
            victim = sessions.Values
                .Where(session => (isPrivileged && !session.IsPrivileged) || nowMs - session.CreatedMs > evictionMs)
                .OrderBy(session => session.IsPrivileged).ThenBy(session => session.Count).ThenBy(session => session.Id)
                .FirstOrDefault();
            if (victim is null || (isPrivileged, partitionCount).CompareTo((victim.IsPrivileged, victim.Count)) < 0)
                return false;
        }

        Evictions?.Mark();
        return sessions.Remove(victim.Id);
    }

    private int NewId()
    {
        while (true)
        {
            var id = random.Next(1, int.MaxValue);
            if (!sessions.ContainsKey(id))
                return id;
        }
    }
}
