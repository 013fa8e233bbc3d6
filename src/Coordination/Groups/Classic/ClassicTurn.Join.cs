using System.Collections.Immutable;
using Milena.Protocol;

namespace Milena.Coordination.Groups;

/// <summary>A JoinGroup, as far as the group cares.</summary>
/// <param name="Call">Names the call when its answer comes; not 0.</param>
/// <param name="NewMemberId">The id for the member, should it need one.</param>
/// <param name="RequiresKnownMemberId">Version 4 and later: an id is given first and used in a second request (KIP-394).</param>
/// <param name="CanSkipAssignment">Version 9 and later: a leader can be told not to assign (KIP-814).</param>
internal sealed record JoinCall(
    long Call,
    string MemberId,
    string? InstanceId,
    GroupClient Client,
    int RebalanceTimeoutMs,
    int SessionTimeoutMs,
    string ProtocolType,
    ImmutableArray<MemberProtocol> Protocols,
    string NewMemberId,
    bool RequiresKnownMemberId,
    bool CanSkipAssignment);

internal sealed partial class ClassicTurn
{
    /// <summary>A member wants in, or in again. The call is answered now or when the join phase ends.</summary>
    public void Join(JoinCall call)
    {
        if (!HasRoomFor(call.MemberId))
        {
            if (Group.Members.TryGetValue(call.MemberId, out var surplus))
                Remove(surplus);
            AnswerJoin(call.Call, ErrorCode.GroupMaxSizeReached, memberId: "");
        }
        else if (!Group.Supports(call.ProtocolType, call.Protocols))
            AnswerJoin(call.Call, ErrorCode.InconsistentGroupProtocol, call.MemberId);
        else if (call.MemberId.Length == 0)
            JoinNew(call);
        else
            JoinKnown(call);

        MaybeCompleteJoin();
    }

    private bool HasRoomFor(string memberId) => Group.State switch
    {
        ClassicGroupState.Empty => true,
        // Of the members there were, the first to come back stay.
        ClassicGroupState.PreparingRebalance =>
            Group.Members.GetValueOrDefault(memberId) is { IsAwaitingJoin: true } || Group.MembersAwaitingJoin < config.MaxSize,
        _ => Group.Members.ContainsKey(memberId) || Group.Members.Count < config.MaxSize,
    };

    private void JoinNew(JoinCall call)
    {
        if (call.InstanceId is { } instance)
        {
            if (Group.Instances.TryGetValue(instance, out var known))
                ReplaceStatic(call, Group.Members[known]);
            else
                Add(call, call.NewMemberId);
        }
        else if (!call.RequiresKnownMemberId)
            Add(call, call.NewMemberId);
        else if (Group.PendingMembers.Count >= config.PendingMembersMax)
            AnswerJoin(call.Call, ErrorCode.GroupMaxSizeReached, memberId: "");
        else
        {
            var deadlineMs = now.Ms + call.SessionTimeoutMs;
            Group = Group with { PendingMembers = Group.PendingMembers.SetItem(call.NewMemberId, deadlineMs) };
            WakeAt(deadlineMs);
            AnswerJoin(call.Call, ErrorCode.MemberIdRequired, call.NewMemberId);
        }
    }

    private void JoinKnown(JoinCall call)
    {
        if (call.InstanceId is null && Group.PendingMembers.ContainsKey(call.MemberId))
        {
            Add(call, call.MemberId);
            return;
        }

        var error = Group.CheckMember(call.MemberId, call.InstanceId);
        if (error != ErrorCode.None)
        {
            AnswerJoin(call.Call, error, call.MemberId);
            return;
        }

        var member = Group.Members[call.MemberId];
        var isUnchanged = member.Matches(call.Protocols);
        switch (Group.State)
        {
            case ClassicGroupState.PreparingRebalance:
                Update(call, member);
                break;
            // It has missed the answer to its join, or asks twice.
            case ClassicGroupState.CompletingRebalance when isUnchanged:
                AnswerWithGeneration(call, member, showMembers: Group.IsLeader(member.Id));
                break;
            // A follower that asks without need. A leader does it to have the partitions handed out anew.
            case ClassicGroupState.Stable when isUnchanged && !Group.IsLeader(member.Id):
                AnswerWithGeneration(call, member, showMembers: false);
                break;
            default:
                Update(call, member);
                Rebalance();
                break;
        }
    }

