using System.Collections.Immutable;
using Milena.Common;
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
            ElectionMode? mode = null;
            var minInsyncReplicas = 0;
            foreach (var (id, partition) in topic.Partitions)
            {
                if (!choose(partition))
                    continue;
                if (mode is null)
                {
                    var topicConfig = image.TopicConfigOf(topic.Name, config);
                    mode = topicConfig.UncleanLeaderElection ? ElectionMode.Unclean : ElectionMode.Online;
                    minInsyncReplicas = topicConfig.MinInsyncReplicas;
                }

                var election = new PartitionElection(partition, image.Features)
                {
                    TargetIsr = partition.Isr.RemoveAll(replica => replica == happened.Gone || replica == happened.Unclean),
                    UncleanReplicas = happened.Unclean is { } unclean ? [unclean] : [],
                    Mode = mode.Value,
                    MinInsyncReplicas = minInsyncReplicas,
                    IsAcceptable = replica => IsAcceptable(image, partition, replica, happened),
                };
                if (election.ToRecord(topic.Id, id) is { } record)
                    yield return record;
            }
        }
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
    private readonly record struct BrokerEvent(int? Gone = null, int? Came = null, int? Unclean = null);
}
