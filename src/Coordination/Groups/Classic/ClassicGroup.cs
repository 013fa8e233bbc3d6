using System.Collections.Immutable;

namespace Milena.Coordination.Groups;

/// <summary>Where a classic group stands. Kafka's fifth state, Dead, is here to be gone from the <see cref="GroupsState"/>.</summary>
internal enum ClassicGroupState
{
    /// <summary>No members; there may be offsets.</summary>
    Empty,

    /// <summary>The join phase: members are asked to join again.</summary>
    PreparingRebalance,

    /// <summary>The sync phase: a new generation waits for its leader's assignments.</summary>
    CompletingRebalance,

    /// <summary>Every member has or can get its assignment.</summary>
    Stable,
}

/// <summary>
/// An empty group's first join phase is extended while members keep coming: by <paramref name="DelayMs"/> at a time, as long as
/// some of <paramref name="RemainingMs"/> is left.
/// </summary>
internal sealed record InitialJoin(int DelayMs, int RemainingMs, bool HasNewMember);

/// <summary>
/// A group whose members hand out the partitions among themselves (JoinGroup, SyncGroup). An immutable value, this node's view.
/// </summary>
/// <remarks>
/// <para>Life: Empty → PreparingRebalance → CompletingRebalance → Stable, back to PreparingRebalance whenever the members change,
/// and from there to Empty when none are left. Only records make a group Empty or Stable (<see cref="Apply"/>); the rest of a
/// rebalance is volatile and is forgotten with the leadership: the next coordinator finds the last generation that came to be.
/// </para>
/// <para>Changes are decided by <see cref="ClassicTurn"/>.</para>
/// </remarks>
internal sealed partial record ClassicGroup(string Id) : Group(Id)
{
    public const string ConsumerProtocolType = "consumer";

    private static readonly ImmutableSortedDictionary<string, ClassicMember> NoMembers =
        ImmutableSortedDictionary.Create<string, ClassicMember>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, string> NoInstances =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, long> NoPendingMembers =
        ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, int> NoCounts =
        ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    public ClassicGroupState State { get; init; } = ClassicGroupState.Empty;

    /// <summary>What the members say they are; null for a group that only keeps offsets.</summary>
    public string? ProtocolType { get; init; }

    /// <summary>Counts the rebalances; never goes back.</summary>
    public override int Generation { get; init; }

    /// <summary>The protocol that this generation agreed upon; null in an empty group.</summary>
    public string? Protocol { get; init; }

    /// <summary>The member that hands out the partitions.</summary>
    public string? Leader { get; init; }

    /// <summary>When the group came into its state, ms since 1970; -1 if unknown.</summary>
    public long StateTimestampMs { get; init; } = -1;

    public ImmutableSortedDictionary<string, ClassicMember> Members { get; private init; } = NoMembers;

    /// <summary>The member id of each static member, by its instance id.</summary>
    public ImmutableSortedDictionary<string, string> Instances { get; private init; } = NoInstances;

    /// <summary>Member ids that were given out and not yet used, and until when they may be.</summary>
    public ImmutableSortedDictionary<string, long> PendingMembers { get; init; } = NoPendingMembers;

    /// <summary>When the present phase ends by itself: join phase, or sync phase.</summary>
    public long PhaseDeadlineMs { get; init; } = GroupTime.Never;

    /// <summary>Set during the first join phase of an empty group.</summary>
    public InitialJoin? InitialJoin { get; init; }

    // Counted along, so that a group of thousands can be asked these things at every join.
    private ImmutableSortedDictionary<string, int> ProtocolSupport { get; init; } = NoCounts;

    private int AwaitingJoinCount { get; init; }

    private int SyncedCount { get; init; }

    public override string Type => "classic";

    public override string StateName => State.ToString();

    public override string ProtocolTypeName => ProtocolType ?? "";

    public override bool IsEmpty => State == ClassicGroupState.Empty && PendingMembers.IsEmpty;

    public override int MemberCount => Members.Count;

