using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>The topics that an expression stood for when it was looked up last.</summary>
internal sealed record ResolvedRegex(ImmutableSortedSet<string> Topics, long Version, long TimestampMs);

/// <summary>
/// A group whose partitions the coordinator hands out (KIP-848). An immutable value, this node's view; changes are decided by
/// <see cref="ConsumerTurn"/>.
/// </summary>
/// <remarks>
/// <para>Three epochs follow each other. Whatever changes who should own what (members, subscriptions, topics) raises the group's
/// epoch. An assignor then makes a target for all members at that epoch. Each member is moved to its target on its own, and takes
/// the epoch when it owns nothing more that it should not: a partition goes to its new owner only once the old one has given it up.
/// </para>
/// <para>Members may speak the classic protocol; their generation is their epoch, and the target is brought to them by rebalances
/// that look to them as if somebody else led the group.</para>
/// </remarks>
internal sealed partial record ConsumerGroup(string Id) : Group(Id)
{
    public const string TypeName = "consumer";

    private static readonly ImmutableSortedDictionary<string, ConsumerMember> NoMembers =
        ImmutableSortedDictionary.Create<string, ConsumerMember>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, string> NoInstances =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, PartitionSet> NoTargets =
        ImmutableSortedDictionary.Create<string, PartitionSet>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, ResolvedRegex> NoRegexes =
        ImmutableSortedDictionary.Create<string, ResolvedRegex>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, long> NoPendingMembers =
        ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    /// <summary>The group's epoch. Never goes back.</summary>
    public override int Generation { get; init; }

    /// <summary>Stands for the subscribed topics and their partitions, as they were at this epoch; 0 for none.</summary>
    public long MetadataHash { get; init; }

    /// <summary>The group's epoch when the targets were made.</summary>
    public int TargetEpoch { get; init; }

    public ImmutableSortedDictionary<string, ConsumerMember> Members { get; private init; } = NoMembers;

    /// <summary>The member id of each static member, by its instance id.</summary>
    public ImmutableSortedDictionary<string, string> Instances { get; private init; } = NoInstances;

    /// <summary>What each member should own, by member id.</summary>
    public ImmutableSortedDictionary<string, PartitionSet> Targets { get; private init; } = NoTargets;

    /// <summary>What the members' expressions stand for.</summary>
    public ImmutableSortedDictionary<string, ResolvedRegex> Regexes { get; private init; } = NoRegexes;

    /// <summary>
    /// The member that owns each partition, or has not said yet that it has given it up. What is not here is free.
    /// </summary>
    public ImmutableDictionary<TopicIdPartition, string> Owners { get; private init; } = ImmutableDictionary<TopicIdPartition, string>.Empty;

    /// <summary>
    /// Volatile: ids that were given to members of the classic protocol and not yet used, and until when they may be. A member of
    /// which nothing is known any more must hear of it, for others may have its partitions.
    /// </summary>
    public ImmutableSortedDictionary<string, long> PendingMembers { get; init; } = NoPendingMembers;

    /// <summary>There is a record of a kind that Apache Kafka 4.0 wrote; it has to go with the group.</summary>
    public bool HasPartitionMetadata { get; private init; }

    /// <summary>Volatile: the cluster's topics (<see cref="IGroupTopics.Stamp"/>) when <see cref="MetadataHash"/> was compared.</summary>
    public object? TopicsSeen { get; init; }

    /// <summary>Volatile: the cluster's topics when the expressions were looked up.</summary>
    public object? RegexTopicsSeen { get; init; }

    /// <summary>Volatile: when that was; null for never.</summary>
    public long? RegexesResolvedAtMs { get; init; }

    public override string Type => TypeName;

    public override string ProtocolTypeName => ClassicGroup.ConsumerProtocolType;

    public override bool IsEmpty => Members.IsEmpty;

    public override int MemberCount => Members.Count;

    public override string StateName =>
        Members.IsEmpty ? "Empty"
        : Generation > TargetEpoch ? "Assigning"
        : Members.Values.All(member => member.IsReconciledTo(TargetEpoch)) ? "Stable"
        : "Reconciling";

    public ConsumerMember? Find(string memberId) => Members.GetValueOrDefault(memberId);

    public ConsumerMember? FindStatic(string instanceId) =>
        Instances.TryGetValue(instanceId, out var memberId) ? Members[memberId] : null;

    public PartitionSet TargetOf(string memberId) => Targets.GetValueOrDefault(memberId, PartitionSet.Empty);

    /// <summary>True if nobody else owns it.</summary>
    public bool IsFreeFor(string memberId, TopicIdPartition partition) =>
        !Owners.TryGetValue(partition, out var owner) || owner == memberId;

    /// <summary>The names that a member is subscribed to, by themselves or by its expression. They need not exist.</summary>
    public IEnumerable<string> TopicsOf(ConsumerMember member) =>
        member.TopicRegex is { } regex && Regexes.TryGetValue(regex, out var resolved)
            ? resolved.Topics.Union(member.TopicNames)
            : member.TopicNames;

    /// <summary>The names that anybody is subscribed to, in ordinal order.</summary>
    public SortedSet<string> SubscribedTopics()
    {
        var topics = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var member in Members.Values)
            topics.UnionWith(member.TopicNames);
        foreach (var regex in Members.Values.Select(member => member.TopicRegex).OfType<string>().Distinct())
            topics.UnionWith(Regexes.TryGetValue(regex, out var resolved) ? resolved.Topics : []);
        return topics;
    }

    /// <summary>The assignor that most members wish for; null if none wishes for any.</summary>
    public string? PreferredAssignor()
    {
        var votes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var assignor in Members.Values.Select(member => member.Assignor).OfType<string>())
            votes[assignor] = votes.GetValueOrDefault(assignor) + 1;
        return votes.Count == 0 ? null : votes.MaxBy(vote => vote.Value).Key;
    }

    /// <summary>The earliest moment at which something happens here without a request.</summary>
    public long NextDeadlineMs() =>
        Members.Values.Select(member => member.DeadlineMs).Concat(PendingMembers.Values).DefaultIfEmpty(GroupTime.Never).Min();

    /// <summary>Puts the member, changed in what is not durable, in the place of the one with its id.</summary>
    public ConsumerGroup WithVolatile(ConsumerMember member) => this with { Members = Members.SetItem(member.Id, member) };
}
