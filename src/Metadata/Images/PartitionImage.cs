using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>Whether a leader had every committed record when it was elected.</summary>
public enum LeaderRecoveryState : sbyte
{
    /// <summary>It had.</summary>
    Recovered = 0,

    /// <summary>It was elected uncleanly and has not yet repaired its state.</summary>
    Recovering = 1,
}

/// <summary>
/// A partition in the cluster's metadata. Two epochs order its states: the leader epoch grows with every election, the
/// partition epoch with every change.
/// </summary>
public sealed class PartitionImage
{
    /// <summary><see cref="Leader"/> of a partition without one.</summary>
    public const int NoLeader = -1;

    /// <summary>In a change: the leader stays, and so does its epoch.</summary>
    public const int LeaderUnchanged = -2;

    internal PartitionImage()
    {
    }

    /// <summary>The brokers that hold the partition, the preferred leader first.</summary>
    public required ImmutableArray<int> Replicas { get; init; }

    /// <summary>
    /// The log directory of each of <see cref="Replicas"/>; may be <see cref="Uuid.UnassignedDirectory"/>,
    /// <see cref="Uuid.LostDirectory"/> or, where the cluster does not track directories, zero.
    /// </summary>
    public required ImmutableArray<Uuid> Directories { get; init; }

    /// <summary>The replicas that have every committed record.</summary>
    public required ImmutableArray<int> Isr { get; init; }

    /// <summary>The replicas that a reassignment is about to drop.</summary>
    public required ImmutableArray<int> RemovingReplicas { get; init; }

    /// <summary>The replicas that a reassignment is about to add.</summary>
    public required ImmutableArray<int> AddingReplicas { get; init; }

    /// <summary>Replicas outside the ISR that still have every committed record (KIP-966).</summary>
    public required ImmutableArray<int> EligibleLeaders { get; init; }

    /// <summary>Who was eligible before and lost its claim by an unclean shutdown; the last known leader first.</summary>
    public required ImmutableArray<int> LastKnownEligibleLeaders { get; init; }

    /// <summary>The broker that leads, or <see cref="NoLeader"/>.</summary>
    public required int Leader { get; init; }

    /// <summary>See <see cref="Images.LeaderRecoveryState"/>.</summary>
    public required LeaderRecoveryState RecoveryState { get; init; }

    /// <summary>Grows with every election.</summary>
    public required int LeaderEpoch { get; init; }

    /// <summary>Grows with every change.</summary>
    public required int PartitionEpoch { get; init; }

    /// <summary>Whether there is a leader.</summary>
    public bool HasLeader => Leader != NoLeader;

    /// <summary>Whether replicas are being moved.</summary>
    public bool IsBeingReassigned => !AddingReplicas.IsEmpty || !RemovingReplicas.IsEmpty;

    /// <summary>The directory in which a broker holds the partition; zero for a broker that is no replica.</summary>
    public Uuid DirectoryOf(int brokerId) => Replicas.IndexOf(brokerId) is >= 0 and var index ? Directories[index] : Uuid.Zero;

    /// <summary>The partition that a record creates.</summary>
    internal static PartitionImage From(PartitionRecord record) => new()
    {
        Replicas = [.. record.Replicas],
        Directories = record.Directories.Length == record.Replicas.Length
            ? [.. record.Directories]
            : [.. Enumerable.Repeat(Uuid.Zero, record.Replicas.Length)],
        Isr = [.. record.Isr],
        RemovingReplicas = [.. record.RemovingReplicas],
        AddingReplicas = [.. record.AddingReplicas],
        EligibleLeaders = [.. record.EligibleLeaderReplicas ?? []],
        LastKnownEligibleLeaders = [.. record.LastKnownElr ?? []],
        Leader = record.Leader,
        RecoveryState = (LeaderRecoveryState)record.LeaderRecoveryState,
        LeaderEpoch = record.LeaderEpoch,
        PartitionEpoch = record.PartitionEpoch,
    };

    /// <summary>The partition after a change. What the record leaves out stays; both epochs follow from what it holds.</summary>
    internal PartitionImage With(PartitionChangeRecord record)
    {
        var replicas = record.Replicas is { } changed ? [.. changed] : Replicas;
        return new PartitionImage
        {
            Replicas = replicas,
            Directories = record.Directories is { } directories && directories.Length == replicas.Length
                ? [.. directories]
                : record.Replicas is null ? Directories : [.. replicas.Select(KnownDirectoryOf)],
            Isr = record.Isr is { } isr ? [.. isr] : Isr,
            RemovingReplicas = record.RemovingReplicas is { } removing ? [.. removing] : RemovingReplicas,
            AddingReplicas = record.AddingReplicas is { } adding ? [.. adding] : AddingReplicas,
            EligibleLeaders = record.EligibleLeaderReplicas is { } elr ? [.. elr] : EligibleLeaders,
            LastKnownEligibleLeaders = record.LastKnownElr is { } lastKnown ? [.. lastKnown] : LastKnownEligibleLeaders,
            Leader = record.Leader == LeaderUnchanged ? Leader : record.Leader,
            RecoveryState = record.LeaderRecoveryState < 0 ? RecoveryState : (LeaderRecoveryState)record.LeaderRecoveryState,
            LeaderEpoch = record.Leader == LeaderUnchanged ? LeaderEpoch : LeaderEpoch + 1,
            PartitionEpoch = PartitionEpoch + 1,
        };
    }

    /// <summary>The partition after everything about eligible leaders was forgotten; that is no change of its epoch.</summary>
    internal PartitionImage WithoutEligibleLeaders() => new()
    {
        Replicas = Replicas,
        Directories = Directories,
        Isr = Isr,
        RemovingReplicas = RemovingReplicas,
        AddingReplicas = AddingReplicas,
        EligibleLeaders = [],
        LastKnownEligibleLeaders = [],
        Leader = Leader,
        RecoveryState = RecoveryState,
        LeaderEpoch = LeaderEpoch,
        PartitionEpoch = PartitionEpoch,
    };

    /// <summary>The record that creates this state.</summary>
    internal PartitionRecord ToRecord(Uuid topicId, int partitionId, short metadataVersion) => new()
    {
        PartitionId = partitionId,
        TopicId = topicId,
        Replicas = [.. Replicas],
        Isr = [.. Isr],
        RemovingReplicas = [.. RemovingReplicas],
        AddingReplicas = [.. AddingReplicas],
        Leader = Leader,
        LeaderRecoveryState = (sbyte)RecoveryState,
        LeaderEpoch = LeaderEpoch,
        PartitionEpoch = PartitionEpoch,
        Directories = Features.MetadataVersions.HasDirectories(metadataVersion) ? [.. Directories] : [],
        EligibleLeaderReplicas = EligibleLeaders.IsEmpty ? null : [.. EligibleLeaders],
        LastKnownElr = LastKnownEligibleLeaders.IsEmpty ? null : [.. LastKnownEligibleLeaders],
    };

    private Uuid KnownDirectoryOf(int brokerId) =>
        Replicas.IndexOf(brokerId) is >= 0 and var index ? Directories[index] : Uuid.UnassignedDirectory;
}
