using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;

namespace Milena.Broker.Controllers;

/// <summary>
/// Tells the controller in which log directory a replica of this broker lies, where it does not know that or believes something else: a
/// broker with several directories chooses by itself (KIP-858). Without it, a directory's failure would leave leaderships where
/// nothing can be served.
/// </summary>
internal sealed class DirectoryAssignments(
    ControllerService controller, ReplicaManager replicas, int nodeId, Func<long> brokerEpoch, ILogger<DirectoryAssignments> logger)
{
    /// <summary>The broker has acted on a change of the metadata. Returns at once.</summary>
    public void OnActed(MetadataDelta delta)
    {
        if (!MetadataVersions.HasDirectories(delta.After.Features.MetadataVersion))
            return;
        var moved = new List<Partition>();
        foreach (var topic in delta.CreatedTopics)
            moved.AddRange(Moved(topic, topic.Partitions.Keys));
        foreach (var change in delta.ChangedTopics)
            moved.AddRange(Moved(change.After, change.Partitions));
        if (moved.Count > 0)
            _ = Tell(moved);
    }

    /// <summary>A replica of this broker has moved.</summary>
    public Task Tell(TopicPartition partition) => replicas.TryGet(partition, out var moved) ? Tell([moved]) : Task.CompletedTask;

    private IEnumerable<Partition> Moved(TopicImage topic, IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
        {
            if (replicas.TryGet(new TopicIdPartition(topic.Id, number), out var partition)
                && topic.Partitions[number].DirectoryOf(nodeId) != partition.Log.DirectoryId)
                yield return partition;
        }
    }

    private async Task Tell(List<Partition> moved)
    {
        await Task.Yield(); // whoever published the metadata is not to wait for more of it
        var request = new AssignReplicasToDirsRequest
        {
            BrokerId = nodeId,
            BrokerEpoch = brokerEpoch(),
            Directories =
            [
                .. moved.GroupBy(partition => partition.Log.DirectoryId).Select(directory => new AssignReplicasToDirsRequest.DirectoryData
                {
                    Id = directory.Key,
                    Topics =
                    [
                        .. directory.GroupBy(partition => partition.TopicId).Select(topic => new AssignReplicasToDirsRequest.TopicData
                        {
                            TopicId = topic.Key,
                            Partitions =
                            [
                                .. topic.Select(partition => new AssignReplicasToDirsRequest.PartitionData { PartitionIndex = partition.Name.Partition }),
                            ],
                        }),
                    ],
                }),
            ],
        };
        try
        {
            var response = await controller.Execute(
                (decisions, image, _) => decisions.AssignReplicasToDirs(image, request),
                error => new AssignReplicasToDirsResponse { ErrorCode = error });
            if (response.ErrorCode != ErrorCode.None)
                Log.DirectoriesNotAssigned(logger, moved.Count, response.ErrorCode);
        }
        catch (Exception failure) // the edge of a loop: the next start tells again
        {
            Log.DirectoriesNotAssigned(logger, moved.Count, failure);
        }
    }
}
