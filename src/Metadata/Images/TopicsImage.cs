using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Milena.Common;
using Milena.Metadata.Topics;

namespace Milena.Metadata.Images;

/// <summary>All topics, found by name, by id, and by what names become where '.' and '_' are the same.</summary>
public sealed class TopicsImage
{
    /// <summary>No topics.</summary>
    public static TopicsImage Empty { get; } = new(
        ImmutableDictionary<string, TopicImage>.Empty.WithComparers(StringComparer.Ordinal),
        ImmutableDictionary<Uuid, TopicImage>.Empty,
        ImmutableDictionary<string, ImmutableSortedSet<string>>.Empty.WithComparers(StringComparer.Ordinal));

    private readonly ImmutableDictionary<string, ImmutableSortedSet<string>> namesByCollapsed;

    private TopicsImage(
        ImmutableDictionary<string, TopicImage> byName,
        ImmutableDictionary<Uuid, TopicImage> byId,
        ImmutableDictionary<string, ImmutableSortedSet<string>> namesByCollapsed)
    {
        ByName = byName;
        ById = byId;
        this.namesByCollapsed = namesByCollapsed;
    }

    /// <summary>Topics by name, in no order.</summary>
    public ImmutableDictionary<string, TopicImage> ByName { get; }

    /// <summary>Topics by id, in no order.</summary>
    public ImmutableDictionary<Uuid, TopicImage> ById { get; }

    /// <summary>How many there are.</summary>
    public int Count => ByName.Count;

    /// <summary>The topic of a name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out TopicImage? topic) => ByName.TryGetValue(name, out topic);

    /// <summary>The topic of an id.</summary>
    public bool TryGet(Uuid id, [NotNullWhen(true)] out TopicImage? topic) => ById.TryGetValue(id, out topic);

    /// <summary>The partition of a topic, or null if there is no such topic or no such partition.</summary>
    public PartitionImage? FindPartition(TopicPartition partition) =>
        TryGet(partition.Topic, out var topic) && topic.TryGetPartition(partition.Partition, out var found) ? found : null;

    /// <summary>The partition of a topic, or null if there is no such topic or no such partition.</summary>
    public PartitionImage? FindPartition(TopicIdPartition partition) =>
        TryGet(partition.TopicId, out var topic) && topic.TryGetPartition(partition.Partition, out var found) ? found : null;

    /// <summary>A topic whose name differs from this one only in '.' and '_', or null.</summary>
    public string? FindColliding(string name) =>
        TopicNames.MayCollide(name) && namesByCollapsed.TryGetValue(TopicNames.Collapse(name), out var names) ? names[0] : null;

    internal Builder ToBuilder() => new(this);

    /// <summary>
    /// Changes many topics at a time. Partitions mostly come one after the other for the same topic, so that topic's are kept
    /// open until another is asked for.
    /// </summary>
    internal sealed class Builder(TopicsImage start)
    {
        private readonly ImmutableDictionary<string, TopicImage>.Builder byName = start.ByName.ToBuilder();
        private readonly ImmutableDictionary<Uuid, TopicImage>.Builder byId = start.ById.ToBuilder();
        private readonly ImmutableDictionary<string, ImmutableSortedSet<string>>.Builder namesByCollapsed = start.namesByCollapsed.ToBuilder();
        private TopicImage? open;
        private ImmutableSortedDictionary<int, PartitionImage>.Builder? openPartitions;

        public IEnumerable<TopicImage> All
        {
            get
            {
                Close();
                return byName.Values;
            }
        }

        public bool Add(string name, Uuid id)
        {
            var topic = new TopicImage(name, id);
            if (byName.ContainsKey(name) || !byId.TryAdd(id, topic))
                return false;
            byName.Add(name, topic);
            if (TopicNames.MayCollide(name))
            {
                var collapsed = TopicNames.Collapse(name);
                var names = namesByCollapsed.GetValueOrDefault(collapsed) ?? ImmutableSortedSet.Create<string>(StringComparer.Ordinal);
                namesByCollapsed[collapsed] = names.Add(name);
            }

            return true;
        }

        public TopicImage? Remove(Uuid id)
        {
            Close();
            if (!byId.Remove(id, out var topic))
                return null;
            byName.Remove(topic.Name);
            var collapsed = TopicNames.Collapse(topic.Name);
            if (namesByCollapsed.TryGetValue(collapsed, out var names) && (names = names.Remove(topic.Name)).IsEmpty)
                namesByCollapsed.Remove(collapsed);
            else if (names is not null)
                namesByCollapsed[collapsed] = names;
            return topic;
        }

        public TopicImage? Find(string name)
        {
            Close();
            return byName.GetValueOrDefault(name);
        }

        /// <summary>The partitions of a topic, to be changed; null if there is no such topic.</summary>
        public ImmutableSortedDictionary<int, PartitionImage>.Builder? Partitions(Uuid topicId)
        {
            if (open?.Id == topicId)
                return openPartitions;
            Close();
            if (!byId.TryGetValue(topicId, out open))
                return null;
            return openPartitions = open.Partitions.ToBuilder();
        }

        public TopicsImage Build()
        {
            Close();
            return new TopicsImage(byName.ToImmutable(), byId.ToImmutable(), namesByCollapsed.ToImmutable());
        }

        private void Close()
        {
            if (open is null)
                return;
            var partitions = openPartitions!.ToImmutable();
            if (partitions != open.Partitions)
                byId[open.Id] = byName[open.Name] = open with { Partitions = partitions };
            open = null;
        }
    }
}
