namespace Milena.Coordination.Groups;

internal sealed partial class ConsumerTurn
{
    /// <summary>Members that are not heard of any more go, and those that did not do in time what they were asked to.</summary>
    public void Tick()
    {
        var overdue = Group.PendingMembers.Where(pending => pending.Value <= now.Ms).Select(pending => pending.Key).ToArray();
        if (overdue.Length > 0)
            Group = Group with { PendingMembers = Group.PendingMembers.RemoveRange(overdue) };
        Remove([.. Group.Members.Values.Where(member => member.DeadlineMs <= now.Ms)]);
        WakeAt(Group.NextDeadlineMs());
    }

    /// <summary>The partition has just been loaded: every member has a session from now on, and time to give up what it must.</summary>
    public void StartSessions()
    {
        foreach (var member in Group.Members.Values)
        {
            KeepSession(member);
            if (member is { UsesClassicProtocol: false, State: ConsumerMemberState.UnrevokedPartitions, IsAway: false })
                SetRebalanceDeadline(member, now.Ms + Math.Max(member.RebalanceTimeoutMs, 0));
        }
    }
}
