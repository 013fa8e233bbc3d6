using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metadata.Placement;
using Milena.Protocol;

namespace Milena.Metadata.Controllers;

/// <summary>Makes partitions for new topics and for topics that grow, on the brokers that the caller or the placer chose.</summary>
internal static class NewPartitions
{
    /// <summary>Partitions with replicas that the caller chose.</summary>
    /// <param name="image">Where the brokers are.</param>
    /// <param name="assignments">The numbers of the partitions and their replicas.</param>
    /// <param name="replicationFactor">How many replicas each must have; null if only all the same number.</param>
    /// <param name="partitions">The partitions, if nothing is wrong.</param>
    public static ApiError Assigned(
        MetadataImage image, IEnumerable<(int Id, int[] Replicas)> assignments, int? replicationFactor, out SortedDictionary<int, PartitionImage> partitions)
    {
        partitions = [];
        foreach (var (id, replicas) in assignments)
        {
            if (partitions.ContainsKey(id))
                return Invalid($"Found multiple manual partition assignments for partition {id}");
            if (Violation(image, replicas, replicationFactor) is { } violation)
                return Invalid(violation);
            replicationFactor = replicas.Length;
            if (Create(image, replicas) is not { } partition)
                return Invalid($"All brokers specified in the manual partition assignment for partition {id} are fenced or in controlled shutdown.");
            partitions.Add(id, partition);
        }

        return ApiError.None;
    }

    /// <summary>Partitions with replicas where the placer puts them.</summary>
    public static ApiError Placed(
        MetadataImage image, UsableBroker[] brokers, int firstId, int count, int replicationFactor, Random random, out SortedDictionary<int, PartitionImage> partitions)
    {
        partitions = [];
        var placement = ReplicaPlacer.Place(brokers, count, replicationFactor, random);
        if (placement.Error is { } error)
            return new ApiError(ErrorCode.InvalidReplicationFactor, $"Unable to replicate the partition {replicationFactor} time(s): {error}");
        foreach (var replicas in placement.Replicas)
        {
            if (Create(image, replicas) is not { } partition)
            {
                return new ApiError(
                    ErrorCode.InvalidReplicationFactor,
                    $"Unable to replicate the partition {replicationFactor} time(s): All brokers are currently fenced or in controlled shutdown.");
            }

            partitions.Add(firstId + partitions.Count, partition);
        }

        return ApiError.None;
    }

    // The first active replica leads; a replica is in sync from the beginning if its broker is active. Null if none is.
    private static PartitionImage? Create(MetadataImage image, int[] replicas)
    {
        ImmutableArray<int> isr = [.. replicas.Where(id => image.Brokers[id].IsActive)];
        return isr.IsEmpty ? null : new PartitionImage
        {
            Replicas = [.. replicas],
            Directories = [.. replicas.Select(id => DirectoryOf(image, id))],
            Isr = isr,
            RemovingReplicas = [],
            AddingReplicas = [],
            EligibleLeaders = [],
            LastKnownEligibleLeaders = [],
            Leader = isr[0],
            RecoveryState = LeaderRecoveryState.Recovered,
            LeaderEpoch = 0,
            PartitionEpoch = 0,
        };
    }

    /// <summary>
    /// The directory of a new replica: where the broker has only one, it is that; where there are several, the broker chooses and tells
    /// (KIP-858).
    /// </summary>
    public static Uuid DirectoryOf(MetadataImage image, int brokerId) => image.Brokers[brokerId].Directories switch
    {
        [] => Uuid.Zero,
        [var only] => only,
        _ => Uuid.UnassignedDirectory,
    };

    /// <summary>Why these cannot be a partition's replicas, or null if they can.</summary>
    public static string? Violation(MetadataImage image, int[] replicas, int? replicationFactor)
    {
        if (replicas.Length == 0)
            return "The manual partition assignment includes an empty replica list.";
        var sorted = replicas.Order().ToArray();
        for (var i = 0; i < sorted.Length; i++)
        {
            if (!image.Brokers.ContainsKey(sorted[i]))
                return $"The manual partition assignment includes broker {sorted[i]}, but no such broker is registered.";
            if (i > 0 && sorted[i] == sorted[i - 1])
                return $"The manual partition assignment includes the broker {sorted[i]} more than once.";
        }

        return replicationFactor is not { } expected || expected == replicas.Length
            ? null
            : $"The manual partition assignment includes a partition with {replicas.Length} replica(s), but this is not consistent with "
                + $"previous partitions, which have {expected} replica(s).";
    }

    private static ApiError Invalid(string message) => new(ErrorCode.InvalidReplicaAssignment, message);
}
