namespace Milena.Coordination.Groups;

/// <summary>
/// <c>range</c>: each topic is cut into ranges, one for each of its subscribers in their order. Members with the same subscriptions
/// get the same partitions of topics that have equally many, so that what belongs together by its key meets in one member.
/// </summary>
/// <remarks>
/// Static members come first, by their instance ids, and so keep their places when they come back under another member id; then
/// the others by member id. What members had does not count, nor do racks, as in Apache Kafka since 4.0.
/// </remarks>
internal sealed class RangeAssignor : IConsumerAssignor
{
    public string Name => "range";

    public IReadOnlyDictionary<string, PartitionSet> Assign(GroupSpec spec, ISubscribedTopics topics)
    {
        var table = new OwnerTable(spec, topics);
        var order = Enumerable.Range(0, table.Members.Length)
            .OrderBy(member => table.Members[member].InstanceId is null)
            .ThenBy(member => table.Members[member].InstanceId ?? table.MemberIds[member], StringComparer.Ordinal)
            .ToArray();
        var subscribers = table.TopicIds.ToDictionary(topic => topic, _ => new List<int>());
        foreach (var member in order)
        {
            foreach (var topic in table.Members[member].TopicIds)
            {
                if (subscribers.TryGetValue(topic, out var ofTopic))
                    ofTopic.Add(member);
            }
        }

        foreach (var (topic, ofTopic) in subscribers)
        {
            var (share, extras) = Math.DivRem(table[topic].Length, ofTopic.Count);
            var start = 0;
            for (var i = 0; i < ofTopic.Count; i++)
            {
                var size = share + (i < extras ? 1 : 0);
                table[topic].AsSpan(start, size).Fill(ofTopic[i]);
                start += size;
            }
        }

        return table.ToAssignment();
    }
}
