using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Storage;

namespace Milena.Replication;

/// <summary>
/// The partitions that this node holds. It acts on the difference between two images of the cluster's metadata, and on
/// nothing else: opens logs, takes over and gives up leadership, drops what was deleted. Images come one after the other;
/// look-ups come from any thread.
/// </summary>
public sealed class ReplicaManager(ReplicationOptions options, LogManager logs, ILogger<ReplicaManager> logger)
{
    private readonly ConcurrentDictionary<TopicPartition, Partition> byName = new();
    private readonly ConcurrentDictionary<TopicIdPartition, Partition> byId = new();

    /// <summary>All partitions that this node holds, in no order.</summary>
    public IEnumerable<Partition> Partitions => byName.Values;

    /// <summary>Raised when this node becomes, or stops being, the leader of a partition; on the thread that brought the image.</summary>
    public event Action<Partition>? LeadershipChanged;

    /// <summary>Raised when a partition is no longer held here.</summary>
    public event Action<Partition>? Removed;

    /// <summary>The partition of a name, if this node holds it.</summary>
    public bool TryGet(TopicPartition name, [NotNullWhen(true)] out Partition? partition) => byName.TryGetValue(name, out partition);

    /// <summary>The partition of a topic id, if this node holds it.</summary>
    public bool TryGet(TopicIdPartition id, [NotNullWhen(true)] out Partition? partition) => byId.TryGetValue(id, out partition);

    /// <summary>Acts on what has changed in the cluster's metadata.</summary>
    public void Apply(MetadataDelta delta)
    {
        foreach (var topic in delta.DeletedTopics)
        {
            foreach (var number in topic.Partitions.Keys)
                Remove(new TopicPartition(topic.Name, number), deleteFiles: true);
        }

        foreach (var topic in delta.CreatedTopics)
        {
            var settings = new Lazy<TopicConfig>(() => options.TopicConfigOf(delta.After, topic.Name));
            foreach (var number in topic.Partitions.Keys)
                Hold(topic, number, settings);
        }

        foreach (var change in delta.ChangedTopics)
        {
            var settings = new Lazy<TopicConfig>(() => options.TopicConfigOf(delta.After, change.After.Name));
            foreach (var number in change.Partitions)
                Hold(change.After, number, settings);
        }

        Reconfigure(delta);
    }

    /// <summary>
    /// Leads nothing any more, because the node stops: whoever waits or comes is told to look for another leader. What was acknowledged
    /// stays so.
    /// </summary>
    public void Resign()
    {
        foreach (var partition in byName.Values)
            partition.SetLeadership(partition.Leadership with { IsLeader = false, LeaderId = PartitionImage.NoLeader });
    }

    private void Hold(TopicImage topic, int number, Lazy<TopicConfig> settings)
    {
        var name = new TopicPartition(topic.Name, number);
        if (!topic.TryGetPartition(number, out var state) || !state.Replicas.Contains(options.NodeId))
        {
            Remove(name, deleteFiles: true);
            return;
        }

        if (!byName.TryGetValue(name, out var partition) && (partition = Open(topic, name, state, settings.Value)) is null)
            return;
        var isLeader = state.Leader == options.NodeId;
        var wasLeader = partition.Leadership.IsLeader;
        var previousEpoch = partition.Leadership.LeaderEpoch;
        partition.SetLeadership(new(state.Leader, state.LeaderEpoch, state.PartitionEpoch, state.Replicas, state.Isr, isLeader));
        if (isLeader != wasLeader || (isLeader && state.LeaderEpoch != previousEpoch))
            LeadershipChanged?.Invoke(partition);
    }

    private Partition? Open(TopicImage topic, TopicPartition name, PartitionImage state, TopicConfig settings)
    {
        PartitionLog? log = null;
        var error = IsOutOfReach(name, state)
            ? ErrorCode.KafkaStorageError
            : logs.GetOrCreate(name, topic.Id, options.LogConfigOf(settings), out log);
        if (error != ErrorCode.None || log is null)
        {
            Log.CannotOpen(logger, name, error);
            return null;
        }

        var partition = new Partition(topic.Id, log, options.AckPolicy)
        {
            MinInSyncReplicas = settings.MinInsyncReplicas,
        };
        byName[name] = partition;
        byId[new TopicIdPartition(topic.Id, name.Partition)] = partition;
        return partition;
    }

    // Its records may lie in the directory that has failed: an empty log elsewhere must not be taken for them.
    private bool IsOutOfReach(TopicPartition name, PartitionImage state)
    {
        if (logs.Find(name) is not null || !logs.LogDirs.Any(dir => dir.IsOffline))
            return false;
        var directory = state.DirectoryOf(options.NodeId);
        return directory.IsReserved
            ? state.PartitionEpoch > 0 // it is not new
            : !logs.LogDirs.Any(dir => dir.Id == directory && !dir.IsOffline);
    }

    private void Remove(TopicPartition name, bool deleteFiles)
    {
        if (!byName.TryRemove(name, out var partition))
            return;
        byId.TryRemove(new TopicIdPartition(partition.TopicId, name.Partition), out _);
        partition.SetLeadership(partition.Leadership with { IsLeader = false, LeaderId = PartitionImage.NoLeader });
        if (deleteFiles)
            logs.Delete(name);
        Removed?.Invoke(partition);
    }

    private void Reconfigure(MetadataDelta delta)
    {
        if (delta.ChangedConfigs.Count == 0)
            return;
        var all = delta.ChangedConfigs.Any(resource => resource.Type == ConfigResourceType.Broker);
        var topics = delta.ChangedConfigs
            .Where(resource => resource.Type == ConfigResourceType.Topic)
            .Select(resource => resource.Name)
            .ToHashSet();
        foreach (var partition in byName.Values)
        {
            if (!all && !topics.Contains(partition.Name.Topic))
                continue;
            var settings = options.TopicConfigOf(delta.After, partition.Name.Topic);
            partition.Log.Config = options.LogConfigOf(settings);
            partition.MinInSyncReplicas = settings.MinInsyncReplicas;
        }
    }
}
