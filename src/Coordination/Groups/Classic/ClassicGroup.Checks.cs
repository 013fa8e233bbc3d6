using System.Collections.Immutable;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>What can be said about a group without changing it.</summary>
internal sealed partial record ClassicGroup
{
    /// <summary>Whether such a member is here, and is the one that its instance id stands for.</summary>
    public ErrorCode CheckMember(string memberId, string? instanceId)
    {
        if (instanceId is not null)
        {
            if (!Instances.TryGetValue(instanceId, out var owner))
                return ErrorCode.UnknownMemberId;
            if (owner != memberId)
                return ErrorCode.FencedInstanceId;
        }
        return Members.ContainsKey(memberId) ? ErrorCode.None : ErrorCode.UnknownMemberId;
    }

    /// <summary>A sign of life. The session goes on even if the answer is that the member must join again.</summary>
    public ErrorCode Heartbeat(string memberId, string? instanceId, int generation, long nowMs)
    {
        var error = CheckMember(memberId, instanceId);
        if (error != ErrorCode.None)
            return error;
        if (generation != Generation)
            return ErrorCode.IllegalGeneration;
        KeepSession(memberId, nowMs);
        return State == ClassicGroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    /// <summary>Whether these offsets may be committed now. Those of a transaction are not bound to membership.</summary>
    public ErrorCode CheckCommit(string memberId, string? instanceId, int generation, bool isTransactional)
    {
        // Whoever assigns partitions to itself, and administrators, commit to a group that nobody is in.
        if (generation < 0 && State == ClassicGroupState.Empty)
            return ErrorCode.None;

        if (generation >= 0 || memberId.Length > 0 || instanceId is not null)
        {
            var error = CheckMember(memberId, instanceId);
            if (error != ErrorCode.None)
                return error;
            if (generation != Generation)
                return ErrorCode.IllegalGeneration;
        }
        else if (!isTransactional && State != ClassicGroupState.Empty)
            return ErrorCode.UnknownMemberId;

        return State == ClassicGroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    /// <summary>Moves the end of the member's session away, if it is here. Never nearer: nobody would be woken for that.</summary>
    public void KeepSession(string memberId, long nowMs)
    {
        if (Members.TryGetValue(memberId, out var member))
            member.Session.DeadlineMs = Math.Max(member.Session.DeadlineMs, nowMs + member.SessionTimeoutMs);
    }

    /// <summary>The earliest moment at which something happens here without a request.</summary>
    public long NextDeadlineMs()
    {
        var next = PhaseDeadlineMs;
        foreach (var member in Members.Values)
            next = Math.Min(next, member.SessionDeadlineMs);
        foreach (var deadline in PendingMembers.Values)
            next = Math.Min(next, deadline);
        return next;
    }

    /// <summary>Metadata and assignments are shown only when they belong together.</summary>
    public DescribeGroupsResponse.DescribedGroup Describe()
    {
        var isStable = State == ClassicGroupState.Stable;
        return new()
        {
            GroupId = Id,
            GroupState = StateName,
            ProtocolType = ProtocolTypeName,
            ProtocolData = isStable ? Protocol ?? "" : "",
            Members = Members.Values.Select(member => new DescribeGroupsResponse.DescribedGroupMember
            {
                MemberId = member.Id,
                GroupInstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                MemberMetadata = isStable ? member.MetadataOf(Protocol) : default,
                MemberAssignment = isStable ? member.Assignment : default,
            }).ToArray(),
        };
    }
}
