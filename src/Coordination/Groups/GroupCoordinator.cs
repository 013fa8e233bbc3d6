using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Groups;

/// <summary>
/// The group coordinator of a broker: serves the groups of those partitions of <c>__consumer_offsets</c> that the broker leads.
/// Requests come decoded and authorised, and get their response; all state lives in the partitions' lanes.
/// </summary>
/// <remarks>
/// Owned by the broker, its requests from any thread. The broker says which partitions are its own (<see cref="OnElected"/>,
/// <see cref="OnResigned"/>), one change after the other, and what has become of topics (<see cref="OnTopicsDeleted"/>).
/// </remarks>
public sealed partial class GroupCoordinator : IDisposable
{
    /// <summary>The topic that keeps the groups.</summary>
    public const string OffsetsTopic = "__consumer_offsets";

    private readonly GroupConfig config;
    private readonly IGroupTopics topics;
    private readonly ConsumerParts parts;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly MemberIds memberIds;

    // Guards the table of the partitions, and whether there is one.
    private readonly Lock gate = new();
    private readonly Dictionary<int, (int LeaderEpoch, GroupShard Shard)> shards = [];
    private bool isClosed;

    /// <param name="config">What the operator has decided.</param>
    /// <param name="topics">The cluster's topics.</param>
    /// <param name="time">For sessions and timestamps.</param>
    /// <param name="random">
    /// Names the members. The coordinator uses it alone. Seeded from a source that cannot be guessed, outside of tests.
    /// </param>
    /// <param name="logger">For rebalances and loading.</param>
    public GroupCoordinator(GroupConfig config, IGroupTopics topics, TimeProvider time, Random random, ILogger<GroupCoordinator> logger)
    {
        this.config = config;
        this.topics = topics;
        this.time = time;
        this.logger = logger;
        parts = new ConsumerParts(config, topics, ConsumerAssignors.Of(config.ConsumerAssignors));
        memberIds = new MemberIds(random);
    }

    /// <summary>The partition of <see cref="OffsetsTopic"/> that keeps this group: its leader is the group's coordinator.</summary>
    public int PartitionFor(string groupId) => CoordinatorPlacement.PartitionFor(groupId, PartitionCount);

    private int PartitionCount => topics.PartitionCount(OffsetsTopic) is > 0 and var count ? count : config.OffsetsTopicPartitions;

    /// <summary>
    /// The broker leads this partition from now on: its records are replayed, and its groups are served. Without effect if it is
    /// known to be led in this epoch or a later one.
    /// </summary>
    /// <returns>True once its groups are served; false if that was overtaken by a later change.</returns>
    /// <exception cref="Exception">The partition could not be read; it has been logged, and its groups are not served.</exception>
    public Task<bool> OnElected(int partition, int leaderEpoch, ICoordinatorLog log)
    {
        GroupShard shard;
        lock (gate)
        {
            if (isClosed)
                return Task.FromResult(false);
            if (shards.TryGetValue(partition, out var known))
            {
                if (known.LeaderEpoch >= leaderEpoch)
                    return Task.FromResult(false);
                shard = known.Shard;
            }
            else
                shard = new GroupShard(partition, parts, Counters, time, logger);
            shards[partition] = (leaderEpoch, shard);
        }
        return shard.Open(log);
    }

    /// <summary>The broker no longer leads this partition. Whoever waits for its groups is sent to find the coordinator again.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="leaderEpoch">The epoch that ended it, or null if the partition is gone; an epoch of the past has no effect.</param>
    public void OnResigned(int partition, int? leaderEpoch = null)
    {
        GroupShard shard;
        lock (gate)
        {
            if (!shards.TryGetValue(partition, out var known) || leaderEpoch < known.LeaderEpoch)
                return;
            shards.Remove(partition);
            shard = known.Shard;
        }
        shard.Dispose();
    }

    /// <summary>The broker stops: nobody is served any more, and whoever waits is sent away.</summary>
    public void Close()
    {
        GroupShard[] all;
        lock (gate)
        {
            isClosed = true;
            all = [.. shards.Values.Select(entry => entry.Shard)];
            shards.Clear();
        }
        foreach (var shard in all)
            shard.Dispose();
    }

    /// <inheritdoc cref="Close"/>
    public void Dispose() => Close();

    // The shard of a group, or the error that says why there is none.
    private GroupShard? ShardOf(string groupId, out ErrorCode error)
    {
        lock (gate)
        {
            error = isClosed ? ErrorCode.CoordinatorNotAvailable : ErrorCode.NotCoordinator;
            return shards.TryGetValue(PartitionFor(groupId), out var known) ? known.Shard : null;
        }
    }

    private GroupShard[] AllShards()
    {
        lock (gate)
            return [.. shards.OrderBy(entry => entry.Key).Select(entry => entry.Value.Shard)];
    }
}
