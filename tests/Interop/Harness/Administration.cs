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

    /// <summary>How many records lie in a topic: the ends of its partitions less their starts.</summary>
    public static async Task<long> CountRecords(this BrokerProcess broker, string topic)
    {
        using var admin = broker.Admin();
        var partitions = admin.GetMetadata(topic, Deadline.Default).Topics.Single().Partitions;
        var starts = await Offsets(OffsetSpec.Earliest());
        var ends = await Offsets(OffsetSpec.Latest());
        return ends - starts;

        async Task<long> Offsets(OffsetSpec which)
        {
            var found = await admin.ListOffsetsAsync(partitions.Select(partition => new TopicPartitionOffsetSpec
            {
                TopicPartition = new TopicPartition(topic, partition.PartitionId),
                OffsetSpec = which,
            }));
            return found.ResultInfos.Sum(info => info.TopicPartitionOffsetError.Offset.Value);
        }
    }
}
