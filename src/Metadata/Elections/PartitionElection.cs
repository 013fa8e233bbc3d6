using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Elections;

/// <summary>Whom an election may choose, and when it is held at all.</summary>
internal enum ElectionMode
{
    /// <summary>Keep the leader if it may lead, else the first replica that may.</summary>
    Online,

    /// <summary>The first replica if it may lead, else as <see cref="Online"/>.</summary>
    Preferred,

    /// <summary>As <see cref="Online"/>, and if nobody may lead, the first replica that lives: what it lacks is lost.</summary>
    Unclean,
}

/// <summary>
/// One change of a partition: which replicas it has, who is in sync, who may still lead (KIP-966), who leads. The arithmetic of
/// Apache Kafka's <c>PartitionChangeBuilder</c>. A reassignment that can be completed is, by whatever change comes next.
/// </summary>
/// <remarks>
/// With eligible leaders in use the ISR may become empty: whoever leaves it while it is smaller than the minimum stays eligible,
/// for nothing can have been committed without it. When both sets are empty and the last leader comes back alone, it is elected
/// and repairs what it can.
/// </remarks>
internal sealed class PartitionElection
{
    private readonly PartitionImage partition;
    private readonly FeaturesImage features;
    private ImmutableArray<int> isr;
    private ImmutableArray<int> eligible;
    private ReplicaTarget target;

    /// <param name="partition">The partition as it is.</param>
    /// <param name="features">Whether eligible leaders are in use, and what may be written.</param>
    public PartitionElection(PartitionImage partition, FeaturesImage features)
    {
        this.partition = partition;
        this.features = features;
        isr = partition.Isr;
        eligible = partition.EligibleLeaders;
        target = ReplicaTarget.Of(partition);
    }

    /// <summary>Who shall be in sync; the present ISR if it is not set.</summary>
    public ImmutableArray<int> TargetIsr { init => isr = value; }

    /// <summary>Which replicas there shall be, and which of them come and go; the present ones if it is not set.</summary>
    public ReplicaTarget Target { init => target = value; }

    /// <summary>The log directory of a replica that is new, if it is known.</summary>
    public Func<int, Uuid> DirectoryOfNew { get; init; } = static _ => Uuid.UnassignedDirectory;

    /// <summary>Replicas that were shut down uncleanly: they may have lost what they had, so they are not eligible.</summary>
    public ImmutableArray<int> UncleanReplicas { get; init; } = [];

    /// <summary>Whom to elect.</summary>
    public ElectionMode Mode { get; init; }

    /// <summary>Whether a replica could lead: its broker is active, its log directory online.</summary>
    public required Func<int, bool> IsAcceptable { get; init; }

    /// <summary>How many replicas must be in sync for a commit (<c>min.insync.replicas</c>).</summary>
    public required int MinInsyncReplicas { get; init; }

    /// <summary>If set, whether the leader has repaired its state.</summary>
    public LeaderRecoveryState? RecoveryState { get; init; }

    /// <summary>The change, or null if nothing changes.</summary>
    public PartitionChangeRecord? ToRecord(Uuid topicId, int partitionId)
    {
        if (target.Completed(isr) is { } completed)
            (target, isr) = (completed.Target, completed.Isr);
        UpdateEligible();
        var (leader, isUnclean) = Elect();
        var record = new PartitionChangeRecord { TopicId = topicId, PartitionId = partitionId };
        if (leader != partition.Leader)
        {
            record.Leader = leader;
            if (isUnclean || eligible.Contains(leader))
            {
                isr = [leader];
                eligible = isUnclean ? [] : eligible.Remove(leader);
            }
        }

        var recovery = isUnclean && leader != partition.Leader ? LeaderRecoveryState.Recovering : RecoveryState;
        if (recovery is { } state && state != partition.RecoveryState)
            record.LeaderRecoveryState = (sbyte)state;
        // Without eligible leaders the last in-sync replica stays in the ISR, alive or not: it is the only one that has everything.
        if (!isr.SequenceEqual(partition.Isr) && (!isr.IsEmpty || features.HasEligibleLeaders))
            record.Isr = [.. isr];
        if (!eligible.SequenceEqual(partition.EligibleLeaders))
            record.EligibleLeaderReplicas = [.. eligible];
        BumpEpochOfShrinkingLeader(record);
        BumpEpochWithoutReplica(record);
        UpdateLastKnownLeader(record);
        AssignReplicas(record);
        return IsChange(record) ? record : null;
    }

