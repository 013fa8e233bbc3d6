namespace Milena.Broker.Fetching;

/// <summary>
/// The partitions that one client follows, remembered so that it sends only what changes (KIP-227). A session is used by
/// one request at a time; a second one waits at <see cref="Gate"/> and then fails on its epoch.
/// </summary>
internal sealed class FetchSession(int id, bool usesTopicIds, bool isPrivileged)
{
    private readonly Dictionary<FetchKey, LinkedListNode<FetchPartitionState>> byKey = [];
    private readonly LinkedList<FetchPartitionState> order = [];

    /// <summary>A positive number that the client cannot guess, or 0 where there is no session.</summary>
    public int Id { get; } = id;

    /// <summary>Whether partitions are named by topic id; a session never mixes the two.</summary>
    public bool UsesTopicIds { get; } = usesTopicIds;

    /// <summary>Followers are privileged: their sessions outlive those of consumers when the cache is full.</summary>
    public bool IsPrivileged { get; } = isPrivileged;

    /// <summary>The epoch that the next request must carry.</summary>
    public int NextEpoch { get; private set; } = 1;

    /// <summary>When the session was made, in ms.</summary>
    public long CreatedMs { get; init; }

    /// <summary>When the session was last used, in ms.</summary>
    public long LastUsedMs { get; set; }

    public int Count => byKey.Count;

    public Lock Gate { get; } = new();

    /// <summary>The partitions in the order in which they are to be read: those that got records last stand at the end.</summary>
    public IEnumerable<FetchPartitionState> Partitions => order;

    /// <summary>0 and -1 mean something else, so that the first one follows on the last.</summary>
    public static int EpochAfter(int epoch) => epoch == int.MaxValue ? 1 : epoch + 1;

    public void AdvanceEpoch() => NextEpoch = EpochAfter(NextEpoch);

    /// <summary>The state of a partition, new if the session does not have it.</summary>
    public FetchPartitionState Include(FetchKey key)
    {
        if (byKey.TryGetValue(key, out var node))
            return node.Value;
        var state = new FetchPartitionState(key);
        byKey.Add(key, order.AddLast(state));
        return state;
    }

    public void Forget(FetchKey key)
    {
        if (byKey.Remove(key, out var node))
            order.Remove(node);
    }

    /// <summary>Moves a partition that got records behind the others, so that none starves.</summary>
    public void MoveToEnd(FetchKey key)
    {
        if (!byKey.TryGetValue(key, out var node) || node.Next is null)
            return;
        order.Remove(node);
        order.AddLast(node);
    }
}
