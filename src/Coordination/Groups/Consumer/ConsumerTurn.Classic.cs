using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// Members that speak the classic protocol in a consumer group. Their generation is their epoch, nobody leads, and what they are
/// given comes from the target.
/// </summary>
internal sealed partial class ConsumerTurn
{
    /// <summary>A member of the classic protocol wants in, or in again. Answered at once: there is no phase to wait for.</summary>
    public void Join(JoinCall call)
    {
        var memberId = call.MemberId.Length > 0 ? call.MemberId : call.NewMemberId;
        if (!HasRoomFor(memberId, call.InstanceId))
        {
            AnswerJoin(call.Call, ErrorCode.GroupMaxSizeReached, memberId: "");
            return;
        }
        if (!Supports(call, memberId) || EmbeddedProtocol.ReadSubscription(call.Protocols[0].Metadata) is not { } subscription)
        {
            AnswerJoin(call.Call, ErrorCode.InconsistentGroupProtocol, call.MemberId);
            return;
        }
        if (call is { MemberId: "", InstanceId: null, RequiresKnownMemberId: true })
        {
            GiveId(call, memberId);
            return;
        }

        var member = Group.Find(memberId);
        if (member is null && call is { MemberId.Length: > 0, InstanceId: null } && !Group.PendingMembers.ContainsKey(memberId))
        {
            AnswerJoin(call.Call, ErrorCode.UnknownMemberId, memberId);
            return;
        }
        if (call.InstanceId is { } instance)
        {
            var holder = Group.FindStatic(instance);
            if (call.MemberId.Length > 0 && holder?.Id != call.MemberId)
            {
                AnswerJoin(call.Call, holder is null ? ErrorCode.UnknownMemberId : ErrorCode.FencedInstanceId, call.MemberId);
                return;
            }
            if (call.MemberId.Length == 0 && holder is not null)
            {
                if (!holder.UsesClassicProtocol && TryDowngrade([holder], isReplaced: true))
                {
                    downgraded!.Join(call); // it took the place of the last one for whom the group was what it was
                    return;
                }
                member = Replace(holder, memberId);
            }
        }

        Group = Group with { PendingMembers = Group.PendingMembers.Remove(memberId) };
        member ??= new ConsumerMember(memberId);
        var updated = Advance(
            member,
            member with
            {
                InstanceId = call.InstanceId ?? member.InstanceId,
                RackId = subscription.RackId ?? member.RackId,
                ClientId = call.Client.ClientId,
                ClientHost = call.Client.Host,
                RebalanceTimeoutMs = call.RebalanceTimeoutMs,
                TopicNames = EmbeddedProtocol.Sorted(subscription.Topics),
                TopicRegex = null,
                Assignor = null,
                Classic = new ClassicSide(call.SessionTimeoutMs, call.Protocols),
            },
            EmbeddedProtocol.OwnedBy(subscription, parts.Topics));
        KeepSession(updated);
        SetRebalanceDeadline(updated, now.Ms + Math.Max(updated.RebalanceTimeoutMs, 0)); // to ask for its assignment
        AnswerJoin(call.Call, new JoinGroupResponse
        {
            MemberId = updated.Id,
            GenerationId = updated.Epoch,
            ProtocolType = ClassicGroup.ConsumerProtocolType,
            ProtocolName = call.Protocols[0].Name,
        });
    }

    // The id is used in a second request, so that a client that never saw the first answer leaves no member behind (KIP-394).
    private void GiveId(JoinCall call, string memberId)
    {
        if (Group.PendingMembers.Count >= Config.PendingMembersMax)
        {
            AnswerJoin(call.Call, ErrorCode.GroupMaxSizeReached, memberId: "");
            return;
        }
        var deadlineMs = now.Ms + call.SessionTimeoutMs;
        Group = Group with { PendingMembers = Group.PendingMembers.SetItem(memberId, deadlineMs) };
        WakeAt(deadlineMs);
        AnswerJoin(call.Call, ErrorCode.MemberIdRequired, memberId);
    }

    /// <summary>A member of the classic protocol asks for its assignment.</summary>
    public void Sync(SyncCall call)
    {
        var error = CheckClassicMember(call.MemberId, call.InstanceId, call.Generation, out var member);
        if (error == ErrorCode.None && (Differs(call.ProtocolType, ClassicGroup.ConsumerProtocolType) || Differs(call.ProtocolName, ProtocolOf(member!).Name)))
            error = ErrorCode.InconsistentGroupProtocol;
        if (error == ErrorCode.None && member!.Epoch < Group.Generation && member.State != ConsumerMemberState.UnrevokedPartitions)
        {
            MustJoinAgain(member);
            error = ErrorCode.RebalanceInProgress;
        }
        if (error != ErrorCode.None)
        {
            AnswerSync(call.Call, error);
            return;
        }

        KeepSession(member!);
        SetRebalanceDeadline(member!, GroupTime.Never);
        AnswerSync(call.Call, new SyncGroupResponse
        {
            ProtocolType = ClassicGroup.ConsumerProtocolType,
            ProtocolName = ProtocolOf(member!).Name,
            Assignment = EmbeddedProtocol.WriteAssignment(member!.Assigned, ProtocolOf(member).Metadata, parts.Topics),
        });
    }

