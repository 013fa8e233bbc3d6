using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
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

    /// <summary>
    /// Who leads a partition that this node does not lead, for a client to go there without asking for metadata first (KIP-951):
    /// as its replica here was told, if there is one, or else as the image says. Null if nobody does.
    /// </summary>
    /// <param name="partition">The replica here, or null.</param>
    /// <param name="topicId">Its topic's id, or zero if it was asked for by name.</param>
    /// <param name="topic">Its topic's name, if there is no id.</param>
    /// <param name="number">Its number.</param>
    public LeaderHint? LeaderOf(Partition? partition, Uuid topicId, string topic, int number)
    {
        if (partition?.Leadership is { LeaderId: >= 0 } told)
            return new(told.LeaderId, told.LeaderEpoch);
        var image = topicId != Uuid.Zero
            ? metadata.Image.Topics.FindPartition(new TopicIdPartition(topicId, number))
            : metadata.Image.Topics.FindPartition(new TopicPartition(topic, number));
        return image is { HasLeader: true } ? new(image.Leader, image.LeaderEpoch) : null;
    }

    /// <summary>Where a broker is reached over a listener; null if it cannot be.</summary>
    public (BrokerImage Broker, Endpoint Endpoint)? BrokerOn(string listener, int brokerId) =>
        metadata.Image.Brokers.TryGetValue(brokerId, out var broker) && broker.EndpointOf(listener) is { } endpoint ? (broker, endpoint) : null;
}

/// <summary>The leader of a partition, and since which epoch.</summary>
internal readonly record struct LeaderHint(int LeaderId, int LeaderEpoch);
