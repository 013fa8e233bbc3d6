using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>A SyncGroup, as far as the group cares.</summary>
/// <param name="Call">Names the call when its answer comes; not 0.</param>
/// <param name="ProtocolType">Null if the client's version does not say it (before 5).</param>
/// <param name="ProtocolName">As above.</param>
/// <param name="Assignments">From the leader: what each member gets.</param>
internal sealed record SyncCall(
    long Call,
    string MemberId,
    string? InstanceId,
    int Generation,
    string? ProtocolType,
    string? ProtocolName,
    IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Assignments);

internal sealed partial class ClassicTurn
{
    /// <summary>A member asks for its assignment, and the leader brings everybody's.</summary>
    public void Sync(SyncCall call)
    {
        var error = CheckSync(call);
        if (error != ErrorCode.None)
        {
            AnswerSync(call.Call, error);
            return;
        }

        var member = Group.Members[call.MemberId];
        // Its client has sent a second sync without having seen the answer to the first.
        AnswerSync(member.SyncCall, ErrorCode.RebalanceInProgress);
        var isStable = Group.State == ClassicGroupState.Stable;
        Group = Group.With(member with { HasSynced = true, SyncCall = isStable ? 0 : call.Call });
        if (Group.HasAllMembersSynced)
            Group = Group with { PhaseDeadlineMs = GroupTime.Never };

        if (isStable)
        {
            KeepSession(member, member.SessionTimeoutMs);
            AnswerSync(call.Call, Synced(member.Assignment));
        }
        else if (Group.IsLeader(member.Id))
            Stabilize(call.Assignments);
    }

    /// <summary>
    /// The leader's assignments could not be written: everybody who waits for them is told, and the group starts over. Without
    /// effect if the group has moved on meanwhile.
    /// </summary>
    public void AssignmentRefused(string leader, int generation, ErrorCode error)
    {
        if (Group.State != ClassicGroupState.CompletingRebalance || Group.Generation != generation || !Group.IsLeader(leader))
            return;
        FailSyncs(error);
        Rebalance();
    }

    private ErrorCode CheckSync(SyncCall call)
    {
        var error = Group.CheckMember(call.MemberId, call.InstanceId);
        if (error != ErrorCode.None)
            return error;
        if (call.Generation != Group.Generation)
            return ErrorCode.IllegalGeneration;
        if (Differs(call.ProtocolType, Group.ProtocolType) || Differs(call.ProtocolName, Group.Protocol))
            return ErrorCode.InconsistentGroupProtocol;
        return Group.State == ClassicGroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private void Stabilize(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> assignments)
    {
        foreach (var member in Group.Members.Values)
        {
            if (!member.IsAwaitingSync)
                continue;
            AnswerSync(member.SyncCall, Synced(assignments.GetValueOrDefault(member.Id)));
            KeepSession(member, member.SessionTimeoutMs);
            Group = Group.With(member with { SyncCall = 0 });
        }
        Write(Group.ToValue(assignments));
    }

    private void FailSyncs(ErrorCode error)
    {
        foreach (var member in Group.Members.Values)
        {
            if (!member.IsAwaitingSync)
                continue;
            AnswerSync(member.SyncCall, error);
            KeepSession(member, member.SessionTimeoutMs);
            Group = Group.With(member with { SyncCall = 0 });
        }
    }

    private SyncGroupResponse Synced(ReadOnlyMemory<byte> assignment) =>
        new() { ProtocolType = Group.ProtocolType, ProtocolName = Group.Protocol, Assignment = assignment };

    private static bool Differs(string? claimed, string? actual) => claimed is not null && claimed != actual;
}
