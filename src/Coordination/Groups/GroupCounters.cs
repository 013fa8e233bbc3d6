namespace Milena.Coordination.Groups;

/// <summary>What the group coordinator has done in this life, for whoever measures. Any thread may use it.</summary>
public sealed class GroupCounters
{
    private long offsetsCommitted;
    private long offsetsExpired;
    private long offsetsDeleted;
    private long rebalancesCompleted;
    private long consumerRebalances;
    private long loadsFailed;

    /// <summary>Offsets that were committed.</summary>
    public long OffsetsCommitted => Interlocked.Read(ref offsetsCommitted);

    /// <summary>Offsets that became too old.</summary>
    public long OffsetsExpired => Interlocked.Read(ref offsetsExpired);

    /// <summary>Offsets that were deleted by request or with their topic.</summary>
    public long OffsetsDeleted => Interlocked.Read(ref offsetsDeleted);

    /// <summary>Rebalances of classic groups that ended with all members at work.</summary>
    public long RebalancesCompleted => Interlocked.Read(ref rebalancesCompleted);

    /// <summary>Rebalances of groups of the consumer protocol: each new epoch is one.</summary>
    public long ConsumerRebalances => Interlocked.Read(ref consumerRebalances);

    /// <summary>Partitions that could not be loaded.</summary>
    public long LoadsFailed => Interlocked.Read(ref loadsFailed);

    /// <summary>Told how many ms each partition took to load; null for nobody.</summary>
    public Action<long>? LoadTimes { get; set; }

    internal void Commit(int count) => Interlocked.Add(ref offsetsCommitted, count);

    internal void Expire(int count) => Interlocked.Add(ref offsetsExpired, count);

    internal void Delete(int count) => Interlocked.Add(ref offsetsDeleted, count);

    internal void CountRebalances(Group before, Group after)
    {
        if (after is ClassicGroup { State: ClassicGroupState.Stable } && before is not ClassicGroup { State: ClassicGroupState.Stable })
            Interlocked.Increment(ref rebalancesCompleted);
        if (after is not ClassicGroup && after.Generation != before.Generation)
            Interlocked.Increment(ref consumerRebalances);
    }

    internal void FailLoad() => Interlocked.Increment(ref loadsFailed);
}

/// <summary>A group.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its kind, as ListGroups calls it.</param>
/// <param name="State">Its state, as ListGroups calls it.</param>
public readonly record struct GroupSummary(string Id, string Type, string State);
