using Microsoft.Extensions.Logging;
using Milena.Broker.Configuration;
using Milena.Broker.Groups;
using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Replication;

namespace Milena.Broker;

/// <summary>
/// Carries committed metadata to the parts of the broker that act on it, in their order: replicas first, so that whoever reads
/// of a leader in the image finds the partition. One change after the other, whoever brings them.
/// </summary>
internal sealed class MetadataPublisher(
    MetadataCache metadata,
    ReplicaManager replicas,
    GroupCoordinator groups,
    TransactionCoordinator transactions,
    LiveConfigs configs,
    ILogger<MetadataPublisher> logger)
{
    private readonly Lock turn = new();
    private MetadataImage latest = MetadataImage.Empty;
    private bool isActive;
    private long applyErrors;
    private long loadErrors;

    /// <summary>Raised when the broker has acted on a change; whoever listens must return at once.</summary>
    public event Action<MetadataDelta>? Acted;

    /// <summary>Begins with what the log tells, and acts on nothing before <see cref="Activate"/>.</summary>
    public void Load(MetadataImage image, bool isFromSnapshot)
    {
        latest = image;
        SnapshotCount = isFromSnapshot ? 1 : 0;
        metadata.Publish(image.Published);
    }

    /// <summary>How often a change could not be acted on.</summary>
    public long ApplyErrorCount => Interlocked.Read(ref applyErrors);

    /// <summary>How many snapshots were read: at most the one that the node has started from.</summary>
    public int SnapshotCount { get; private set; }

    /// <summary>How often records were not understood.</summary>
    public long LoadErrorCount => Interlocked.Read(ref loadErrors);

    /// <summary>The newest committed image, within a metadata transaction too.</summary>
    public MetadataImage Latest => latest;

    /// <summary>More is committed. When this returns, the broker acts on it.</summary>
    public void Publish(in CommittedRun run)
    {
        using var _ = turn.EnterScope();
        MetadataDelta delta;
        try
        {
            delta = latest.Replay(run.Records);
        }
        catch
        {
            Interlocked.Increment(ref loadErrors);
            throw;
        }

        latest = delta.Latest.At(run.EndOffset, run.Epoch);
        try
        {
            if (isActive)
                Act(delta);
        }
        catch (Exception failure) // the edge of a loop: what cannot be acted on must not keep what follows from being
        {
            Interlocked.Increment(ref applyErrors);
            Log.NotActedOn(logger, run.EndOffset, failure);
        }

        metadata.TimestampMs = run.TimestampMs;
        metadata.Publish(latest.Published);
    }

    /// <summary>
    /// Acts on everything that there is, and from now on on every change: to be called once this broker is registered, so that
    /// it does not take up leaderships of an earlier life only to lose them a moment later.
    /// </summary>
    public void Activate()
    {
        using var _ = turn.EnterScope();
        replicas.LeadershipChanged += OnLeadershipChanged;
        replicas.Removed += OnRemoved;
        isActive = true;
        Act(MetadataDelta.Between(MetadataImage.Empty, latest.Published));
    }

    private void Act(MetadataDelta delta)
    {
        replicas.Apply(delta);
        configs.Apply(delta);
        if (delta.DeletedTopics.Count > 0)
            _ = groups.OnTopicsDeleted([.. delta.DeletedTopics.Select(topic => (topic.Name, topic.Id))]);
        Acted?.Invoke(delta);
    }

    private void OnLeadershipChanged(Partition partition)
    {
        var (topic, number) = partition.Name;
        var view = partition.Leadership;
        switch (topic)
        {
            // Who is elected loads in the background, and logs its own failure.
            case TopicNames.ConsumerOffsets when view.IsLeader:
                _ = groups.OnElected(number, view.LeaderEpoch, new CoordinatorLog(partition));
                break;
            case TopicNames.ConsumerOffsets:
                groups.OnResigned(number, view.LeaderEpoch);
                break;
            case TopicNames.TransactionState when view.IsLeader:
                _ = transactions.OnElected(number, view.LeaderEpoch, new CoordinatorLog(partition));
                break;
            case TopicNames.TransactionState:
                transactions.OnResigned(number, view.LeaderEpoch);
                break;
        }
    }

    private void OnRemoved(Partition partition)
    {
        if (partition.Name.Topic == TopicNames.ConsumerOffsets)
            groups.OnResigned(partition.Name.Partition);
        else if (partition.Name.Topic == TopicNames.TransactionState)
            transactions.OnResigned(partition.Name.Partition);
    }
}