    private bool IsValid(int replica) =>
        (isr.Contains(replica) || isr.IsEmpty && eligible.Contains(replica)) && IsAcceptable(replica);

    private (int Leader, bool IsUnclean) Elect()
    {
        var replicas = target.Replicas;
        if (Mode == ElectionMode.Preferred && IsValid(replicas[0]))
            return (replicas[0], false);
        if (partition.HasLeader && IsValid(partition.Leader))
            return (partition.Leader, false);
        foreach (var replica in replicas)
        {
            if (IsValid(replica))
                return (replica, false);
        }

        if (features.HasEligibleLeaders && isr.IsEmpty && eligible.IsEmpty && partition.LastKnownEligibleLeaders is [var last] && IsAcceptable(last))
            return (last, true);
        if (Mode == ElectionMode.Unclean)
        {
            foreach (var replica in replicas)
            {
                if (IsAcceptable(replica))
                    return (replica, true);
            }
        }

        return (PartitionImage.NoLeader, false);
    }

    private void UpdateEligible()
    {
        if (!features.HasEligibleLeaders || isr.Length >= Math.Min(MinInsyncReplicas, target.Replicas.Length))
            eligible = [];
        else
            eligible = [.. eligible.Union(partition.Isr).Where(IsEligible)];
    }

    private bool IsEligible(int replica) =>
        target.Replicas.Contains(replica) && !isr.Contains(replica) && !UncleanReplicas.Contains(replica);

    // Levels before 3.6-IV0: the leader of a shrunken ISR got a new epoch, because old brokers rely on it.
    private void BumpEpochOfShrinkingLeader(PartitionChangeRecord record)
    {
        const short WithoutBump = 12;
        if (features.MetadataVersion < WithoutBump && record.Leader == PartitionImage.LeaderUnchanged && record.Isr is { } after
            && partition.Isr.Any(replica => !after.Contains(replica)))
        {
            record.Leader = partition.Leader;
        }
    }

    // Whoever is no replica any more must hear that nothing of it counts: from the leader's new epoch.
    private void BumpEpochWithoutReplica(PartitionChangeRecord record)
    {
        if (record.Leader == PartitionImage.LeaderUnchanged && partition.Replicas.Any(replica => !target.Replicas.Contains(replica)))
            record.Leader = partition.Leader;
    }

    private void AssignReplicas(PartitionChangeRecord record)
    {
        var present = ReplicaTarget.Of(partition);
        if (!target.Replicas.SequenceEqual(present.Replicas))
        {
            record.Replicas = [.. target.Replicas];
            if (MetadataVersions.HasDirectories(features.MetadataVersion))
                record.Directories = [.. target.Replicas.Select(DirectoryOf)];
        }

        if (!target.Adding.SequenceEqual(present.Adding))
            record.AddingReplicas = [.. target.Adding];
        if (!target.Removing.SequenceEqual(present.Removing))
            record.RemovingReplicas = [.. target.Removing];
    }

    private Uuid DirectoryOf(int replica) => partition.Replicas.Contains(replica) ? partition.DirectoryOf(replica) : DirectoryOfNew(replica);

    private void UpdateLastKnownLeader(PartitionChangeRecord record)
    {
        if (!features.HasEligibleLeaders)
            return;
        var lastKnown = partition.LastKnownEligibleLeaders;
        var keepsLeader = record.Leader == PartitionImage.LeaderUnchanged && partition.HasLeader;
        if (record.Isr is [] && partition.HasLeader && !(lastKnown is [var last] && last == partition.Leader))
            record.LastKnownElr = [partition.Leader];
        else if ((record.Leader >= 0 || keepsLeader) && !lastKnown.IsEmpty)
            record.LastKnownElr = [];
    }

    private static bool IsChange(PartitionChangeRecord record) =>
        record.Isr is not null || record.Leader != PartitionImage.LeaderUnchanged || record.LeaderRecoveryState >= 0
        || record.EligibleLeaderReplicas is not null || record.LastKnownElr is not null
        || record.Replicas is not null || record.AddingReplicas is not null || record.RemovingReplicas is not null;
}
