using Milena.Metadata.Images;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.ListPartitionReassignmentsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>ListPartitionReassignments (46), as the image answers it.</summary>
public static class ReassignmentQueries
{
    /// <summary>ListPartitionReassignments (46): what is under way, of the partitions that are named or of all.</summary>
    public static ListPartitionReassignmentsResponse List(MetadataImage image, ListPartitionReassignmentsRequest request)
    {
        var topics = request.Topics is { } named
            ? named.Select(asked => image.Topics.TryGet(asked.Name, out var topic) ? Ongoing(topic, asked.PartitionIndexes.Distinct()) : null)
            : image.Topics.ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal).Select(topic => Ongoing(topic, topic.Partitions.Keys));
        return new ListPartitionReassignmentsResponse { ErrorMessage = null, Topics = [.. topics.OfType<OngoingTopicReassignment>()] };
    }

    private static OngoingTopicReassignment? Ongoing(TopicImage topic, IEnumerable<int> partitions)
    {
        var ongoing = new List<OngoingPartitionReassignment>();
        foreach (var id in partitions)
        {
            if (!topic.TryGetPartition(id, out var partition) || !partition.IsBeingReassigned)
                continue;
            ongoing.Add(new OngoingPartitionReassignment
            {
                PartitionIndex = id,
                Replicas = [.. partition.Replicas],
                AddingReplicas = [.. partition.AddingReplicas],
                RemovingReplicas = [.. partition.RemovingReplicas],
            });
        }

        return ongoing.Count == 0 ? null : new OngoingTopicReassignment { Name = topic.Name, Partitions = [.. ongoing] };
    }
}
