using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

internal sealed partial class ClassicTurn
{
    /// <summary>Members go, or an administrator sends static members away by their instance ids. One result for each.</summary>
    public LeaveGroupResponse.MemberResponse[] Leave(IEnumerable<LeaveGroupRequest.MemberIdentity> leaving)
    {
        var count = Group.Members.Count;
        var results = leaving.Select(identity => new LeaveGroupResponse.MemberResponse
        {
            MemberId = identity.MemberId,
            GroupInstanceId = identity.GroupInstanceId,
            ErrorCode = Leave(identity),
        }).ToArray();

        // A pending member that goes concerns only those who wait for it.
        if (Group.Members.Count < count)
            RebalanceOrCompleteJoin();
        else
            MaybeCompleteJoin();
        return results;
    }

    private ErrorCode Leave(LeaveGroupRequest.MemberIdentity identity)
    {
        var memberId = identity.MemberId;
        if (memberId.Length == 0)
        {
            if (identity.GroupInstanceId is not { } instance || !Group.Instances.TryGetValue(instance, out var member))
                return ErrorCode.UnknownMemberId;
            memberId = member;
        }
        else if (Group.PendingMembers.ContainsKey(memberId))
        {
            Group = Group with { PendingMembers = Group.PendingMembers.Remove(memberId) };
            return ErrorCode.None;
        }

        var error = Group.CheckMember(memberId, identity.GroupInstanceId);
        if (error == ErrorCode.None)
            Remove(Group.Members[memberId]);
        return error;
    }
}
