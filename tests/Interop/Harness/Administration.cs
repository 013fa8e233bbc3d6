using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Milena.Interop.Harness;

/// <summary>What tests ask of the cluster before and after the real thing, through Confluent.Kafka's admin client.</summary>
internal static class Administration
{
    /// <summary>An admin client of this broker.</summary>
    public static IAdminClient Admin(this BrokerProcess broker) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build();

    /// <summary>Creates topics and returns once they are there.</summary>
    public static async Task CreateTopics(this BrokerProcess broker, int partitions, params IEnumerable<string> topics)
    {
        using var admin = broker.Admin();
        await admin.CreateTopicsAsync(topics.Select(topic => new TopicSpecification
        {
            Name = topic,
            NumPartitions = partitions,
            ReplicationFactor = 1,
        }));
    }

    /// <summary>How many records lie in each partition of a topic: its end less its start.</summary>
    public static IReadOnlyDictionary<int, long> CountRecords(this BrokerProcess broker, string topic)
    {
        using var admin = broker.Admin();
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(
            new ConsumerConfig { BootstrapServers = broker.Bootstrap, GroupId = "unused" }).Build();
        return admin.GetMetadata(topic, Deadline.Default).Topics.Single().Partitions.Select(partition => partition.PartitionId)
            .ToDictionary(partition => partition, partition =>
            {
                var ends = consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), Deadline.Default);
                return ends.High.Value - ends.Low.Value;
            });
    }
}