    private void AnswerWithGeneration(JoinCall call, ClassicMember member, bool showMembers)
    {
        KeepSession(member, member.SessionTimeoutMs);
        AnswerJoin(call.Call, Joined(member.Id, Group.Leader!, showMembers));
    }

    private void Add(JoinCall call, string memberId)
    {
        if (Group.InitialJoin is { } initial)
            Group = Group with { InitialJoin = initial with { HasNewMember = true } };
        if (Group.Members.IsEmpty)
            Group = Group with { ProtocolType = call.ProtocolType };

        var member = new ClassicMember(
            memberId, call.InstanceId, call.Client.ClientId, call.Client.Host, call.RebalanceTimeoutMs, call.SessionTimeoutMs, call.Protocols)
        {
            JoinCall = call.Call,
            IsNew = true,
        };
        Group = Group.With(member);
        KeepSession(member, config.NewMemberJoinTimeoutMs);
        RebalanceOrCompleteJoin();
    }

    /// <summary>Takes over what the member says of itself now, and lets its call wait for the end of the join phase.</summary>
    private void Update(JoinCall call, ClassicMember member)
    {
        // Its client has sent a second join without having seen the answer to the first.
        AnswerJoin(member.JoinCall, ErrorCode.RebalanceInProgress, member.Id);
        Group = Group.With(member with
        {
            RebalanceTimeoutMs = call.RebalanceTimeoutMs,
            SessionTimeoutMs = call.SessionTimeoutMs,
            Protocols = call.Protocols,
            JoinCall = call.Call,
        });
    }

    /// <summary>
    /// A static member has come back without remembering its member id (KIP-345): it takes its place under a new id, and whoever
    /// still uses the old one is fenced.
    /// </summary>
    private void ReplaceStatic(JoinCall call, ClassicMember old)
    {
        var formerLeader = Group.Leader;
        AnswerJoin(old.JoinCall, ErrorCode.FencedInstanceId, old.Id);
        AnswerSync(old.SyncCall, ErrorCode.FencedInstanceId);
        var member = old with
        {
            Id = call.NewMemberId,
            RebalanceTimeoutMs = call.RebalanceTimeoutMs,
            SessionTimeoutMs = call.SessionTimeoutMs,
            Protocols = call.Protocols,
            JoinCall = call.Call,
            SyncCall = 0,
            IsNew = false,
            Session = new MemberSession(),
        };
        KeepSession(member, member.SessionTimeoutMs);
        Group = Group.Without(old.Id).With(member) with
        {
            Leader = Group.IsLeader(old.Id) ? member.Id : formerLeader,
        };

        switch (Group.State)
        {
            case ClassicGroupState.Stable when Group.SelectProtocol() == Group.Protocol:
                Group = Group.With(member with { JoinCall = 0 });
                Write(Group.ToValue(Group.Members.ToDictionary(entry => entry.Key, entry => entry.Value.Assignment)));
                AnswerReplaced(call, member, formerLeader!);
                break;
            // The old id may have been given to the leader already: its assignments would miss the new one.
            case ClassicGroupState.Stable or ClassicGroupState.CompletingRebalance:
                Rebalance();
                break;
        }
    }

    // Partitions are not handed out anew because one member has restarted. A leader that has must not try: it is told so, or, if
    // its version knows no such word, is told that another one leads: its own former id.
    private void AnswerReplaced(JoinCall call, ClassicMember member, string formerLeader)
    {
        var isLeader = Group.IsLeader(member.Id);
        AnswerJoin(call.Call, call.CanSkipAssignment
            ? Joined(member.Id, Group.Leader!, showMembers: isLeader, skipAssignment: isLeader)
            : Joined(member.Id, formerLeader, showMembers: false));
    }
}
