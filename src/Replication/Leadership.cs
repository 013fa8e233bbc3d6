namespace Milena.Replication;

/// <summary>Who leads a partition, as the cluster's metadata says; this node's view, replaced as a whole when it changes.</summary>
/// <param name="LeaderId">The leading broker, or -1.</param>
/// <param name="LeaderEpoch">Grows with each change of leadership.</param>
/// <param name="PartitionEpoch">Grows with each change of the partition's record.</param>
/// <param name="Replicas">The brokers that are to hold the partition.</param>
/// <param name="Isr">The in-sync replicas.</param>
/// <param name="IsLeader">Whether this node is the leader.</param>
public sealed record Leadership(
    int LeaderId, int LeaderEpoch, int PartitionEpoch, IReadOnlyList<int> Replicas, IReadOnlyList<int> Isr, bool IsLeader)
{
    /// <summary>Nobody leads yet.</summary>
    public static Leadership None { get; } = new(-1, -1, -1, [], [], false);
}
