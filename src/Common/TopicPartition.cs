namespace Milena.Common;

/// <summary>A partition by its topic's name. Written <c>topic-3</c>, as its directory is called.</summary>
public readonly record struct TopicPartition(string Topic, int Partition)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Topic}-{Partition}";
}

/// <summary>A partition by its topic's id, which survives as long as the topic does and is never used again.</summary>
public readonly record struct TopicIdPartition(Uuid TopicId, int Partition)
{
    /// <inheritdoc/>
    public override string ToString() => $"{TopicId}-{Partition}";
}
