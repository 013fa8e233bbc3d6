using System.Collections.Immutable;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Elections;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>What becomes of partitions when brokers and log directories come and go.</summary>
public sealed partial class Controller
{
    /// <summary>
    /// The changes of the chosen partitions after a broker came, left or lost what it had: each ISR without those who left, and
    /// an election where the leader cannot stay.
    /// </summary>
    private IEnumerable<IMetadataRecord> PartitionChanges(MetadataImage image, Func<PartitionImage, bool> choose, BrokerEvent happened)
    {
        foreach (var topic in image.Topics.ById.Values)
        {
            TopicConfig? topicConfig = null;
            foreach (var (id, partition) in topic.Partitions)
            {
                if (choose(partition) && ChangeOf(image, topic, id, partition, happened, ref topicConfig) is { } record)
                    yield return record;
            }
        }
    }

    /// <summary>
    /// The changes of all partitions after a broker went and came back, one for each: what <see cref="PartitionChanges"/> gives for the one
    /// and then for the other.
    /// </summary>
    /// <param name="before">As it was.</param>
    /// <param name="after">With the broker's new registration.</param>
    /// <param name="gone">How it went.</param>
    /// <param name="came">That it came.</param>
    private IEnumerable<IMetadataRecord> ChangesOfRestart(MetadataImage before, MetadataImage after, BrokerEvent gone, BrokerEvent came)
    {
        foreach (var topic in before.Topics.ById.Values)
        {
            TopicConfig? topicConfig = null;
            foreach (var (id, partition) in topic.Partitions)
            {
                var first = gone.Concerns(partition) ? ChangeOf(before, topic, id, partition, gone, ref topicConfig) : null;
                var between = first is null ? partition : partition.With(first);
                var second = between.HasLeader ? null : ChangeOf(after, topic, id, between, came, ref topicConfig);
                if (Join(first, second) is { } record)
                    yield return record;
            }
        }
    }

    private PartitionChangeRecord? ChangeOf(
        MetadataImage image, TopicImage topic, int id, PartitionImage partition, BrokerEvent happened, ref TopicConfig? topicConfig)
    {
        topicConfig ??= image.TopicConfigOf(topic.Name, config);
        var election = new PartitionElection(partition, image.Features)
        {
            TargetIsr = partition.Isr.RemoveAll(replica => replica == happened.Gone || replica == happened.Unclean),
            UncleanReplicas = happened.Unclean is { } unclean ? [unclean] : [],
            Mode = topicConfig.UncleanLeaderElection ? ElectionMode.Unclean : ElectionMode.Online,
            MinInsyncReplicas = topicConfig.MinInsyncReplicas,
            IsAcceptable = replica => IsAcceptable(image, partition, replica, happened),
        };
        return election.ToRecord(topic.Id, id);
    }

    private static PartitionChangeRecord? Join(PartitionChangeRecord? first, PartitionChangeRecord? second)
    {
        if (first is null || second is null)
            return second ?? first;
        second.Isr ??= first.Isr;
        second.Replicas ??= first.Replicas;
        second.Directories ??= first.Directories;
        second.AddingReplicas ??= first.AddingReplicas;
        second.RemovingReplicas ??= first.RemovingReplicas;
        second.EligibleLeaderReplicas ??= first.EligibleLeaderReplicas;
        second.LastKnownElr ??= first.LastKnownElr;
        if (second.Leader == PartitionImage.LeaderUnchanged)
            second.Leader = first.Leader;
        if (second.LeaderRecoveryState < 0)
            second.LeaderRecoveryState = first.LeaderRecoveryState;
        return second;
    }

    private static bool IsAcceptable(MetadataImage image, PartitionImage partition, int replica, BrokerEvent happened)
    {
        // The image still shows the life that is over: whoever is gone or begins anew is fenced from now on.
        if (replica == happened.Gone || replica == happened.Unclean || !image.Brokers.TryGetValue(replica, out var broker))
            return false;
        return (replica == happened.Came || broker.IsActive) && IsOnline(broker, partition.DirectoryOf(replica));
    }

    // A directory that is not assigned yet will be one that is online; brokers that do not tell their directories have one.
    private static bool IsOnline(BrokerImage broker, Uuid directory) =>
        directory != Uuid.LostDirectory && (directory.IsReserved || broker.Directories.IsEmpty || broker.Directories.Contains(directory));

    /// <summary>What happened to a broker; one of these.</summary>
    /// <param name="Gone">It must not lead nor be in sync any more.</param>
    /// <param name="Came">It may lead again.</param>
    /// <param name="Unclean">It came back without a clean shutdown before.</param>
    private readonly record struct BrokerEvent(int? Gone = null, int? Came = null, int? Unclean = null)
    {
        /// <summary>Whether a partition loses a replica by it, be it in sync or eligible.</summary>
        public bool Concerns(PartitionImage partition) =>
            (Gone is { } gone && partition.Isr.Contains(gone))
            || (Unclean is { } unclean && (partition.Isr.Contains(unclean) || partition.EligibleLeaders.Contains(unclean)));
    }
}
