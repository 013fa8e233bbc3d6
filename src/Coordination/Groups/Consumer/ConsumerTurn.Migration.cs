using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// A live group goes from the classic protocol to the consumer protocol when the first member comes that speaks it, and back when
/// the last one has gone (<c>group.consumer.migration.policy</c>): all in the records of one append.
/// </summary>
internal sealed partial class ConsumerTurn
{
    /// <summary>
    /// The turn of a consumer group that takes the place of this classic group, with its members; null if that cannot be.
    /// </summary>
    public static ConsumerTurn? Upgrade(ClassicGroup classic, ConsumerParts parts, GroupTime now)
    {
        if (classic.State == ClassicGroupState.Empty)
        {
            var empty = new ConsumerTurn(new ConsumerGroup(classic.Id), parts, now);
            empty.Emit(GroupRecord.GroupTombstone(classic.Id));
            return empty;
        }
        if (!parts.Config.MigrationPolicy.HasFlag(MigrationPolicy.Upgrade)
            || classic.ProtocolType != ClassicGroup.ConsumerProtocolType
            || classic.Members.Count > parts.Config.ConsumerMaxSize
            || MembersOf(classic, parts.Topics) is not { } members)
        {
            return null;
        }

        var turn = new ConsumerTurn(new ConsumerGroup(classic.Id), parts, now);
        // Who waits for the end of a phase joins again: the phase is over.
        foreach (var member in classic.Members.Values)
        {
            turn.AnswerJoin(member.JoinCall, ErrorCode.RebalanceInProgress, member.Id);
            turn.AnswerSync(member.SyncCall, ErrorCode.RebalanceInProgress);
        }
        turn.Emit(GroupRecord.GroupTombstone(classic.Id));
        turn.TakeOver(classic.Generation, members);
        turn.Group = turn.Group with { PendingMembers = classic.PendingMembers };
        return turn;
    }

    private void TakeOver(int generation, IReadOnlyList<ConsumerMember> members)
    {
        foreach (var member in members)
            Write(ConsumerRecords.Description(Group.Id, member));
        Write(ConsumerRecords.Epoch(Group.Id, generation, metadataHash: 0));
        foreach (var member in members)
            Write(ConsumerRecords.Target(Group.Id, member.Id, member.Assigned));
        Write(ConsumerRecords.TargetEpoch(Group.Id, generation));
        foreach (var member in members)
        {
            Write(ConsumerRecords.Position(Group.Id, member));
            KeepSession(Group.Find(member.Id)!);
        }
    }

    /// <summary>The members as members of a consumer group, with what they own; null if one of them is not a consumer's.</summary>
    private static List<ConsumerMember>? MembersOf(ClassicGroup classic, IGroupTopics topics)
    {
        var members = new List<ConsumerMember>();
        var taken = new HashSet<TopicIdPartition>();
        foreach (var member in classic.Members.Values)
        {
            var metadata = member.MetadataOf(classic.Protocol) is { IsEmpty: false } agreed ? agreed : member.Protocols[0].Metadata;
            if (EmbeddedProtocol.ReadSubscription(metadata) is not { } subscription
                || EmbeddedProtocol.ReadAssignment(member.Assignment, topics) is not { } assignment)
            {
                return null;
            }
            // A leader may have given a partition to two. Only one can keep it.
            var assigned = PartitionSet.Of(assignment.Where(taken.Add));
            members.Add(new ConsumerMember(member.Id)
            {
                InstanceId = member.InstanceId,
                RackId = subscription.RackId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                RebalanceTimeoutMs = member.RebalanceTimeoutMs,
                TopicNames = EmbeddedProtocol.Sorted(subscription.Topics),
                Classic = new ClassicSide(member.SessionTimeoutMs, member.Protocols),
                Epoch = classic.Generation,
                PreviousEpoch = classic.Generation,
                Assigned = assigned,
                AssignedAt = assigned.ToImmutableDictionary(partition => partition, _ => classic.Generation),
            });
        }
        return members;
    }

    /// <summary>
    /// Without these members, are those of the classic protocol among themselves? Then the group becomes a classic one, and they
    /// are asked to share the partitions anew. True if so.
    /// </summary>
    /// <param name="leaving">Members that go.</param>
    /// <param name="isReplaced">A member of the classic protocol takes the place of the one that goes, so nobody else need be there.</param>
    private bool TryDowngrade(IReadOnlyCollection<ConsumerMember> leaving, bool isReplaced)
    {
        var staying = Group.Members.Values.Where(member => leaving.All(other => other.Id != member.Id)).ToArray();
        if (!Config.MigrationPolicy.HasFlag(MigrationPolicy.Downgrade)
            || !staying.All(member => member.UsesClassicProtocol)
            || staying.Length > Config.MaxSize
            || !(staying.Length == 0 ? isReplaced : ProtocolsOf(staying[0]).Any(name => staying.All(member => ProtocolsOf(member).Contains(name)))))
        {
            return false;
        }

        var members = staying.Select(member => new ClassicMember(
            member.Id, member.InstanceId, member.ClientId, member.ClientHost, Math.Max(member.RebalanceTimeoutMs, 0),
            member.Classic!.SessionTimeoutMs, member.Classic.Protocols)
        {
            // What it has not yet given up, too: the group may be a consumer group again before it does.
            Assignment = EmbeddedProtocol.WriteAssignment(
                member.Assigned.Union(member.PendingRevocation), ProtocolOf(member).Metadata, parts.Topics),
            HasSynced = true,
        });
        foreach (var tombstone in Group.ToTombstones())
            Emit(tombstone);
        downgraded = new ClassicTurn(new ClassicGroup(Group.Id), Config, now);
        downgraded.TakeOver(members, Group.Generation);
        return true;

        static IEnumerable<string> ProtocolsOf(ConsumerMember member) => member.Classic!.Protocols.Select(protocol => protocol.Name);
    }
}