    public bool CanRebalance => State != ClassicGroupState.PreparingRebalance;

    /// <summary>True if nobody is missing who could be waited for.</summary>
    public bool HasAllMembersJoined => AwaitingJoinCount == Members.Count && PendingMembers.IsEmpty;

    public bool HasAllMembersSynced => SyncedCount == Members.Count;

    public int MembersAwaitingJoin => AwaitingJoinCount;

    /// <summary>How long the slowest member may need to join again.</summary>
    public int RebalanceTimeoutMs => Members.IsEmpty ? 0 : Members.Values.Max(member => member.RebalanceTimeoutMs);

    public bool IsLeader(string memberId) => Leader == memberId;

    /// <summary>True if a member of this kind with one of these protocols can live with all that are here.</summary>
    public bool Supports(string protocolType, ImmutableArray<MemberProtocol> protocols)
    {
        if (protocolType.Length == 0 || protocols.IsEmpty)
            return false;
        return State == ClassicGroupState.Empty
            || (ProtocolType == protocolType && protocols.Any(protocol => IsSupportedByAll(protocol.Name)));
    }

    /// <summary>
    /// The protocol of the next generation: each member votes for the first in its list that all support, and the most votes win.
    /// </summary>
    public string SelectProtocol()
    {
        var votes = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var member in Members.Values)
        {
            foreach (var protocol in member.Protocols)
            {
                if (!IsSupportedByAll(protocol.Name))
                    continue;
                votes[protocol.Name] = votes.GetValueOrDefault(protocol.Name) + 1;
                break;
            }
        }
        return votes.MaxBy(vote => vote.Value).Key;
    }

    /// <summary>Adds the member, or puts it in the place of the one with its id.</summary>
    public ClassicGroup With(ClassicMember member)
    {
        var known = Members.GetValueOrDefault(member.Id);
        return this with
        {
            Members = Members.SetItem(member.Id, member),
            Instances = member.InstanceId is { } instance ? Instances.SetItem(instance, member.Id) : Instances,
            PendingMembers = PendingMembers.Remove(member.Id),
            Leader = Leader ?? member.Id,
            ProtocolSupport = known is not null && known.Protocols == member.Protocols
                ? ProtocolSupport
                : Count(Count(ProtocolSupport, known, -1), member, 1),
            AwaitingJoinCount = AwaitingJoinCount + One(member.IsAwaitingJoin) - One(known is { IsAwaitingJoin: true }),
            SyncedCount = SyncedCount + One(member.HasSynced) - One(known is { HasSynced: true }),
        };
    }

    /// <summary>Removes the member, if it is there. If it led, another one does.</summary>
    public ClassicGroup Without(string memberId)
    {
        if (!Members.TryGetValue(memberId, out var member))
            return this;
        var members = Members.Remove(memberId);
        return this with
        {
            Members = members,
            Instances = member.InstanceId is { } instance && Instances.GetValueOrDefault(instance) == memberId
                ? Instances.Remove(instance)
                : Instances,
            Leader = Leader == memberId ? members.Keys.FirstOrDefault() : Leader,
            ProtocolSupport = Count(ProtocolSupport, member, -1),
            AwaitingJoinCount = AwaitingJoinCount - One(member.IsAwaitingJoin),
            SyncedCount = SyncedCount - One(member.HasSynced),
        };
    }

    private bool IsSupportedByAll(string protocol) => ProtocolSupport.GetValueOrDefault(protocol) == Members.Count;

    private static int One(bool counts) => counts ? 1 : 0;

    private static ImmutableSortedDictionary<string, int> Count(
        ImmutableSortedDictionary<string, int> counts, ClassicMember? member, int change)
    {
        if (member is null)
            return counts;
        foreach (var name in member.Protocols.Select(protocol => protocol.Name).Distinct())
        {
            var count = counts.GetValueOrDefault(name) + change;
            counts = count == 0 ? counts.Remove(name) : counts.SetItem(name, count);
        }
        return counts;
    }
}
