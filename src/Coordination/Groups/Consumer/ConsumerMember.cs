using System.Collections.Immutable;
using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>How far a member has come on the way to its target. The numbers are Kafka's, in its records.</summary>
internal enum ConsumerMemberState : sbyte
{
    /// <summary>It owns all of its target.</summary>
    Stable = 0,

    /// <summary>It must say first that it has given up the partitions that are not in its target.</summary>
    UnrevokedPartitions = 1,

    /// <summary>It has reached its epoch and waits for partitions that others still own.</summary>
    UnreleasedPartitions = 2,
}

/// <summary>What makes a member one that speaks the classic protocol within a consumer group.</summary>
internal sealed record ClassicSide(int SessionTimeoutMs, ImmutableArray<MemberProtocol> Protocols)
{
    public bool Equals(ClassicSide? other) => other is not null
        && SessionTimeoutMs == other.SessionTimeoutMs && Protocols.AsSpan().SequenceEqual(other.Protocols.AsSpan());

    public override int GetHashCode() => SessionTimeoutMs;
}

/// <summary>
/// A member of a consumer group: what it has said about itself, how far it has come, and until when it is heard of. An immutable
/// value but for its session.
/// </summary>
internal sealed record ConsumerMember(string Id)
{
    /// <summary>The epoch by which a client joins.</summary>
    public const int JoiningEpoch = 0;

    /// <summary>The epoch by which a member leaves.</summary>
    public const int LeavingEpoch = -1;

    /// <summary>The epoch of a static member that will come back, and keeps its partitions until its session ends.</summary>
    public const int AwayEpoch = -2;

    public string? InstanceId { get; init; }

    public string? RackId { get; init; }

    public string ClientId { get; init; } = "";

    public string ClientHost { get; init; } = "";

    /// <summary>How long it may take to give up partitions; -1 if it has not said.</summary>
    public int RebalanceTimeoutMs { get; init; } = -1;

    /// <summary>The names it has subscribed to, in ordinal order.</summary>
    public ImmutableArray<string> TopicNames { get; init; } = [];

    /// <summary>The expression it has subscribed to; null for none.</summary>
    public string? TopicRegex { get; init; }

    /// <summary>The assignor it wishes for; null if it does not mind.</summary>
    public string? Assignor { get; init; }

    /// <summary>Set if it speaks the classic protocol.</summary>
    public ClassicSide? Classic { get; init; }

    /// <summary>The epoch up to which it has come; for a member of the classic protocol, its generation.</summary>
    public int Epoch { get; init; }

    /// <summary>The epoch before that: what a client still says that has missed an answer.</summary>
    public int PreviousEpoch { get; init; }

    public ConsumerMemberState State { get; init; }

    /// <summary>What it may own.</summary>
    public PartitionSet Assigned { get; init; } = PartitionSet.Empty;

    /// <summary>At which member epoch each of <see cref="Assigned"/> was given to it.</summary>
    public ImmutableDictionary<TopicIdPartition, int> AssignedAt { get; init; } = ImmutableDictionary<TopicIdPartition, int>.Empty;

    /// <summary>What it may still own, until it says that it does not.</summary>
    public PartitionSet PendingRevocation { get; init; } = PartitionSet.Empty;

    /// <summary>
    /// Volatile: when the member is fenced if it has not done what it was asked to, which is to give up partitions, or, with the
    /// classic protocol, to join again or to ask for its assignment.
    /// </summary>
    public long RebalanceDeadlineMs { get; init; } = GroupTime.Never;

    public MemberSession Session { get; init; } = new();

    /// <summary>When it is taken out if nothing more is heard of it, or if it does not do what it was asked to.</summary>
    public long DeadlineMs => Math.Min(Session.DeadlineMs, RebalanceDeadlineMs);

    public bool UsesClassicProtocol => Classic is not null;

    public bool IsAway => Epoch == AwayEpoch;

    public bool IsReconciledTo(int epoch) => Epoch == epoch && State == ConsumerMemberState.Stable;

    /// <summary>True if both have said the same about themselves: what the record of a member holds.</summary>
    public bool HasSameDescription(ConsumerMember other) =>
        (Id, InstanceId, RackId, ClientId, ClientHost) == (other.Id, other.InstanceId, other.RackId, other.ClientId, other.ClientHost)
        && (RebalanceTimeoutMs, TopicRegex, Assignor) == (other.RebalanceTimeoutMs, other.TopicRegex, other.Assignor)
        && Equals(Classic, other.Classic)
        && HasSameTopicNames(other);

    public bool HasSameTopicNames(ConsumerMember other) => TopicNames.AsSpan().SequenceEqual(other.TopicNames.AsSpan());

    /// <summary>True if both have come equally far: what the record of a current assignment holds.</summary>
    public bool HasSamePosition(ConsumerMember other) =>
        (Epoch, PreviousEpoch, State) == (other.Epoch, other.PreviousEpoch, other.State)
        && Assigned.Equals(other.Assigned)
        && PendingRevocation.Equals(other.PendingRevocation)
        && Assigned.All(partition => AssignedAt.GetValueOrDefault(partition) == other.AssignedAt.GetValueOrDefault(partition));
}
