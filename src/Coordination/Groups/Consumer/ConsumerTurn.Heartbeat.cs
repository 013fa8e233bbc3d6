using System.Collections.Immutable;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>A ConsumerGroupHeartbeat, as far as the group cares. What is null has not changed since the last one.</summary>
internal sealed record ConsumerHeartbeat(
    string MemberId,
    int Epoch,
    string? InstanceId,
    string? RackId,
    GroupClient Client,
    int RebalanceTimeoutMs,
    ImmutableArray<string>? TopicNames,
    string? TopicRegex,
    string? Assignor,
    PartitionSet? Owned)
{
    public bool IsJoin => Epoch == ConsumerMember.JoiningEpoch;

    /// <summary>A client that does not know what the coordinator knows says everything.</summary>
    public bool IsFull => RebalanceTimeoutMs >= 0 && (TopicNames is not null || TopicRegex is not null) && Owned is not null;
}

internal sealed partial class ConsumerTurn
{
    /// <summary>
    /// A member of the consumer protocol is heard of: it joins, goes on, or leaves, and is told where it stands. If that is an
    /// error, nothing has happened.
    /// </summary>
    public ConsumerGroupHeartbeatResponse Heartbeat(ConsumerHeartbeat call)
    {
        var response = call.Epoch < 0 ? Leave(call) : Stay(call);
        if (response.ErrorCode != ErrorCode.None)
            Forget();
        return response;
    }

    private ConsumerGroupHeartbeatResponse Stay(ConsumerHeartbeat call)
    {
        if (!HasRoomFor(call.MemberId, call.InstanceId))
            return Refuse(ErrorCode.GroupMaxSizeReached, $"The consumer group has reached its maximum capacity of {Config.ConsumerMaxSize} members.");
        if (call.TopicRegex is { Length: > 0 } regex && !Group.Regexes.ContainsKey(regex))
        {
            if (Group.Regexes.Count >= RegexResolver.PerGroupMax)
                return Refuse(ErrorCode.InvalidRegularExpression, $"A group has at most {RegexResolver.PerGroupMax} different regular expressions.");
            if (TopicRegex.Parse(regex, out var fault) is null)
                return Refuse(ErrorCode.InvalidRegularExpression, $"SubscribedTopicRegex `{regex}` is not a valid regular expression: {fault}.");
        }

        if (Admit(call, out var refusal) is not { } member)
            return refusal!;
        var before = member.Assigned;
        var updated = Advance(member, Described(member, call), call.Owned);
        KeepSession(updated);
        return new()
        {
            MemberId = updated.Id,
            MemberEpoch = updated.Epoch,
            HeartbeatIntervalMs = Config.ConsumerHeartbeatIntervalMsOf(Group.Id),
            Assignment = call.IsJoin || call.IsFull || !updated.Assigned.Equals(before) ? AssignmentOf(updated.Assigned) : null,
        };
    }

    /// <summary>The member that speaks, be it known or new; null if it is refused.</summary>
    private ConsumerMember? Admit(ConsumerHeartbeat call, out ConsumerGroupHeartbeatResponse? refusal)
    {
        refusal = null;
        var member = Group.Find(call.MemberId);
        if (call.InstanceId is { } instance)
        {
            var holder = Group.FindStatic(instance);
            if (holder is null && !call.IsJoin)
                refusal = Refuse(ErrorCode.UnknownMemberId, $"Instance id {instance} is unknown.");
            else if (holder is not null && call.IsJoin && (holder.IsAway || (holder.UsesClassicProtocol && holder.Id != call.MemberId)))
                return Replace(holder, call.MemberId); // the classic protocol's static members go without a word
            else if (holder is not null && holder.Id != call.MemberId)
                refusal = call.IsJoin ? Unreleased(instance, holder) : Fenced(instance, call.MemberId, holder);
            if (refusal is not null)
                return null;
            member = holder ?? member;
        }

        if (member is null)
        {
            if (!call.IsJoin)
                refusal = Refuse(ErrorCode.UnknownMemberId, $"Member {call.MemberId} is not a member of group {Group.Id}.");
            return call.IsJoin ? new ConsumerMember(call.MemberId) : null;
        }
        refusal = CheckEpoch(member, call);
        return refusal is null ? member : null;
    }

