using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>
/// <c>uniform</c>: every member gets as many partitions as every other, or one more; and keeps what it has, as far as that goes.
/// Racks are not looked at, as in Apache Kafka since 4.0.
/// </summary>
internal sealed class UniformAssignor : IConsumerAssignor
{
    public string Name => "uniform";

    public IReadOnlyDictionary<string, PartitionSet> Assign(GroupSpec spec, ISubscribedTopics topics)
    {
        var table = new OwnerTable(spec, topics);
        if (spec.IsHomogeneous)
            AssignEqually(table);
        else
            new UnequalSubscriptions(table).Assign();
        return table.ToAssignment();
    }

    /// <summary>All are subscribed to the same topics: there is one fair share, and a remainder.</summary>
    /// <remarks>
    /// A member's share is the quotient, and one more for as many as the remainder says. Who has so many already may keep it; else
    /// the last ones get it, which is the order in which Kafka gives it away.
    /// </remarks>
    private static void AssignEqually(OwnerTable table)
    {
        if (table.Members.Length == 0)
            return;
        var (share, extras) = Math.DivRem(table.TopicIds.Sum(topic => table[topic].Length), table.Members.Length);
        var free = new List<TopicIdPartition>();
        foreach (var topic in table.TopicIds)
        {
            for (var partition = 0; partition < table[topic].Length; partition++)
            {
                if (table[topic][partition] == OwnerTable.Nobody)
                    free.Add(new(topic, partition));
            }
        }

        var wanting = new List<(int Member, int Partitions)>();
        for (var member = 0; member < table.Members.Length; member++)
        {
            var mayHaveExtra = extras > 0;
            var room = share + (mayHaveExtra ? 1 : 0);
            foreach (var (topic, partition) in table.Members[member].Target)
            {
                if (!IsOwner(table, member, topic, partition))
                    continue;
                if (room > 0)
                    room--;
                else
                {
                    table[topic][partition] = OwnerTable.Nobody;
                    free.Add(new(topic, partition));
                }
            }

            // Not full: the extra one is left to others, unless all that remain are needed to take one each.
            var remaining = table.Members.Length - member;
            if (mayHaveExtra && room > 0 && remaining > extras)
                room--;
            else if (mayHaveExtra)
                extras--;
            if (room > 0)
                wanting.Add((member, room));
        }

        var next = 0;
        foreach (var (member, partitions) in wanting)
        {
            for (var end = Math.Min(next + partitions, free.Count); next < end; next++)
                table[free[next].TopicId][free[next].Partition] = member;
        }

        Invariant.Holds(next == free.Count);
    }

    private static bool IsOwner(OwnerTable table, int member, Uuid topic, int partition) =>
        table.Members[member].TopicIds.Contains(topic) && partition < table[topic].Length && table[topic][partition] == member;
}
