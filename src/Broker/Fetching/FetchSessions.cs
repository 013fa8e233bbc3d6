using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Fetching;

/// <summary>Makes a <see cref="Fetch"/> of a request by the rules of fetch sessions (KIP-227, KIP-516).</summary>
internal sealed class FetchSessions(FetchSessionCache cache, TimeProvider time)
{
    private const short SessionsFrom = 7;
    private const short TopicIdsFrom = 13;
    private const int FinalEpoch = -1;
    private const int InitialEpoch = 0;

    /// <summary>The fetch that a request asks for, or why its session does not allow it.</summary>
    public ErrorCode Open(FetchRequest request, short version, out Fetch? fetch)
    {
        var byId = version >= TopicIdsFrom;
        if (version < SessionsFrom || request.SessionEpoch == FinalEpoch)
        {
            if (version >= SessionsFrom && request.SessionId != 0)
                cache.Remove(request.SessionId);
            fetch = new Fetch(null, isIncremental: false, AskedOnce(request, byId));
            return ErrorCode.None;
        }

        return request.SessionEpoch == InitialEpoch ? OpenFull(request, byId, out fetch) : OpenIncremental(request, byId, out fetch);
    }

    /// <summary>
    /// An answer without anything of what was found. The client takes it for "nothing new" in an incremental session; in a new
    /// one it is not told of the session, and begins anew.
    /// </summary>
    public FetchResponse Withhold(Fetch fetch)
    {
        if (fetch is { SessionId: not 0 and var id, IsIncremental: false })
            cache.Remove(id);
        return new FetchResponse { SessionId = fetch.IsIncremental ? fetch.SessionId : 0, Responses = [] };
    }

    private ErrorCode OpenFull(FetchRequest request, bool byId, out Fetch? fetch)
    {
        if (request.SessionId != 0)
            cache.Remove(request.SessionId);
        var count = 0;
        foreach (var topic in request.Topics)
            count += topic.Partitions.Length;
        var session = count == 0 ? null : cache.TryCreate(byId, isPrivileged: false, count, NowMs);
        if (session is null)
        {
            fetch = new Fetch(null, isIncremental: false, AskedOnce(request, byId));
            return ErrorCode.None;
        }

        lock (session.Gate)
        {
            Include(session, request, byId);
            fetch = new Fetch(session, isIncremental: false, [.. session.Partitions]);
        }

        return ErrorCode.None;
    }

    private ErrorCode OpenIncremental(FetchRequest request, bool byId, out Fetch? fetch)
    {
        fetch = null;
        if (!cache.TryGet(request.SessionId, out var session))
            return ErrorCode.FetchSessionIdNotFound;
        lock (session.Gate)
        {
            if (session.NextEpoch != request.SessionEpoch)
                return ErrorCode.InvalidFetchSessionEpoch;
            if (session.UsesTopicIds != byId)
                return ErrorCode.FetchSessionTopicIdError;
            cache.Touch(session, NowMs);
            session.AdvanceEpoch();
            Include(session, request, byId);
            foreach (var topic in request.ForgottenTopicsData)
            {
                foreach (var partition in topic.Partitions)
                    session.Forget(Key(topic.Topic, topic.TopicId, partition, byId));
            }

            if (session.Count is 0 or > FetchSessionCache.PartitionsMax)
                cache.Remove(session.Id);
            if (session.Count == 0)
            {
                fetch = new Fetch(null, isIncremental: false, []);
                return ErrorCode.None;
            }

            fetch = new Fetch(session, isIncremental: true, [.. session.Partitions]);
            return ErrorCode.None;
        }
    }

    private static void Include(FetchSession session, FetchRequest request, bool byId)
    {
        foreach (var topic in request.Topics)
        {
            foreach (var asked in topic.Partitions)
                Update(session.Include(Key(topic.Topic, topic.TopicId, asked.Partition, byId)), asked);
        }
    }

    private static FetchPartitionState[] AskedOnce(FetchRequest request, bool byId)
    {
        var count = 0;
        foreach (var topic in request.Topics)
            count += topic.Partitions.Length;
        var states = new FetchPartitionState[count];
        count = 0;
        foreach (var topic in request.Topics)
        {
            foreach (var asked in topic.Partitions)
                Update(states[count++] = new(Key(topic.Topic, topic.TopicId, asked.Partition, byId)), asked);
        }

        return states;
    }

    private static void Update(FetchPartitionState state, FetchRequest.FetchPartition asked)
    {
        state.FetchOffset = asked.FetchOffset;
        state.MaxBytes = asked.PartitionMaxBytes;
        state.CurrentLeaderEpoch = asked.CurrentLeaderEpoch;
        state.LastFetchedEpoch = asked.LastFetchedEpoch;
    }

    private static FetchKey Key(string topic, Common.Uuid topicId, int partition, bool byId) =>
        byId ? new(topicId, "", partition) : new(default, topic, partition);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