    private static ConsumerGroupHeartbeatResponse? CheckEpoch(ConsumerMember member, ConsumerHeartbeat call)
    {
        if (call.Epoch == member.Epoch)
            return null;
        // It has missed the answer that brought the new epoch. What it owns shows that it is not a message from further back.
        if (call.Epoch < member.Epoch && call.Epoch == member.PreviousEpoch && call.Owned?.IsSubsetOf(member.Assigned) == true)
            return null;
        return Refuse(
            ErrorCode.FencedMemberEpoch,
            $"The consumer group member has a {(call.Epoch > member.Epoch ? "greater" : "smaller")} member epoch ({call.Epoch}) than the one "
                + $"known by the group coordinator ({member.Epoch}). The member must abandon all its partitions and rejoin.");
    }

    private static ConsumerMember Described(ConsumerMember member, ConsumerHeartbeat call) => member with
    {
        InstanceId = call.InstanceId ?? member.InstanceId,
        RackId = call.RackId ?? member.RackId,
        ClientId = call.Client.ClientId,
        ClientHost = call.Client.Host,
        RebalanceTimeoutMs = call.RebalanceTimeoutMs >= 0 ? call.RebalanceTimeoutMs : member.RebalanceTimeoutMs,
        TopicNames = call.TopicNames ?? member.TopicNames,
        // The empty expression ends the subscription by one.
        TopicRegex = (call.TopicRegex ?? member.TopicRegex) is { Length: > 0 } regex ? regex : null,
        Assignor = call.Assignor ?? member.Assignor,
        Classic = null,
    };

    private ConsumerGroupHeartbeatResponse Leave(ConsumerHeartbeat call)
    {
        var member = Group.Find(call.MemberId);
        if (call.InstanceId is { } instance)
        {
            if (Group.FindStatic(instance) is not { } holder)
                return Refuse(ErrorCode.UnknownMemberId, $"Instance id {instance} is unknown.");
            if (holder.Id != call.MemberId)
                return Fenced(instance, call.MemberId, holder);
            member = holder;
        }
        if (member is null)
            return Refuse(ErrorCode.UnknownMemberId, $"Member {call.MemberId} is not a member of group {Group.Id}.");

        if (call.Epoch == ConsumerMember.AwayEpoch)
        {
            // Its partitions wait for it, until its session ends.
            Write(ConsumerRecords.Position(Group.Id, member with { Epoch = ConsumerMember.AwayEpoch, PendingRevocation = PartitionSet.Empty }));
            SetRebalanceDeadline(Group.Find(member.Id)!, GroupTime.Never);
        }
        else
            Remove([member]);
        return new() { MemberId = member.Id, MemberEpoch = call.Epoch };
    }

    private static ConsumerGroupHeartbeatResponse Unreleased(string instance, ConsumerMember holder) => Refuse(
        ErrorCode.UnreleasedInstanceId,
        $"Static member {holder.Id} with instance id {instance} was not released. It must leave before another member can take its place.");

    private static ConsumerGroupHeartbeatResponse Fenced(string instance, string memberId, ConsumerMember holder) => Refuse(
        ErrorCode.FencedInstanceId, $"Static member {memberId} with instance id {instance} was fenced by member {holder.Id}.");

    /// <summary>The answer that carries an error.</summary>
    public static ConsumerGroupHeartbeatResponse Refuse(ErrorCode error, string? message = null) => new() { ErrorCode = error, ErrorMessage = message };

    private static ConsumerGroupHeartbeatResponse.AssignmentData AssignmentOf(PartitionSet assigned) => new()
    {
        TopicPartitions = [.. assigned.Topics.Select(topic => new ConsumerGroupHeartbeatResponse.TopicPartitions
        {
            TopicId = topic,
            Partitions = [.. assigned[topic]],
        })],
    };
}
