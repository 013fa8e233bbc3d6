using Milena.Common;
using Milena.Protocol;
using Milena.Replication;

namespace Milena.Broker;

/// <summary>Finds partitions by what clients call them, and says in Kafka's words why one is not to be had here.</summary>
internal sealed class PartitionDirectory(ReplicaManager replicas, MetadataCache metadata)
{
    /// <summary>By name (before topic ids came).</summary>
    public ErrorCode Find(string topic, int partition, out Partition? found)
    {
        var name = new TopicPartition(topic, partition);
        if (replicas.TryGet(name, out found))
            return found.Log.IsOffline ? ErrorCode.KafkaStorageError : ErrorCode.None;
        return metadata.Image.Topics.FindPartition(name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.NotLeaderOrFollower;
    }

    /// <summary>By topic id.</summary>
    public ErrorCode Find(Uuid topicId, int partition, out Partition? found)
    {
        if (replicas.TryGet(new TopicIdPartition(topicId, partition), out found))
            return found.Log.IsOffline ? ErrorCode.KafkaStorageError : ErrorCode.None;
        if (!metadata.Image.Topics.TryGet(topicId, out var topic))
            return ErrorCode.UnknownTopicId;
        return topic.TryGetPartition(partition, out _) ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition;
    }
}