    /// <summary>A sign of life of a member of the classic protocol. It must join again whenever that would bring it further.</summary>
    public ErrorCode Heartbeat(string memberId, string? instanceId, int generation)
    {
        var error = CheckClassicMember(memberId, instanceId, generation, out var member);
        if (error != ErrorCode.None)
            return error;
        KeepSession(member!);
        if (member!.Epoch >= Group.Generation && member.State switch
            {
                ConsumerMemberState.UnrevokedPartitions => false,
                ConsumerMemberState.UnreleasedPartitions => IsWaitingForOthers(member),
                _ => true,
            })
        {
            return ErrorCode.None;
        }
        MustJoinAgain(member);
        return ErrorCode.RebalanceInProgress;
    }

    /// <summary>Members go, or an administrator sends them away: those of both protocols. One result for each.</summary>
    public LeaveGroupResponse.MemberResponse[] Leave(IEnumerable<LeaveGroupRequest.MemberIdentity> leaving)
    {
        var going = new Dictionary<string, ConsumerMember>(StringComparer.Ordinal);
        var results = leaving.Select(identity => new LeaveGroupResponse.MemberResponse
        {
            MemberId = identity.MemberId,
            GroupInstanceId = identity.GroupInstanceId,
            ErrorCode = Leave(identity, going),
        }).ToArray();
        Remove(going.Values);
        return results;
    }

    private ErrorCode Leave(LeaveGroupRequest.MemberIdentity identity, Dictionary<string, ConsumerMember> going)
    {
        if (Group.PendingMembers.ContainsKey(identity.MemberId))
        {
            Group = Group with { PendingMembers = Group.PendingMembers.Remove(identity.MemberId) };
            return ErrorCode.None;
        }
        var error = identity.MemberId.Length > 0
            ? CheckMember(identity.MemberId, identity.GroupInstanceId, out var member)
            : (member = identity.GroupInstanceId is { } instance ? Group.FindStatic(instance) : null) is null
                ? ErrorCode.UnknownMemberId
                : ErrorCode.None;
        return error != ErrorCode.None || going.TryAdd(member!.Id, member) ? error : ErrorCode.UnknownMemberId;
    }

    private ErrorCode CheckMember(string memberId, string? instanceId, out ConsumerMember? member)
    {
        member = Group.Find(memberId);
        if (instanceId is not null)
        {
            member = Group.FindStatic(instanceId);
            if (member is not null && member.Id != memberId)
                return ErrorCode.FencedInstanceId;
        }
        return member is null ? ErrorCode.UnknownMemberId : ErrorCode.None;
    }

    private ErrorCode CheckClassicMember(string memberId, string? instanceId, int generation, out ConsumerMember? member)
    {
        var error = CheckMember(memberId, instanceId, out member);
        if (error != ErrorCode.None)
            return error;
        if (!member!.UsesClassicProtocol)
            return ErrorCode.UnknownMemberId;
        return generation == member.Epoch ? ErrorCode.None : ErrorCode.IllegalGeneration;
    }

    // It is fenced if it takes too long. Told again, it gets no more time.
    private void MustJoinAgain(ConsumerMember member)
    {
        if (member.RebalanceDeadlineMs == GroupTime.Never)
            SetRebalanceDeadline(member, now.Ms + Math.Max(member.RebalanceTimeoutMs, 0));
    }

    private bool IsWaitingForOthers(ConsumerMember member) =>
        Group.TargetOf(member.Id).Except(member.Assigned).Any(partition => !Group.IsFreeFor(member.Id, partition));

    // Some protocol must be known to all members of this kind, for the day on which nobody else is left.
    private bool Supports(JoinCall call, string memberId)
    {
        if (call.ProtocolType != ClassicGroup.ConsumerProtocolType || call.Protocols.IsEmpty)
            return false;
        var others = Group.Members.Values.Where(member => member.UsesClassicProtocol && member.Id != memberId).ToArray();
        return call.Protocols.Any(protocol => others.All(other => other.Classic!.Protocols.Any(known => known.Name == protocol.Name)));
    }

    private static MemberProtocol ProtocolOf(ConsumerMember member) => member.Classic!.Protocols[0];

    private static bool Differs(string? claimed, string actual) => claimed is not null && claimed != actual;
}
