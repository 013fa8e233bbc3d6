using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>
/// The <c>uniform</c> assignment where members are subscribed to different topics. There may be no equal share then: partitions
/// nobody owns go to those of a topic's subscribers who have fewest, and afterwards move from those who have most to those who have
/// fewest, topic by topic, until no topic gains by it.
/// </summary>
/// <remarks>Topics with most partitions for a subscriber come first, as they leave the least choice.</remarks>
internal sealed class UnequalSubscriptions
{
    // Where subscriptions overlap without being equal, each round about halves what is uneven; Kafka stops after as many.
    private const int RoundsMax = 16;

    private readonly OwnerTable table;
    private readonly Dictionary<Uuid, List<int>> subscribers = [];
    private readonly int[] counts; // of partitions, by member

    public UnequalSubscriptions(OwnerTable table)
    {
        this.table = table;
        counts = new int[table.Members.Length];
        foreach (var topic in table.TopicIds)
        {
            subscribers[topic] = [];
            foreach (var owner in table[topic])
            {
                if (owner != OwnerTable.Nobody)
                    counts[owner]++;
            }
        }

        for (var member = 0; member < table.Members.Length; member++)
        {
            foreach (var topic in table.Members[member].TopicIds)
            {
                if (subscribers.TryGetValue(topic, out var ofTopic))
                    ofTopic.Add(member);
            }
        }
    }

    public void Assign()
    {
        var topics = table.TopicIds
            .OrderByDescending(topic => (double)table[topic].Length / subscribers[topic].Count)
            .ThenBy(topic => subscribers[topic].Count)
            .ThenBy(topic => topic)
            .ToArray();
        foreach (var topic in topics)
            GiveFree(topic);
        Balance([.. topics.Where(topic => subscribers[topic].Count > 1)]);
    }

    private void GiveFree(Uuid topic)
    {
        var members = new LoadedMembers(subscribers[topic], counts);
        for (var partition = 0; partition < table[topic].Length; partition++)
        {
            if (table[topic][partition] == OwnerTable.Nobody)
                Move(topic, partition, members.NextLeast());
        }
    }

    private void Balance(Uuid[] topics)
    {
        var unchanged = 0; // topics in a row that gain nothing by another move
        for (var i = 0; unchanged < topics.Length && i < RoundsMax * topics.Length; i++)
            unchanged = BalanceTopic(topics[i % topics.Length]) ? 1 : unchanged + 1;
    }

    // Whether a partition has moved.
    private bool BalanceTopic(Uuid topic)
    {
        var members = new LoadedMembers(subscribers[topic], counts);
        if (members.Difference <= 1)
            return false;

        // What each may give: what it had at the start, the last partition first.
        var gifts = new Dictionary<int, Stack<int>>();
        for (var partition = 0; partition < table[topic].Length; partition++)
        {
            var owner = table[topic][partition];
            if (!gifts.TryGetValue(owner, out var ofOwner))
                gifts.Add(owner, ofOwner = new());
            ofOwner.Push(partition);
        }

        var hasMoved = false;
        while (members.NextMost(member => gifts.TryGetValue(member, out var has) && has.Count > 0) is { } giver)
        {
            var partition = gifts[giver].Pop();
            var taker = members.NextLeast();
            if (members.Difference <= 1)
                break;
            Move(topic, partition, taker);
            hasMoved = true;
        }

        return hasMoved;
    }

    private void Move(Uuid topic, int partition, int member)
    {
        var owner = table[topic][partition];
        if (owner != OwnerTable.Nobody)
            counts[owner]--;
        table[topic][partition] = member;
        counts[member]++;
    }
}
