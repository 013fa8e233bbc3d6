using Milena.Common;
using Milena.Metadata.Elections;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AlterPartitionRequest;

namespace Milena.Metadata.Controllers;

/// <summary>AlterPartition (56).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// AlterPartition (56): the leader of a partition says who is in sync, and that it has repaired its state. v2 knows topics by
    /// id, v3 brokers by epoch (KIP-903); who is fenced, leaving or another life of its broker does not come into the ISR.
    /// </summary>
    public Decision<AlterPartitionResponse, IMetadataRecord> AlterPartition(MetadataImage image, AlterPartitionRequest request)
    {
        if (!image.Brokers.TryGetValue(request.BrokerId, out var sender) || sender.Epoch != request.BrokerEpoch)
            return new(new AlterPartitionResponse { ErrorCode = ErrorCode.StaleBrokerEpoch });

        var records = new List<IMetadataRecord>();
        var topics = new List<AlterPartitionResponse.TopicData>();
        foreach (var requested in request.Topics)
        {
            TopicImage? topic;
            var isFound = requested.TopicId == Uuid.Zero
                ? image.Topics.TryGet(requested.TopicName, out topic)
                : image.Topics.TryGet(requested.TopicId, out topic);
            var missing = requested.TopicId == Uuid.Zero ? ErrorCode.UnknownTopicOrPartition : ErrorCode.UnknownTopicId;
            topics.Add(new AlterPartitionResponse.TopicData
            {
                TopicName = requested.TopicName,
                TopicId = requested.TopicId,
                Partitions = [.. requested.Partitions.Select(partition => isFound
                    ? AlterPartition(image, topic!, partition, request.BrokerId, records)
                    : Refused(partition, missing))],
            });
        }

        return new(new AlterPartitionResponse { Topics = [.. topics] }, [.. records]);
    }

    private AlterPartitionResponse.PartitionData AlterPartition(
        MetadataImage image, TopicImage topic, PartitionData request, int senderId, List<IMetadataRecord> records)
    {
        if (!topic.TryGetPartition(request.PartitionIndex, out var partition))
            return Refused(request, ErrorCode.UnknownTopicOrPartition);
        BrokerState[] isr = request.NewIsrWithEpochs.Length > 0
            ? request.NewIsrWithEpochs
            : [.. request.NewIsr.Select(id => new BrokerState { BrokerId = id })];
        if (CheckAlteration(image, partition, request, isr, senderId) is var error and not ErrorCode.None)
            return Refused(request, error);

        var election = new PartitionElection(partition, image.Features)
        {
            TargetIsr = [.. isr.Select(state => state.BrokerId)],
            MinInsyncReplicas = image.TopicConfigOf(topic.Name, config).MinInsyncReplicas,
            IsAcceptable = replica => IsAcceptable(image, partition, replica, happened: default),
            RecoveryState = (LeaderRecoveryState)request.LeaderRecoveryState,
        };
        if (election.ToRecord(topic.Id, request.PartitionIndex) is { } record)
        {
            records.Add(record);
            partition = partition.With(record);
            // A reassignment that the new ISR completes can take the leadership from the sender, which must look for the new one.
            if (partition.Leader != senderId)
                return Refused(request, ErrorCode.NewLeaderElected);
        }

        return new AlterPartitionResponse.PartitionData
        {
            PartitionIndex = request.PartitionIndex,
            LeaderId = partition.Leader,
            LeaderEpoch = partition.LeaderEpoch,
            Isr = [.. partition.Isr],
            LeaderRecoveryState = (sbyte)partition.RecoveryState,
            PartitionEpoch = partition.PartitionEpoch,
        };
    }

    private static ErrorCode CheckAlteration(
        MetadataImage image, PartitionImage partition, PartitionData request, BrokerState[] isr, int senderId)
    {
        // A sender that knows more than this controller has heard of a newer one.
        if (request.LeaderEpoch > partition.LeaderEpoch || request.PartitionEpoch > partition.PartitionEpoch)
            return ErrorCode.NotController;
        if (request.LeaderEpoch < partition.LeaderEpoch)
            return ErrorCode.FencedLeaderEpoch;
        if (senderId != partition.Leader)
            return ErrorCode.InvalidRequest;
        if (request.PartitionEpoch < partition.PartitionEpoch)
            return ErrorCode.InvalidUpdateVersion;
        var ids = isr.Select(state => state.BrokerId).ToArray();
        if (ids.Distinct().Count() < ids.Length || !ids.All(id => partition.Replicas.Contains(id)) || !ids.Contains(partition.Leader))
            return ErrorCode.InvalidRequest;
        var isRecovering = request.LeaderRecoveryState == (sbyte)LeaderRecoveryState.Recovering;
        if (isRecovering && (ids.Length > 1 || partition.RecoveryState == LeaderRecoveryState.Recovered))
            return ErrorCode.InvalidRequest;
        return isr.All(state => IsEligible(image, state)) ? ErrorCode.None : ErrorCode.IneligibleReplica;
    }

    // -1 is the epoch of a broker that does not say it.
    private static bool IsEligible(MetadataImage image, BrokerState state) =>
        image.Brokers.TryGetValue(state.BrokerId, out var broker) && broker.IsActive
        && (state.BrokerEpoch == -1 || state.BrokerEpoch == broker.Epoch);

    private static AlterPartitionResponse.PartitionData Refused(PartitionData request, ErrorCode error) => new()
    {
        PartitionIndex = request.PartitionIndex,
        ErrorCode = error,
    };
}
