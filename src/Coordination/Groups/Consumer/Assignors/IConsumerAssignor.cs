using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>
/// A way of handing out partitions to the members of a consumer group (KIP-848). Pure, and the same for the same input: what it
/// says becomes the target towards which the members are moved one by one.
/// </summary>
internal interface IConsumerAssignor
{
    /// <summary>What members ask for it by, and what stands in <c>group.consumer.assignors</c>.</summary>
    string Name { get; }

    /// <summary>
    /// What each member shall own. Every partition of a topic goes to exactly one of the members that are subscribed to it; a
    /// member that gets nothing may be left out.
    /// </summary>
    IReadOnlyDictionary<string, PartitionSet> Assign(GroupSpec spec, ISubscribedTopics topics);
}

/// <summary>The group as an assignor sees it.</summary>
/// <param name="Members">The members by their ids, in ordinal order.</param>
internal sealed record GroupSpec(ImmutableSortedDictionary<string, MemberSpec> Members)
{
    /// <summary>True if all members are subscribed to the same topics.</summary>
    public bool IsHomogeneous { get; } =
        Members.Values.Skip(1).All(member => member.TopicIds.SetEquals(Members.Values.First().TopicIds));
}

/// <summary>A member as an assignor sees it.</summary>
/// <param name="InstanceId">Of a static member; null otherwise.</param>
/// <param name="RackId">Where the member is; null if it has not said.</param>
/// <param name="TopicIds">The topics that it is subscribed to and that exist, be it by name or by a pattern.</param>
/// <param name="Target">What it should own by the last assignment; may hold partitions and topics that no longer are.</param>
internal sealed record MemberSpec(string? InstanceId, string? RackId, ImmutableSortedSet<Uuid> TopicIds, PartitionSet Target);

/// <summary>The topics that members of the group are subscribed to.</summary>
internal interface ISubscribedTopics
{
    /// <summary>The topic's name; never null for a topic that is in a <see cref="MemberSpec"/>.</summary>
    string? Name(Uuid topicId);

    /// <summary>How many partitions the topic has, which are numbered from 0; 0 if it no longer exists.</summary>
    int PartitionCount(Uuid topicId);
}
