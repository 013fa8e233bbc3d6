using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>
/// The transaction coordinator of a broker: serves the transactional ids of those partitions of <c>__transaction_state</c> that the
/// broker leads. Requests come decoded and authorised, and get their response; all state lives in the partitions' lanes.
/// </summary>
/// <remarks>
/// Owned by the broker, its requests from any thread. The broker says which partitions are its own (<see cref="OnElected"/>,
/// <see cref="OnResigned"/>), one change after the other.
/// </remarks>
public sealed partial class TransactionCoordinator : ITransactionPartitions, IDisposable
{
    /// <summary>The topic that keeps the transactional ids.</summary>
    public const string StateTopic = "__transaction_state";

    private readonly TransactionParts parts;
    private readonly ITimer abortTimer;
    private readonly ITimer expirationTimer;

    // Guards the table of the partitions, and whether there is one.
    private readonly Lock gate = new();
    private readonly Dictionary<int, (int LeaderEpoch, TransactionShard Shard)> shards = [];
    private bool isClosed;

    /// <param name="config">What the operator has decided.</param>
    /// <param name="topics">The cluster's topics.</param>
    /// <param name="markers">The way to the partitions that are part of transactions.</param>
    /// <param name="nextProducerId">A producer id that nobody had, or the error that says why there is none now.</param>
    /// <param name="transactionVersion">The finalized level of <c>transaction.version</c>.</param>
    /// <param name="time">For time-outs, expiration and timestamps.</param>
    /// <param name="logger">For loading, and for what does not go through.</param>
    public TransactionCoordinator(
        TransactionConfig config,
        IGroupTopics topics,
        IMarkerChannel markers,
        Func<ValueTask<(ErrorCode Error, long ProducerId)>> nextProducerId,
        Func<short> transactionVersion,
        TimeProvider time,
        ILogger<TransactionCoordinator> logger)
    {
        parts = new(config, topics, markers, nextProducerId, transactionVersion, time, logger);
        abortTimer = Every(config.AbortCheckIntervalMs, static shard => shard.AbortOverdue());
        expirationTimer = Every(config.ExpirationCheckIntervalMs, static shard => shard.Expire());
    }

    /// <summary>Told how many ms each partition took to load; null for nobody.</summary>
    public Action<long>? LoadTimes
    {
        get => parts.LoadTimes;
        set => parts.LoadTimes = value;
    }

    /// <summary>The partition of <see cref="StateTopic"/> that keeps this id: its leader is the id's coordinator.</summary>
    public int PartitionFor(string transactionalId) => CoordinatorPlacement.PartitionFor(
        transactionalId, parts.Topics.PartitionCount(StateTopic) is > 0 and var count ? count : parts.Config.StateTopicPartitions);

    /// <summary>
    /// The broker leads this partition from now on: its records are replayed, its ids are served, and outcomes that were decided
    /// and not carried out are. Without effect if it is known to be led in this epoch or a later one.
    /// </summary>
    /// <returns>True once its ids are served; false if that was overtaken by a later change.</returns>
    /// <exception cref="Exception">The partition could not be read; it has been logged, and its ids are not served.</exception>
    public Task<bool> OnElected(int partition, int leaderEpoch, ICoordinatorLog log)
    {
        TransactionShard shard;
        TransactionShard? before = null;
        lock (gate)
        {
            if (isClosed)
                return Task.FromResult(false);
            if (shards.TryGetValue(partition, out var known))
            {
                if (known.LeaderEpoch >= leaderEpoch)
                    return Task.FromResult(false);
                before = known.Shard;
            }
            shard = new TransactionShard(partition, leaderEpoch, parts);
            shards[partition] = (leaderEpoch, shard);
        }
        before?.Dispose();
        return shard.Open(log);
    }

    /// <summary>The broker no longer leads this partition. Whoever waits is sent to find the coordinator again.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="leaderEpoch">The epoch that ended it, or null if the partition is gone; an epoch of the past has no effect.</param>
    public void OnResigned(int partition, int? leaderEpoch = null)
    {
        TransactionShard shard;
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
        TransactionShard[] all;
        lock (gate)
        {
            isClosed = true;
            all = [.. shards.Values.Select(entry => entry.Shard)];
            shards.Clear();
        }
        abortTimer.Dispose();
        expirationTimer.Dispose();
        foreach (var shard in all)
            shard.Dispose();
    }

    /// <inheritdoc cref="Close"/>
    public void Dispose() => Close();

    // The shard of an id, or the error that says why there is none.
    private TransactionShard? ShardOf(string transactionalId, out ErrorCode error)
    {
        lock (gate)
        {
            error = isClosed ? ErrorCode.CoordinatorNotAvailable : ErrorCode.NotCoordinator;
            return shards.TryGetValue(PartitionFor(transactionalId), out var known) ? known.Shard : null;
        }
    }

    private TransactionShard[] AllShards()
    {
        lock (gate)
            return [.. shards.OrderBy(entry => entry.Key).Select(entry => entry.Value.Shard)];
    }

    private ITimer Every(int intervalMs, Func<TransactionShard, Task> act)
    {
        var interval = TimeSpan.FromMilliseconds(intervalMs);
        return parts.Time.CreateTimer(
            _ =>
            {
                foreach (var shard in AllShards())
                    _ = act(shard); // catches and logs what goes wrong
            },
            null,
            interval,
            interval);
    }
}
