namespace Milena.Coordination.Groups;

internal sealed partial class ClassicTurn
{
    /// <summary>Whatever is due happens: sessions, pending ids, the end of a phase.</summary>
    public void Tick()
    {
        DropPendingMembers();
        DropSilentMembers();
        if (Group.PhaseDeadlineMs <= now.Ms)
            EndPhase();
        WakeAt(Group.NextDeadlineMs());
    }

    /// <summary>
    /// The partition has just been loaded: every member has a session from now on. A group that is over its size, because the limit
    /// has changed, shares its partitions anew among fewer.
    /// </summary>
    public void StartSessions()
    {
        foreach (var member in Group.Members.Values)
            KeepSession(member, member.SessionTimeoutMs);
        if (Group.Members.Count > config.MaxSize)
            Rebalance();
    }

    /// <summary>
    /// The group has been a consumer group until now: its members go on in this generation, and share the partitions anew.
    /// </summary>
    public void TakeOver(IEnumerable<ClassicMember> members, int generation)
    {
        Group = Group with
        {
            State = ClassicGroupState.Stable,
            ProtocolType = ClassicGroup.ConsumerProtocolType,
            Generation = generation,
            StateTimestampMs = now.UnixMs,
        };
        foreach (var member in members)
        {
            Group = Group.With(member);
            KeepSession(member, member.SessionTimeoutMs);
        }
        Group = Group with { Protocol = Group.Members.IsEmpty ? null : Group.SelectProtocol() };
        Write(Group.ToValue(Group.Members.ToDictionary(entry => entry.Key, entry => entry.Value.Assignment)));
        if (!Group.Members.IsEmpty)
            Rebalance();
    }

    private void DropPendingMembers()
    {
        var overdue = Group.PendingMembers.Where(pending => pending.Value <= now.Ms).Select(pending => pending.Key).ToArray();
        if (overdue.Length == 0)
            return;
        Group = Group with { PendingMembers = Group.PendingMembers.RemoveRange(overdue) };
        MaybeCompleteJoin();
    }

    private void DropSilentMembers()
    {
        var count = Group.Members.Count;
        foreach (var member in Group.Members.Values)
        {
            if (member.SessionDeadlineMs <= now.Ms)
                Remove(member);
        }
        if (Group.Members.Count < count)
            RebalanceOrCompleteJoin();
    }

    private void EndPhase()
    {
        Group = Group with { PhaseDeadlineMs = GroupTime.Never };
        if (Group.State == ClassicGroupState.PreparingRebalance)
            EndJoinPhase();
        else
            EndSyncPhase();
    }

    private void EndJoinPhase()
    {
        if (Group.InitialJoin is not { HasNewMember: true, RemainingMs: > 0 } initial)
        {
            CompleteJoin();
            return;
        }

        var delayMs = Math.Min(config.InitialRebalanceDelayMs, initial.RemainingMs);
        Group = Group with
        {
            InitialJoin = new InitialJoin(delayMs, Math.Max(initial.RemainingMs - initial.DelayMs, 0), HasNewMember: false),
        };
        SetPhaseDeadline(delayMs);
    }

    // Members that have joined and then not asked for their assignment, be it that the leader never brought it.
    private void EndSyncPhase()
    {
        var count = Group.Members.Count;
        foreach (var member in Group.Members.Values)
        {
            if (!member.HasSynced)
                Remove(member);
        }
        if (Group.Members.Count < count)
            RebalanceOrCompleteJoin();
    }
}
