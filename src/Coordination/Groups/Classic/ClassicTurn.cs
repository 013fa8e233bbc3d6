using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// One step of one classic group: it is given the group, what happened and the time, and yields the group's events, the answers
/// that are due, and when to look again. Used once. Nothing outside of it changes, but for the members' sessions.
/// </summary>
internal sealed partial class ClassicTurn(ClassicGroup group, GroupConfig config, GroupTime now) : GroupTurn(group)
{
    private ClassicGroup emitted = group;

    /// <summary>The group as it is by now.</summary>
    public ClassicGroup Group { get; private set; } = group;

    /// <inheritdoc/>
    protected override Group End()
    {
        EmitChange();
        return Group;
    }

    /// <summary>A group that nobody has been in begins with a record, so that it is there before its first member is.</summary>
    public void Create() => Write(Group.ToEmptyValue(generation: 0, timestampMs: now.UnixMs));

    /// <summary>The group takes the place of a consumer group that nobody is in.</summary>
    public void Replace(ConsumerGroup empty)
    {
        foreach (var tombstone in empty.ToTombstones())
            Emit(tombstone);
    }

    /// <summary>What is durable goes through the record, here as after a restart.</summary>
    private void Write(GroupMetadataValue value)
    {
        EmitChange();
        Emit(GroupRecord.Of(Group.Id, value));
        emitted = Group = Group.Apply(value);
    }

    private void EmitChange()
    {
        if (!ReferenceEquals(Group, emitted))
            Emit(new GroupChanged(Group));
        emitted = Group;
    }

    private void KeepSession(ClassicMember member, int timeoutMs)
    {
        member.Session.DeadlineMs = now.Ms + timeoutMs;
        WakeAt(member.Session.DeadlineMs);
    }

    private void SetPhaseDeadline(long delayMs)
    {
        Group = Group with { PhaseDeadlineMs = now.Ms + delayMs };
        WakeAt(Group.PhaseDeadlineMs);
    }

    private void MoveTo(ClassicGroupState state) => Group = Group with { State = state, StateTimestampMs = now.UnixMs };

    /// <summary>Takes a member out. Its calls are answered: if its client is still there, it will join anew.</summary>
    private void Remove(ClassicMember member)
    {
        AnswerJoin(member.JoinCall, ErrorCode.UnknownMemberId, memberId: "");
        AnswerSync(member.SyncCall, ErrorCode.UnknownMemberId);
        Group = Group.Without(member.Id);
    }

    /// <summary>After members have come, changed or gone.</summary>
    private void RebalanceOrCompleteJoin()
    {
        if (Group.CanRebalance)
            Rebalance();
        else
            MaybeCompleteJoin();
    }

    private void Rebalance()
    {
        if (Group.State == ClassicGroupState.CompletingRebalance)
            FailSyncs(ErrorCode.RebalanceInProgress);

        var isInitial = Group.State == ClassicGroupState.Empty;
        MoveTo(ClassicGroupState.PreparingRebalance);
        if (isInitial && config.InitialRebalanceDelayMs > 0)
        {
            var delayMs = config.InitialRebalanceDelayMs;
            Group = Group with
            {
                InitialJoin = new InitialJoin(delayMs, Math.Max(Group.RebalanceTimeoutMs - delayMs, 0), HasNewMember: false),
            };
            SetPhaseDeadline(delayMs);
        }
        else if (Group.HasAllMembersJoined || Group.Members.IsEmpty)
            CompleteJoin();
        else
            SetPhaseDeadline(Group.RebalanceTimeoutMs);
    }

    private void MaybeCompleteJoin()
    {
        if (Group.State == ClassicGroupState.PreparingRebalance && Group.InitialJoin is null && Group.HasAllMembersJoined)
            CompleteJoin();
    }

    /// <summary>Ends the join phase: a new generation of those who came, or nobody.</summary>
    private void CompleteJoin()
    {
        foreach (var member in Group.Members.Values)
        {
            // Static members keep their place while they are away.
            if (!member.IsAwaitingJoin && !member.IsStatic)
                Remove(member);
        }

        Group = Group with { InitialJoin = null };
        if (Group.Members.IsEmpty)
        {
            Write(Group.ToEmptyValue(Group.Generation + 1, now.UnixMs));
            return;
        }
        if (Group.MembersAwaitingJoin == 0)
        {
            // Only static members, and all of them away: wait for one, or for their sessions to end. They may have said that they
            // need no time at all, which must not make the timer spin.
            SetPhaseDeadline(Math.Max(Group.RebalanceTimeoutMs, config.RetryMs));
            return;
        }

        if (!Group.Members[Group.Leader!].IsAwaitingJoin)
            Group = Group with { Leader = Group.Members.Values.First(member => member.IsAwaitingJoin).Id };
        Group = Group with { Generation = Group.Generation + 1, Protocol = Group.SelectProtocol() };
        MoveTo(ClassicGroupState.CompletingRebalance);
        SetPhaseDeadline(Group.RebalanceTimeoutMs);
        foreach (var member in Group.Members.Values)
        {
            if (member.IsAwaitingJoin)
                AnswerJoin(member.JoinCall, Joined(member.Id, Group.Leader!, showMembers: Group.IsLeader(member.Id)));
            KeepSession(member, member.SessionTimeoutMs);
            Group = Group.With(member with { JoinCall = 0, SyncCall = 0, HasSynced = false, IsNew = false });
        }
    }

    private JoinGroupResponse Joined(string memberId, string leader, bool showMembers, bool skipAssignment = false) => new()
    {
        GenerationId = Group.Generation,
        ProtocolType = Group.ProtocolType,
        ProtocolName = Group.Protocol,
        Leader = leader,
        MemberId = memberId,
        SkipAssignment = skipAssignment,
        Members = !showMembers ? [] : Group.Members.Values.Select(member => new JoinGroupResponse.JoinGroupResponseMember
        {
            MemberId = member.Id,
            GroupInstanceId = member.InstanceId,
            Metadata = member.MetadataOf(Group.Protocol),
        }).ToArray(),
    };
}
