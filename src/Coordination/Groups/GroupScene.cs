using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// A group as it is when a request for it comes up, whatever its kind, or no group at all: here the turn is begun that suits both.
/// </summary>
internal sealed class GroupScene(string groupId, Group? group, ConsumerParts parts, GroupTime now)
{
    public Group? Group => group;

    /// <summary>The turn that was begun; null if none was needed.</summary>
    public GroupTurn? Turn { get; private set; }

    public ClassicTurn Begin(ClassicGroup classic) => Begin(new ClassicTurn(classic, parts.Config, now));

    public ConsumerTurn Begin(ConsumerGroup consumer) => Begin(new ConsumerTurn(consumer, parts, now));

    /// <summary>JoinGroup. What is returned is for a call that no turn will answer.</summary>
    public ErrorCode Join(JoinCall call)
    {
        switch (group)
        {
            case ClassicGroup classic:
                Begin(classic).Join(call);
                return ErrorCode.None;
            case ConsumerGroup { IsEmpty: false } consumer:
                Begin(consumer).Join(call);
                return ErrorCode.None;
        }

        // Only a member without an id makes a group, and only if it could be in it.
        if (call.MemberId.Length > 0)
            return ErrorCode.UnknownMemberId;
        if (!new ClassicGroup(groupId).Supports(call.ProtocolType, call.Protocols))
            return ErrorCode.InconsistentGroupProtocol;
        var turn = Begin(new ClassicGroup(groupId));
        if (group is ConsumerGroup empty)
            turn.Replace(empty);
        turn.Create();
        turn.Join(call);
        return ErrorCode.None;
    }

    /// <summary>SyncGroup. What is returned is for a call that no turn will answer.</summary>
    public ErrorCode Sync(SyncCall call)
    {
        switch (group)
        {
            case ClassicGroup classic:
                Begin(classic).Sync(call);
                return ErrorCode.None;
            case ConsumerGroup consumer:
                Begin(consumer).Sync(call);
                return ErrorCode.None;
            default:
                return ErrorCode.UnknownMemberId;
        }
    }

    /// <summary>LeaveGroup: one result for each member.</summary>
    public LeaveGroupResponse.MemberResponse[] Leave(LeaveGroupRequest.MemberIdentity[] leaving) => group switch
    {
        ClassicGroup classic => Begin(classic).Leave(leaving),
        ConsumerGroup consumer => Begin(consumer).Leave(leaving),
        _ => Array.ConvertAll(leaving, member => new LeaveGroupResponse.MemberResponse
        {
            MemberId = member.MemberId,
            GroupInstanceId = member.GroupInstanceId,
            ErrorCode = ErrorCode.UnknownMemberId,
        }),
    };

    /// <summary>ConsumerGroupHeartbeat: who joins makes the group, or makes a consumer group of a classic one.</summary>
    public ConsumerGroupHeartbeatResponse Heartbeat(ConsumerHeartbeat call)
    {
        var turn = group switch
        {
            ConsumerGroup consumer => Begin(consumer),
            null when call.IsJoin => Begin(new ConsumerGroup(groupId)),
            ClassicGroup classic when call.IsJoin && ConsumerTurn.Upgrade(classic, parts, now) is { } upgraded => Begin(upgraded),
            _ => null,
        };
        return turn?.Heartbeat(call) ?? ConsumerTurn.Refuse(
            ErrorCode.GroupIdNotFound,
            group is null ? $"Group {groupId} not found." : $"Group {groupId} is not a consumer group.");
    }

    private T Begin<T>(T turn)
        where T : GroupTurn
    {
        Turn = turn;
        return turn;
    }
}
