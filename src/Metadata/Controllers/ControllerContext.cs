namespace Milena.Metadata.Controllers;

/// <summary>Which topics the caller may do what with. Everything is allowed where nothing is said.</summary>
public sealed record TopicAccess
{
    /// <summary>A caller who may do everything.</summary>
    public static TopicAccess All { get; } = new();

    /// <summary>Whether a topic of that name may be created.</summary>
    public Func<string, bool> MayCreate { get; init; } = static _ => true;

    /// <summary>Whether the topic may be deleted.</summary>
    public Func<string, bool> MayDelete { get; init; } = static _ => true;

    /// <summary>Whether partitions may be added.</summary>
    public Func<string, bool> MayAlter { get; init; } = static _ => true;

    /// <summary>Whether the caller may know that the topic is there.</summary>
    public Func<string, bool> MayDescribe { get; init; } = static _ => true;

    /// <summary>Whether the caller may see the topic's configuration.</summary>
    public Func<string, bool> MayDescribeConfigs { get; init; } = static _ => true;
}

/// <summary>What a decision is given besides the image and the request.</summary>
/// <param name="NowMs">The time.</param>
/// <param name="Random">Where ids and the first places of replicas come from.</param>
public sealed record ControllerContext(long NowMs, Random Random)
{
    /// <summary>The version of the request, where the answer depends on it.</summary>
    public short Version { get; init; } = short.MaxValue;

    /// <summary>What the caller may do.</summary>
    public TopicAccess Access { get; init; } = TopicAccess.All;

    /// <summary>
    /// Takes that many creations or deletions of partitions from the caller's quota (KIP-599); false if there are too few left.
    /// </summary>
    public Func<int, bool> TakeMutations { get; init; } = static _ => true;
}
