using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>
/// Who owns each partition of the topics that a group is subscribed to, while an assignment is worked out. Members are known by
/// their position in the group, so that looking one up costs nothing.
/// </summary>
internal sealed class OwnerTable
{
    /// <summary>No member.</summary>
    public const int Nobody = -1;

    private readonly Dictionary<Uuid, int[]> owners;

    /// <summary>
    /// Starts with the targets of before: partitions that a member is still subscribed to and that still are. If two targets
    /// claim one partition, the first member has it.
    /// </summary>
    public OwnerTable(GroupSpec spec, ISubscribedTopics topics)
    {
        MemberIds = [.. spec.Members.Keys];
        Members = [.. spec.Members.Values];
        owners = Members.SelectMany(member => member.TopicIds).Distinct()
            .ToDictionary(topic => topic, topic => Enumerable.Repeat(Nobody, topics.PartitionCount(topic)).ToArray());
        TopicIds = [.. owners.Where(topic => topic.Value.Length > 0).Select(topic => topic.Key).Order()];

        for (var member = 0; member < Members.Length; member++)
        {
            foreach (var partition in Members[member].Target)
            {
                if (Members[member].TopicIds.Contains(partition.TopicId)
                    && owners[partition.TopicId] is var ofTopic && partition.Partition < ofTopic.Length
                    && ofTopic[partition.Partition] == Nobody)
                {
                    ofTopic[partition.Partition] = member;
                }
            }
        }
    }

    public string[] MemberIds { get; }

    public MemberSpec[] Members { get; }

    /// <summary>The topics that somebody is subscribed to and that have partitions, in ascending order.</summary>
    public Uuid[] TopicIds { get; }

    /// <summary>The owner of each partition of a topic. To be written to.</summary>
    public int[] this[Uuid topicId] => owners[topicId];

    /// <summary>What each member owns. Whose target has not changed keeps the object it had.</summary>
    public IReadOnlyDictionary<string, PartitionSet> ToAssignment()
    {
        var builders = Members.Select(_ => new PartitionSet.Builder()).ToArray();
        foreach (var topic in TopicIds)
        {
            var ofTopic = owners[topic];
            for (var partition = 0; partition < ofTopic.Length; partition++)
            {
                if (ofTopic[partition] != Nobody)
                    builders[ofTopic[partition]].Add(topic, partition);
            }
        }

        var assignment = new Dictionary<string, PartitionSet>(Members.Length, StringComparer.Ordinal);
        for (var member = 0; member < Members.Length; member++)
        {
            var (before, now) = (Members[member].Target, builders[member].ToSet());
            assignment.Add(MemberIds[member], now.Equals(before) ? before : now);
        }

        return assignment;
    }
}
