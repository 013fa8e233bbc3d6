using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Milena.Common;

namespace Milena.Metadata.Images;

/// <summary>A topic and its partitions, which are numbered from 0 without gaps.</summary>
public sealed record TopicImage(string Name, Uuid Id)
{
    /// <summary>The partitions by their number.</summary>
    public ImmutableSortedDictionary<int, PartitionImage> Partitions { get; init; } = ImmutableSortedDictionary<int, PartitionImage>.Empty;

    /// <summary>False if the topic has no partition of that number.</summary>
    public bool TryGetPartition(int partitionId, [NotNullWhen(true)] out PartitionImage? partition) =>
        Partitions.TryGetValue(partitionId, out partition);
}
