using System.Collections.Immutable;
using Milena.Metadata.Images;

namespace Milena.Metadata.Elections;

/// <summary>
/// Which replicas a partition has while it is reassigned: those that are to stay first, in the order asked for, then those that go once
/// the others are in sync. Without a reassignment both of the other lists are empty.
/// </summary>
/// <param name="Replicas">All of them.</param>
/// <param name="Adding">Those that come, ascending.</param>
/// <param name="Removing">Those that go, ascending.</param>
internal readonly record struct ReplicaTarget(ImmutableArray<int> Replicas, ImmutableArray<int> Adding, ImmutableArray<int> Removing)
{
    /// <summary>What a partition has.</summary>
    public static ReplicaTarget Of(PartitionImage partition) => new(partition.Replicas, partition.AddingReplicas, partition.RemovingReplicas);

    /// <summary>
    /// The way to other replicas. Who was on its way already and is still wanted goes on coming; who was to go and is wanted again
    /// stays.
    /// </summary>
    public static ReplicaTarget Towards(PartitionImage partition, IReadOnlyCollection<int> wanted)
    {
        var removing = partition.Replicas.Except(wanted).Order().ToImmutableArray();
        var adding = wanted.Where(id => !partition.Replicas.Contains(id) || partition.AddingReplicas.Contains(id)).Order().ToImmutableArray();
        return new([.. wanted, .. removing], adding, removing);
    }

    /// <summary>
    /// The way back: without those that were to come. If only those are in sync, the first of the others is, which loses what it lacks:
    /// that is unclean. Null if nobody would be left.
    /// </summary>
    public static ReplicaChange? Back(PartitionImage partition)
    {
        var replicas = partition.Replicas.RemoveRange(partition.AddingReplicas);
        var isr = partition.Isr.RemoveRange(partition.AddingReplicas);
        if (replicas.IsEmpty)
            return null;
        // Where nobody is in sync at all (KIP-966), nothing is lost by going back.
        var isUnclean = isr.IsEmpty && !partition.Isr.IsEmpty;
        return new ReplicaChange(new(replicas, [], []), isUnclean ? [replicas[0]] : isr, isUnclean);
    }

    /// <summary>
    /// What is left of it when it is completed: who comes is in sync, somebody stays who is, and where the partition is left with fewer
    /// replicas than before, all of them are. Null if it cannot be completed yet, or if nothing is under way.
    /// </summary>
    /// <param name="isr">The replicas in sync.</param>
    public ReplicaChange? Completed(ImmutableArray<int> isr)
    {
        if (Adding.IsEmpty && Removing.IsEmpty)
            return null;
        var (left, inSync) = (Replicas.RemoveRange(Removing), isr.RemoveRange(Removing));
        var mustBeInSync = Adding.Length < Removing.Length ? left : Adding;
        return inSync.IsEmpty || !mustBeInSync.All(inSync.Contains) ? null : new ReplicaChange(new(left, [], []), inSync, IsUnclean: false);
    }
}

/// <summary>Other replicas, and who of them is in sync.</summary>
/// <param name="Target">The replicas.</param>
/// <param name="Isr">Who is in sync.</param>
/// <param name="IsUnclean">Whether somebody counts as in sync who may lack committed records.</param>
internal readonly record struct ReplicaChange(ReplicaTarget Target, ImmutableArray<int> Isr, bool IsUnclean);
