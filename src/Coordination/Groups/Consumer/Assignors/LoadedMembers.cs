namespace Milena.Coordination.Groups;

/// <summary>
/// A topic's subscribers by how many partitions they have: gives the one with fewest to take a partition, and the one with most to
/// give one, over and over. Each call supposes that the one before was followed, which whoever counts has done.
/// </summary>
/// <remarks>
/// The members stand in order of their counts. From the left grows a stretch of those that have been raised to one level, from the
/// right one of those that have been lowered to one; each is gone through in turn before its level changes. That costs nothing
/// to keep up, where a heap would cost a logarithm.
/// </remarks>
internal sealed class LoadedMembers
{
    private readonly int[] members;
    private readonly int[] counts;
    private int leastEnd;
    private int leastLevel;
    private int nextLeast;
    private int mostStart;
    private int mostEnd;
    private int mostLevel;
    private int nextMost;

    /// <param name="subscribers">The members, at least one, in ascending order.</param>
    /// <param name="counts">How many partitions each member of the group has; kept up by the caller.</param>
    public LoadedMembers(IReadOnlyCollection<int> subscribers, int[] counts)
    {
        this.counts = counts;
        members = [.. subscribers.OrderBy(member => counts[member])]; // stable: members with equal counts stay in order
        leastLevel = counts[members[0]] - 1;
        mostLevel = counts[members[^1]] + 1;
        (mostStart, mostEnd, nextMost) = (members.Length, members.Length, members.Length - 1);
        Difference = counts[members[^1]] - counts[members[0]];
    }

    /// <summary>By how much the one with most exceeds the one with fewest; from one on, nothing is gained by a move.</summary>
    public int Difference { get; private set; }

    /// <summary>The member with fewest partitions, which gets one.</summary>
    public int NextLeast()
    {
        if (nextLeast >= leastEnd)
        {
            leastLevel++;
            while (leastEnd < members.Length && counts[members[leastEnd]] == leastLevel)
                leastEnd++;
            nextLeast = 0;
        }

        Difference = mostLevel - leastLevel;
        return members[nextLeast++];
    }

    /// <summary>The member with most partitions of those that have one to give; null if none has.</summary>
    public int? NextMost(Func<int, bool> canGive)
    {
        while (true)
        {
            if (nextMost < mostStart)
            {
                // All of the stretch may have been put aside: then it begins anew below.
                mostLevel = mostEnd <= mostStart && mostStart > 0 ? counts[members[mostStart - 1]] : mostLevel - 1;
                while (mostStart > 0 && counts[members[mostStart - 1]] == mostLevel)
                    mostStart--;
                nextMost = mostEnd - 1;
            }

            if (nextMost < 0)
                return null;
            var member = members[nextMost--];
            if (canGive(member))
                return member;

            // Put aside: it changes places with the last of the stretch, which becomes shorter by it.
            mostEnd--;
            (members[nextMost + 1], members[mostEnd]) = (members[mostEnd], members[nextMost + 1]);
        }
    }
}
