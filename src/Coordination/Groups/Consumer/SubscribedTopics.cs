using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>The cluster's topics as an assignor sees them.</summary>
internal sealed class SubscribedTopics(IGroupTopics topics) : ISubscribedTopics
{
    // Most members of a group are subscribed to the same names.
    private readonly Dictionary<string, ImmutableSortedSet<Uuid>> idsByNames = new(StringComparer.Ordinal);

    public string? Name(Uuid topicId) => topics.TopicName(topicId);

    public int PartitionCount(Uuid topicId) => topics.TopicName(topicId) is { } name ? topics.PartitionCount(name) : 0;

    /// <summary>The ids of those topics that a member is subscribed to and that exist.</summary>
    public ImmutableSortedSet<Uuid> IdsOf(ConsumerGroup group, ConsumerMember member)
    {
        var names = string.Join(',', group.TopicsOf(member)); // no topic's name holds a comma
        if (!idsByNames.TryGetValue(names, out var ids))
        {
            ids = group.TopicsOf(member).Select(topics.TopicId).Where(id => id != Uuid.Zero).ToImmutableSortedSet();
            idsByNames.Add(names, ids);
        }
        return ids;
    }

    /// <summary>
    /// A number that stands for these topics as they are: it changes when one of them comes or goes, or gets more partitions. 0 if
    /// none of them exists.
    /// </summary>
    public static long HashOf(IEnumerable<string> names, IGroupTopics topics)
    {
        const ulong Offset = 14_695_981_039_346_656_037;
        const ulong Prime = 1_099_511_628_211;
        var hash = Offset;
        var isEmpty = true;
        foreach (var name in names)
        {
            var id = topics.TopicId(name);
            if (id == Uuid.Zero)
                continue;
            isEmpty = false;
            foreach (var part in (ReadOnlySpan<ulong>)[id.MostSignificant, id.LeastSignificant, (ulong)topics.PartitionCount(name)])
                hash = Mix(hash, part);
        }
        return isEmpty ? 0 : (long)hash;

        // FNV-1a, with eight bytes at a time, and what they lack in diffusion from the shift.
        static ulong Mix(ulong hash, ulong part)
        {
            hash = (hash ^ part) * Prime;
            return hash ^ (hash >> 32);
        }
    }
}
