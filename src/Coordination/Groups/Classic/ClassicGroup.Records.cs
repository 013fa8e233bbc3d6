using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

internal sealed partial record ClassicGroup
{
    /// <summary>
    /// The group as a record says it is: a generation that came to be (Stable), or nobody there (Empty). Members that are known
    /// keep what records do not hold; at the end of a join or sync phase that is the very group that wrote the record.
    /// </summary>
    public ClassicGroup Apply(GroupMetadataValue value)
    {
        var group = new ClassicGroup(Id)
        {
            State = value.Members.Length == 0 ? ClassicGroupState.Empty : ClassicGroupState.Stable,
            ProtocolType = value.ProtocolType.Length == 0 ? null : value.ProtocolType,
            Generation = value.Generation,
            Protocol = value.Protocol,
            StateTimestampMs = value.CurrentStateTimestamp,
            PendingMembers = PendingMembers,
            // Within the generation that is here already, members who have not synced are still waited for.
            PhaseDeadlineMs = value.Generation == Generation && value.Members.Length > 0 ? PhaseDeadlineMs : GroupTime.Never,
        };
        foreach (var member in value.Members)
            group = group.With(ClassicMember.Of(member, value.Protocol, Members.GetValueOrDefault(member.MemberId)));
        return group with { Leader = value.Leader };
    }

    /// <summary>The record of this generation with these assignments; a member without one gets no bytes.</summary>
    public GroupMetadataValue ToValue(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> assignments) => new()
    {
        ProtocolType = ProtocolType ?? "",
        Generation = Generation,
        Protocol = Protocol,
        Leader = Leader,
        CurrentStateTimestamp = StateTimestampMs,
        Members = Members.Values.Select(member => new GroupMetadataValue.MemberMetadata
        {
            MemberId = member.Id,
            GroupInstanceId = member.InstanceId,
            ClientId = member.ClientId,
            ClientHost = member.ClientHost,
            RebalanceTimeout = member.RebalanceTimeoutMs,
            SessionTimeout = member.SessionTimeoutMs,
            Subscription = member.MetadataOf(Protocol),
            Assignment = assignments.GetValueOrDefault(member.Id),
        }).ToArray(),
    };

    /// <summary>The record of a group that has just come to be, and of one whose last member has gone.</summary>
    public GroupMetadataValue ToEmptyValue(int generation, long timestampMs) => new()
    {
        ProtocolType = ProtocolType ?? "",
        Generation = generation,
        Protocol = null,
        Leader = null,
        CurrentStateTimestamp = timestampMs,
    };

    /// <summary>
    /// The topics that members of a consumer group have subscribed to; null if that cannot be told: another kind of group, or
    /// a subscription that is not in the consumer's format.
    /// </summary>
    public IReadOnlySet<string>? SubscribedTopics()
    {
        if (ProtocolType != ConsumerProtocolType)
            return null;
        var topics = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in Members.Values)
        {
            if (!TryReadSubscription(member.MetadataOf(Protocol), out var subscribed))
                return null;
            topics.UnionWith(subscribed);
        }
        return topics;
    }

    private static bool TryReadSubscription(ReadOnlyMemory<byte> metadata, out string[] topics)
    {
        try
        {
            // The topics are what the first version holds, and every later one begins with it.
            var reader = new MessageReader(metadata);
            reader.ReadInt16();
            topics = ConsumerProtocolSubscription.Read(ref reader, version: 0).Topics;
            return true;
        }
        catch (MalformedMessageException)
        {
            topics = []; // the bytes are the client's own affair
            return false;
        }
    }
}
