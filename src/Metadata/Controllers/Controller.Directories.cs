using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AssignReplicasToDirsRequest;

namespace Milena.Metadata.Controllers;

/// <summary>AssignReplicasToDirs (73).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// AssignReplicasToDirs (73): a broker with several log directories says in which of them it holds its replicas (KIP-858), so that it is
    /// known which ones are lost with a directory. One that is lost by now takes its replicas' leaderships with it.
    /// </summary>
    public Decision<AssignReplicasToDirsResponse, IMetadataRecord> AssignReplicasToDirs(MetadataImage image, AssignReplicasToDirsRequest request)
    {
        if (!MetadataVersions.HasDirectories(image.Features.MetadataVersion))
            return new(new AssignReplicasToDirsResponse { ErrorCode = ErrorCode.UnsupportedVersion });
        if (!image.Brokers.TryGetValue(request.BrokerId, out var broker))
            return new(new AssignReplicasToDirsResponse { ErrorCode = ErrorCode.BrokerIdNotRegistered });
        if (broker.Epoch != request.BrokerEpoch)
            return new(new AssignReplicasToDirsResponse { ErrorCode = ErrorCode.StaleBrokerEpoch });

        var records = new List<IMetadataRecord>();
        var answers = request.Directories.Select(directory => new AssignReplicasToDirsResponse.DirectoryData
        {
            Id = directory.Id,
            Topics = [.. directory.Topics.Select(topic => new AssignReplicasToDirsResponse.TopicData
            {
                TopicId = topic.TopicId,
                Partitions = [.. topic.Partitions.Select(partition => Assign(image, broker, directory.Id, topic, partition.PartitionIndex, records))],
            })],
        }).ToArray();
        return new(new AssignReplicasToDirsResponse { Directories = answers }, [.. records]);
    }

    private AssignReplicasToDirsResponse.PartitionData Assign(
        MetadataImage image, BrokerImage broker, Uuid directory, TopicData requested, int partitionId, List<IMetadataRecord> records)
    {
        var answer = new AssignReplicasToDirsResponse.PartitionData { PartitionIndex = partitionId };
        if (!image.Topics.TryGet(requested.TopicId, out var topic))
            answer.ErrorCode = ErrorCode.UnknownTopicId;
        else if (!topic.TryGetPartition(partitionId, out var partition))
            answer.ErrorCode = ErrorCode.UnknownTopicOrPartition;
        else if (!partition.Replicas.Contains(broker.Id))
            answer.ErrorCode = ErrorCode.NotLeaderOrFollower;
        else if (partition.DirectoryOf(broker.Id) != directory)
            records.AddRange(ChangesOfDirectory(image, broker, directory, topic, partitionId, partition));
        return answer;
    }

    private IEnumerable<IMetadataRecord> ChangesOfDirectory(
        MetadataImage image, BrokerImage broker, Uuid directory, TopicImage topic, int partitionId, PartitionImage partition)
    {
        var directories = partition.Directories.SetItem(partition.Replicas.IndexOf(broker.Id), directory);
        var record = new PartitionChangeRecord { TopicId = topic.Id, PartitionId = partitionId, Directories = [.. directories] };
        yield return record;
        // One that is lost by now takes the leadership along; one that is there can give it back to a replica that had moved out of a lost one.
        var isLost = !broker.Directories.Contains(directory) && partition.Isr.Contains(broker.Id);
        if (!isLost && partition.HasLeader)
            yield break;
        Configs.TopicConfig? topicConfig = null;
        var happened = isLost ? new BrokerEvent(Gone: broker.Id) : default;
        if (ChangeOf(image, topic, partitionId, partition.With(record), happened, ref topicConfig) is { } change)
            yield return change;
    }
}
