using System.Collections;
using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>
/// Partitions of topics, which are named by their ids: an immutable set with value equality, in ascending order of topic and
/// partition.
/// </summary>
internal sealed class PartitionSet : IEquatable<PartitionSet>, IEnumerable<TopicIdPartition>
{
    // No topic is here without a partition; the partitions of each ascend.
    private readonly ImmutableSortedDictionary<Uuid, ImmutableArray<int>> topics;

    private PartitionSet(ImmutableSortedDictionary<Uuid, ImmutableArray<int>> topics)
    {
        this.topics = topics;
        Count = topics.Values.Sum(partitions => partitions.Length);
    }

    public static PartitionSet Empty { get; } = new(ImmutableSortedDictionary<Uuid, ImmutableArray<int>>.Empty);

    public int Count { get; }

    public bool IsEmpty => Count == 0;

    /// <summary>The topics that have partitions here.</summary>
    public IEnumerable<Uuid> Topics => topics.Keys;

    /// <summary>The partitions of a topic, ascending; empty if there are none.</summary>
    public ImmutableArray<int> this[Uuid topicId] => topics.GetValueOrDefault(topicId, []);

    public static PartitionSet Of(IEnumerable<TopicIdPartition> partitions)
    {
        var builder = new Builder();
        foreach (var partition in partitions)
            builder.Add(partition);
        return builder.ToSet();
    }

    public bool Contains(TopicIdPartition partition) => this[partition.TopicId].BinarySearch(partition.Partition) >= 0;

    public bool IsSubsetOf(PartitionSet other) => Count <= other.Count && this.All(other.Contains);

    public bool Overlaps(PartitionSet other) => this.Any(other.Contains);

    public PartitionSet Intersect(PartitionSet other) => Of(this.Where(other.Contains));

    public PartitionSet Except(PartitionSet other) => other.IsEmpty ? this : Of(this.Where(partition => !other.Contains(partition)));

    public PartitionSet Union(PartitionSet other) => other.IsEmpty ? this : IsEmpty ? other : Of(this.Concat(other));

    public bool Equals(PartitionSet? other) => other is not null
        && (ReferenceEquals(this, other) || (Count == other.Count && topics.Count == other.topics.Count && IsSubsetOf(other)));

    public override bool Equals(object? obj) => Equals(obj as PartitionSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var partition in this)
            hash.Add(partition);
        return hash.ToHashCode();
    }

    public IEnumerator<TopicIdPartition> GetEnumerator()
    {
        foreach (var (topic, partitions) in topics)
        {
            foreach (var partition in partitions)
                yield return new TopicIdPartition(topic, partition);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => string.Join(',', this);

    /// <summary>Gathers partitions in any order; what is added twice is there once.</summary>
    public sealed class Builder
    {
        private readonly Dictionary<Uuid, List<int>> gathered = [];

        public void Add(Uuid topicId, int partition)
        {
            if (!gathered.TryGetValue(topicId, out var partitions))
                gathered.Add(topicId, partitions = []);
            partitions.Add(partition);
        }

        public void Add(TopicIdPartition partition) => Add(partition.TopicId, partition.Partition);

        public PartitionSet ToSet() => gathered.Count == 0
            ? Empty
            : new(gathered.ToImmutableSortedDictionary(topic => topic.Key, topic => topic.Value.Distinct().Order().ToImmutableArray()));
    }
}
