using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol.Messages;
using AssignedPartitions = Milena.Protocol.Messages.ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions;

namespace Milena.Coordination.Groups;

internal sealed partial record ConsumerGroup
{
    /// <summary>The group that a record of a consumer group is about; null for other records.</summary>
    public static string? IdOf(IGroupKey key) => key switch
    {
        ConsumerGroupMetadataKey metadata => metadata.GroupId,
        ConsumerGroupPartitionMetadataKey partitions => partitions.GroupId,
        ConsumerGroupMemberMetadataKey member => member.GroupId,
        ConsumerGroupTargetAssignmentMetadataKey target => target.GroupId,
        ConsumerGroupTargetAssignmentMemberKey target => target.GroupId,
        ConsumerGroupCurrentMemberAssignmentKey current => current.GroupId,
        ConsumerGroupRegularExpressionKey regex => regex.GroupId,
        _ => null,
    };

    /// <summary>
    /// The group after this record. Records come in any order that compaction may have left: how far a member has come may be read
    /// before what it said of itself. What records do not hold is kept.
    /// </summary>
    public ConsumerGroup Apply(GroupRecord record) => (record.Key, record.Value) switch
    {
        (ConsumerGroupMetadataKey, ConsumerGroupMetadataValue value) => this with { Generation = value.Epoch, MetadataHash = value.MetadataHash },
        (ConsumerGroupMemberMetadataKey key, ConsumerGroupMemberMetadataValue value) => Describe(key.MemberId, value),
        (ConsumerGroupMemberMetadataKey key, null) => Remove(key.MemberId),
        (ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue value) =>
            this with { TargetEpoch = value.AssignmentEpoch },
        (ConsumerGroupTargetAssignmentMetadataKey, null) => this with { TargetEpoch = 0 },
        (ConsumerGroupTargetAssignmentMemberKey key, ConsumerGroupTargetAssignmentMemberValue value) =>
            this with { Targets = Targets.SetItem(key.MemberId, SetOf(value)) },
        (ConsumerGroupTargetAssignmentMemberKey key, null) => this with { Targets = Targets.Remove(key.MemberId) },
        (ConsumerGroupCurrentMemberAssignmentKey key, ConsumerGroupCurrentMemberAssignmentValue value) => Place(key.MemberId, value),
        (ConsumerGroupCurrentMemberAssignmentKey key, null) => Unplace(key.MemberId),
        (ConsumerGroupRegularExpressionKey key, ConsumerGroupRegularExpressionValue value) => this with
        {
            Regexes = Regexes.SetItem(
                key.RegularExpression,
                new ResolvedRegex(value.Topics.ToImmutableSortedSet(StringComparer.Ordinal), value.Version, value.Timestamp)),
        },
        (ConsumerGroupRegularExpressionKey key, null) => this with { Regexes = Regexes.Remove(key.RegularExpression) },
        (ConsumerGroupPartitionMetadataKey, var value) => this with { HasPartitionMetadata = value is not null },
        _ => throw new InvariantViolation($"not a record of a consumer group: {record}"),
    };

    /// <summary>The records of the group as it is, members first, as Kafka orders them when a group is converted.</summary>
    public IEnumerable<GroupRecord> ToRecords() =>
    [
        .. Members.Values.Select(member => ConsumerRecords.Description(Id, member)),
        ConsumerRecords.Epoch(Id, Generation, MetadataHash),
        .. Targets.Select(target => ConsumerRecords.Target(Id, target.Key, target.Value)),
        ConsumerRecords.TargetEpoch(Id, TargetEpoch),
        .. Members.Values.Select(member => ConsumerRecords.Position(Id, member)),
    ];

    /// <summary>The tombstones of everything that the group has written, the group's own last.</summary>
    public IEnumerable<GroupRecord> ToTombstones() =>
    [
        .. Members.Keys.Select(member => ConsumerRecords.NoPosition(Id, member)),
        .. Targets.Keys.Select(member => ConsumerRecords.NoTarget(Id, member)),
        ConsumerRecords.NoTargetEpoch(Id),
        .. Members.Keys.Select(member => ConsumerRecords.NoDescription(Id, member)),
        .. Regexes.Keys.Select(regex => ConsumerRecords.NoRegex(Id, regex)),
        .. HasPartitionMetadata ? [ConsumerRecords.NoPartitionMetadata(Id)] : ImmutableArray<GroupRecord>.Empty,
        ConsumerRecords.NoEpoch(Id),
    ];

