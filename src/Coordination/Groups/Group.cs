namespace Milena.Coordination.Groups;

/// <summary>
/// A group of any kind. All kinds share one namespace of ids and keep their offsets in the same place; what a kind knows about its
/// members is its own.
/// </summary>
internal abstract record Group(string Id)
{
    /// <summary>The kind, as ListGroups calls it.</summary>
    public abstract string Type { get; }

    /// <summary>The state, as ListGroups and DescribeGroups call it.</summary>
    public abstract string StateName { get; }

    /// <summary>What the members say they are, such as <c>consumer</c>; empty if nobody has said.</summary>
    public abstract string ProtocolTypeName { get; }

    /// <summary>True if there are no members and nobody is on the way in.</summary>
    public abstract bool IsEmpty { get; }

    public abstract int MemberCount { get; }

    /// <summary>Counts the rebalances: a classic group's generation, a consumer group's epoch.</summary>
    public abstract int Generation { get; init; }
}
