using Milena.Metadata.Configs;
using Milena.Metadata.Topics;
using static Milena.Protocol.Messages.CreateTopicsRequest;

namespace Milena.Metadata.Controllers;

/// <summary>
/// How a topic is created that nobody asked to create: a client spoke of it, or a coordinator needs it. Kafka's own topics have
/// counts and configurations of their own.
/// </summary>
public static class InternalTopics
{
    /// <summary>What to ask the controller for, for any topic; -1 stands for the controller's defaults.</summary>
    public static CreatableTopic Creation(string name, BrokerConfig config) => name switch
    {
        TopicNames.ConsumerOffsets => new CreatableTopic
        {
            Name = name,
            NumPartitions = config.GetInt("offsets.topic.num.partitions"),
            ReplicationFactor = (short)config.GetInt("offsets.topic.replication.factor"),
            Configs =
            [
                Config("cleanup.policy", "compact"),
                Config("compression.type", "producer"),
                Config("segment.bytes", config.GetInt("offsets.topic.segment.bytes").ToString()),
            ],
        },
        TopicNames.TransactionState => new CreatableTopic
        {
            Name = name,
            NumPartitions = config.GetInt("transaction.state.log.num.partitions"),
            ReplicationFactor = (short)config.GetInt("transaction.state.log.replication.factor"),
            Configs =
            [
                Config("unclean.leader.election.enable", "false"),
                Config("compression.type", "uncompressed"),
                Config("cleanup.policy", "compact"),
                Config("min.insync.replicas", config.GetInt("transaction.state.log.min.isr").ToString()),
                Config("segment.bytes", config.GetInt("transaction.state.log.segment.bytes").ToString()),
            ],
        },
        TopicNames.ShareGroupState => new CreatableTopic
        {
            Name = name,
            NumPartitions = config.GetInt("share.coordinator.state.topic.num.partitions"),
            ReplicationFactor = (short)config.GetInt("share.coordinator.state.topic.replication.factor"),
            Configs =
            [
                Config("cleanup.policy", "delete"),
                Config("compression.type", "producer"),
                Config("segment.bytes", config.GetInt("share.coordinator.state.topic.segment.bytes").ToString()),
                Config("min.insync.replicas", config.GetInt("share.coordinator.state.topic.min.isr").ToString()),
                Config("retention.ms", "-1"),
            ],
        },
        _ => new CreatableTopic { Name = name, NumPartitions = -1, ReplicationFactor = -1 },
    };

    private static CreatableTopicConfig Config(string name, string value) => new() { Name = name, Value = value };
}