    private ConsumerGroup Describe(string memberId, ConsumerGroupMemberMetadataValue value)
    {
        var instances = Instances;
        if (Members.GetValueOrDefault(memberId)?.InstanceId is { } former && instances.GetValueOrDefault(former) == memberId)
            instances = instances.Remove(former);
        var member = (Members.GetValueOrDefault(memberId) ?? new ConsumerMember(memberId)) with
        {
            InstanceId = value.InstanceId,
            RackId = value.RackId,
            ClientId = value.ClientId,
            ClientHost = value.ClientHost,
            RebalanceTimeoutMs = value.RebalanceTimeoutMs,
            TopicNames = [.. value.SubscribedTopicNames],
            TopicRegex = value.SubscribedTopicRegex is { Length: > 0 } regex ? regex : null,
            Assignor = value.ServerAssignor,
            Classic = value.ClassicMemberMetadata is not { } classic ? null : new ClassicSide(
                classic.SessionTimeoutMs,
                [.. classic.SupportedProtocols.Select(protocol => new MemberProtocol(protocol.Name, protocol.Metadata))]),
        };
        return this with
        {
            Members = Members.SetItem(memberId, member),
            Instances = value.InstanceId is { } instance ? instances.SetItem(instance, memberId) : instances,
        };
    }

    private ConsumerGroup Remove(string memberId)
    {
        if (!Members.TryGetValue(memberId, out var member))
            return this;
        return Unplace(memberId) with
        {
            Members = Members.Remove(memberId),
            Instances = member.InstanceId is { } instance && Instances.GetValueOrDefault(instance) == memberId
                ? Instances.Remove(instance)
                : Instances,
        };
    }

    private ConsumerGroup Place(string memberId, ConsumerGroupCurrentMemberAssignmentValue value)
    {
        var epochs = ImmutableDictionary.CreateBuilder<TopicIdPartition, int>();
        foreach (var topic in value.AssignedPartitions)
        {
            for (var i = 0; i < topic.Partitions.Length; i++)
                epochs[new(topic.TopicId, topic.Partitions[i])] = topic.AssignmentEpochs is { } at && i < at.Length ? at[i] : value.MemberEpoch;
        }
        var member = (Members.GetValueOrDefault(memberId) ?? new ConsumerMember(memberId)) with
        {
            Epoch = value.MemberEpoch,
            PreviousEpoch = value.PreviousMemberEpoch,
            State = (ConsumerMemberState)value.State,
            Assigned = PartitionSet.Of(epochs.Keys),
            AssignedAt = epochs.ToImmutable(),
            PendingRevocation = PartitionSet.Of(value.PartitionsPendingRevocation.SelectMany(
                topic => topic.Partitions.Select(partition => new TopicIdPartition(topic.TopicId, partition)))),
        };
        var group = Unplace(memberId);
        return group with
        {
            Members = group.Members.SetItem(memberId, member),
            Owners = group.Owners.SetItems(member.Assigned.Concat(member.PendingRevocation)
                .Select(partition => KeyValuePair.Create(partition, memberId))),
        };
    }

    private ConsumerGroup Unplace(string memberId)
    {
        if (!Members.TryGetValue(memberId, out var member))
            return this;
        return this with
        {
            Members = Members.SetItem(memberId, member with
            {
                Epoch = 0,
                PreviousEpoch = 0,
                State = ConsumerMemberState.Stable,
                Assigned = PartitionSet.Empty,
                AssignedAt = ImmutableDictionary<TopicIdPartition, int>.Empty,
                PendingRevocation = PartitionSet.Empty,
            }),
            Owners = Owners.RemoveRange(member.Assigned.Concat(member.PendingRevocation)
                .Where(partition => Owners.GetValueOrDefault(partition) == memberId)),
        };
    }

    private static PartitionSet SetOf(ConsumerGroupTargetAssignmentMemberValue value) => PartitionSet.Of(value.TopicPartitions.SelectMany(
        topic => topic.Partitions.Select(partition => new TopicIdPartition(topic.TopicId, partition))));
}

/// <summary>The records that a consumer group writes, in the one version that there is of each.</summary>
internal static class ConsumerRecords
{
    public static GroupRecord Epoch(string groupId, int epoch, long metadataHash) => Of(
        new ConsumerGroupMetadataKey { GroupId = groupId },
        new ConsumerGroupMetadataValue { Epoch = epoch, MetadataHash = metadataHash });

    public static GroupRecord NoEpoch(string groupId) => GroupRecord.Tombstone(new ConsumerGroupMetadataKey { GroupId = groupId });

