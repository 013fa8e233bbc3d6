using Milena.Coordination.Runtime;

namespace Milena.Coordination.Groups;

public sealed partial class GroupCoordinator
{
    /// <summary>What it has done in this life.</summary>
    public GroupCounters Counters { get; } = new();

    /// <summary>The groups that are coordinated here, in their newest state. For reports, not for clients.</summary>
    public IEnumerable<GroupSummary> Summaries() =>
        AllShards().Select(shard => shard.Peek()).OfType<GroupsState>()
            .SelectMany(state => state.Groups.Values, (_, group) => new GroupSummary(group.Id, group.Type, group.StateName));

    /// <summary>How many offsets are committed here.</summary>
    public long CountOffsets() =>
        AllShards().Select(shard => shard.Peek()).OfType<GroupsState>()
            .Sum(state => state.Offsets.Groups.Sum(group => state.Offsets.Of(group).Values.Sum(partitions => (long)partitions.Count)));

    /// <summary>How many partitions of the groups' topic are served, and how many are being loaded.</summary>
    public (int Open, int Loading) CountPartitions()
    {
        var all = AllShards();
        return (all.Count(shard => shard.Status == LaneStatus.Open), all.Count(shard => shard.Status == LaneStatus.Loading));
    }
}
