using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// What consumers say to each other through the classic protocol, whose meaning a consumer group must know: subscriptions and
/// assignments, with topics by name where the coordinator has ids.
/// </summary>
internal static class EmbeddedProtocol
{
    /// <summary>A subscription; null if the bytes are not one.</summary>
    public static ConsumerProtocolSubscription? ReadSubscription(ReadOnlyMemory<byte> metadata)
    {
        try
        {
            return VersionedData.Read<ConsumerProtocolSubscription>(metadata);
        }
        catch (MalformedMessageException)
        {
            return null; // the answer says so
        }
    }

    /// <summary>What a subscription says its member owns, of topics that exist. Before version 1 it could not say: nothing.</summary>
    public static PartitionSet OwnedBy(ConsumerProtocolSubscription subscription, IGroupTopics topics) =>
        ToSet(subscription.OwnedPartitions.Select(topic => (topic.Topic, topic.Partitions)), topics);

    /// <summary>What an assignment gives, of topics that exist; nothing if there are no bytes, null if they are not one.</summary>
    public static PartitionSet? ReadAssignment(ReadOnlyMemory<byte> assignment, IGroupTopics topics)
    {
        if (assignment.IsEmpty)
            return PartitionSet.Empty;
        try
        {
            var read = VersionedData.Read<ConsumerProtocolAssignment>(assignment);
            return ToSet(read.AssignedPartitions.Select(topic => (topic.Topic, topic.Partitions)), topics);
        }
        catch (MalformedMessageException)
        {
            return null; // the answer says so
        }
    }

    /// <summary>The assignment in the version of the member's subscription, or the highest that there is.</summary>
    public static byte[] WriteAssignment(PartitionSet assigned, ReadOnlyMemory<byte> subscription, IGroupTopics topics)
    {
        var version = subscription.Length < 2 ? (short)0 : new MessageReader(subscription).ReadInt16();
        var partitions = assigned.Topics
            .Select(id => (Name: topics.TopicName(id), Partitions: assigned[id]))
            .Where(topic => topic.Name is not null)
            .Select(topic => new ConsumerProtocolAssignment.TopicPartition { Topic = topic.Name!, Partitions = [.. topic.Partitions] });
        return VersionedData.Write(
            new ConsumerProtocolAssignment { AssignedPartitions = [.. partitions] },
            Math.Clamp(version, ConsumerProtocolAssignment.Versions.Min, ConsumerProtocolAssignment.Versions.Max));
    }

    /// <summary>Names in ordinal order, each once, as members are kept.</summary>
    public static ImmutableArray<string> Sorted(IEnumerable<string> names) => [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static PartitionSet ToSet(IEnumerable<(string Topic, int[] Partitions)> named, IGroupTopics topics)
    {
        var builder = new PartitionSet.Builder();
        foreach (var (topic, partitions) in named)
        {
            var id = topics.TopicId(topic);
            var count = topics.PartitionCount(topic);
            foreach (var partition in partitions)
            {
                if (partition >= 0 && partition < count)
                    builder.Add(id, partition);
            }
        }
        return builder.ToSet();
    }
}