    public static GroupRecord NoPartitionMetadata(string groupId) =>
        GroupRecord.Tombstone(new ConsumerGroupPartitionMetadataKey { GroupId = groupId });

    public static GroupRecord Description(string groupId, ConsumerMember member) => Of(
        new ConsumerGroupMemberMetadataKey { GroupId = groupId, MemberId = member.Id },
        new ConsumerGroupMemberMetadataValue
        {
            InstanceId = member.InstanceId,
            RackId = member.RackId,
            ClientId = member.ClientId,
            ClientHost = member.ClientHost,
            SubscribedTopicNames = [.. member.TopicNames],
            SubscribedTopicRegex = member.TopicRegex,
            RebalanceTimeoutMs = member.RebalanceTimeoutMs,
            ServerAssignor = member.Assignor,
            ClassicMemberMetadata = member.Classic is not { } classic ? null : new()
            {
                SessionTimeoutMs = classic.SessionTimeoutMs,
                SupportedProtocols = [.. classic.Protocols.Select(
                    protocol => new ConsumerGroupMemberMetadataValue.ClassicProtocol { Name = protocol.Name, Metadata = protocol.Metadata })],
            },
        });

    public static GroupRecord NoDescription(string groupId, string memberId) =>
        GroupRecord.Tombstone(new ConsumerGroupMemberMetadataKey { GroupId = groupId, MemberId = memberId });

    public static GroupRecord TargetEpoch(string groupId, int epoch) => Of(
        new ConsumerGroupTargetAssignmentMetadataKey { GroupId = groupId },
        new ConsumerGroupTargetAssignmentMetadataValue { AssignmentEpoch = epoch });

    public static GroupRecord NoTargetEpoch(string groupId) =>
        GroupRecord.Tombstone(new ConsumerGroupTargetAssignmentMetadataKey { GroupId = groupId });

    public static GroupRecord Target(string groupId, string memberId, PartitionSet target) => Of(
        new ConsumerGroupTargetAssignmentMemberKey { GroupId = groupId, MemberId = memberId },
        new ConsumerGroupTargetAssignmentMemberValue
        {
            TopicPartitions = [.. target.Topics.Select(topic => new ConsumerGroupTargetAssignmentMemberValue.TopicPartition
            {
                TopicId = topic,
                Partitions = [.. target[topic]],
            })],
        });

    public static GroupRecord NoTarget(string groupId, string memberId) =>
        GroupRecord.Tombstone(new ConsumerGroupTargetAssignmentMemberKey { GroupId = groupId, MemberId = memberId });

    public static GroupRecord Position(string groupId, ConsumerMember member) => Of(
        new ConsumerGroupCurrentMemberAssignmentKey { GroupId = groupId, MemberId = member.Id },
        new ConsumerGroupCurrentMemberAssignmentValue
        {
            MemberEpoch = member.Epoch,
            PreviousMemberEpoch = member.PreviousEpoch,
            State = (sbyte)member.State,
            AssignedPartitions = [.. member.Assigned.Topics.Select(topic => new AssignedPartitions
            {
                TopicId = topic,
                Partitions = [.. member.Assigned[topic]],
                AssignmentEpochs = [.. member.Assigned[topic].Select(partition => member.AssignedAt.GetValueOrDefault(new(topic, partition), member.Epoch))],
            })],
            PartitionsPendingRevocation = [.. member.PendingRevocation.Topics.Select(topic => new AssignedPartitions
            {
                TopicId = topic,
                Partitions = [.. member.PendingRevocation[topic]],
            })],
        });

    public static GroupRecord NoPosition(string groupId, string memberId) =>
        GroupRecord.Tombstone(new ConsumerGroupCurrentMemberAssignmentKey { GroupId = groupId, MemberId = memberId });

    public static GroupRecord Regex(string groupId, string regex, ResolvedRegex resolved) => Of(
        new ConsumerGroupRegularExpressionKey { GroupId = groupId, RegularExpression = regex },
        new ConsumerGroupRegularExpressionValue { Topics = [.. resolved.Topics], Version = resolved.Version, Timestamp = resolved.TimestampMs });

    public static GroupRecord NoRegex(string groupId, string regex) =>
        GroupRecord.Tombstone(new ConsumerGroupRegularExpressionKey { GroupId = groupId, RegularExpression = regex });

    private static GroupRecord Of(IGroupKey key, IGroupValue value) => new(key, value, Version: 0);
}
