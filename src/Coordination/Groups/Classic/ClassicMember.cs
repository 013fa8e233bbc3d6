using System.Collections.Immutable;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>A way of sharing partitions that a member supports, and what it wants the leader to know for it.</summary>
internal readonly record struct MemberProtocol(string Name, ReadOnlyMemory<byte> Metadata)
{
    public bool Equals(MemberProtocol other) => Name == other.Name && Metadata.Span.SequenceEqual(other.Metadata.Span);

    public override int GetHashCode() => Name.GetHashCode();
}

/// <summary>
/// When a member's session ends, in ms of the clock that never jumps. The one thing about a group that is changed in place, because
/// every heartbeat does: by the lane of the group only, and harmlessly even if the decision that did it is made again.
/// </summary>
internal sealed class MemberSession
{
    public long DeadlineMs { get; set; } = GroupTime.Never;
}

/// <summary>A member of a classic group: what is durable about it, and where it stands in a rebalance.</summary>
internal sealed record ClassicMember(
    string Id,
    string? InstanceId,
    string ClientId,
    string ClientHost,
    int RebalanceTimeoutMs,
    int SessionTimeoutMs,
    ImmutableArray<MemberProtocol> Protocols)
{
    /// <summary>What the leader gave it in the last generation that came to be.</summary>
    public ReadOnlyMemory<byte> Assignment { get; init; }

    /// <summary>The JoinGroup that waits for the join phase to end; 0 for none.</summary>
    public long JoinCall { get; init; }

    /// <summary>The SyncGroup that waits for the leader's assignments; 0 for none.</summary>
    public long SyncCall { get; init; }

    /// <summary>True once it has asked for its assignment of the present generation.</summary>
    public bool HasSynced { get; init; }

    /// <summary>True until its first join has ended: before that it cannot send heartbeats.</summary>
    public bool IsNew { get; init; }

    public MemberSession Session { get; init; } = new();

    public bool IsStatic => InstanceId is not null;

    public bool IsAwaitingJoin => JoinCall != 0;

    public bool IsAwaitingSync => SyncCall != 0;

    /// <summary>When it is dropped if nothing more is heard of it. A member with a call that waits is known to be there.</summary>
    public long SessionDeadlineMs => !IsNew && (IsAwaitingJoin || IsAwaitingSync) ? GroupTime.Never : Session.DeadlineMs;

    /// <summary>What it said for a protocol; empty if it does not support it.</summary>
    public ReadOnlyMemory<byte> MetadataOf(string? protocol)
    {
        foreach (var candidate in Protocols)
        {
            if (candidate.Name == protocol)
                return candidate.Metadata;
        }
        return default;
    }

    /// <summary>True if these are its protocols: the same names in the same order with the same bytes.</summary>
    public bool Matches(ImmutableArray<MemberProtocol> protocols) => Protocols.AsSpan().SequenceEqual(protocols.AsSpan());

    /// <summary>
    /// The member that a record describes. What records do not hold (its other protocols, the calls that wait) is kept from the
    /// member as it is known.
    /// </summary>
    public static ClassicMember Of(GroupMetadataValue.MemberMetadata value, string? protocol, ClassicMember? known) => new(
        value.MemberId,
        value.GroupInstanceId,
        value.ClientId,
        value.ClientHost,
        value.RebalanceTimeout >= 0 ? value.RebalanceTimeout : value.SessionTimeout,
        value.SessionTimeout,
        known is not null && known.MetadataOf(protocol).Span.SequenceEqual(value.Subscription.Span)
            ? known.Protocols
            : [new MemberProtocol(protocol ?? "", value.Subscription)])
    {
        Assignment = value.Assignment,
        JoinCall = known?.JoinCall ?? 0,
        SyncCall = known?.SyncCall ?? 0,
        HasSynced = known?.HasSynced ?? true,
        IsNew = known?.IsNew ?? false,
        Session = known?.Session ?? new MemberSession(),
    };
}
