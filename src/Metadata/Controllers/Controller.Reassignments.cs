using Milena.Common;
using Milena.Metadata.Elections;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AlterPartitionReassignmentsRequest;
using static Milena.Protocol.Messages.AlterPartitionReassignmentsResponse;

namespace Milena.Metadata.Controllers;

/// <summary>AlterPartitionReassignments (45).</summary>
public sealed partial class Controller
{
    /// <summary>
    /// AlterPartitionReassignments (45): gives partitions other replicas, or takes such a change back (KIP-455). The new replicas come first
    /// and the old ones go when those are in sync; what needs no new replica is done at once. v1 can forbid that the number of
    /// replicas changes (KIP-860).
    /// </summary>
    public Decision<AlterPartitionReassignmentsResponse, IMetadataRecord> AlterPartitionReassignments(
        MetadataImage image, AlterPartitionReassignmentsRequest request)
    {
        var records = new List<IMetadataRecord>();
        var named = new HashSet<TopicPartition>();
        var response = new AlterPartitionReassignmentsResponse
        {
            AllowReplicationFactorChange = request.AllowReplicationFactorChange,
            Responses = [.. request.Topics.Select(topic => new ReassignableTopicResponse
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(asked =>
                {
                    var error = named.Add(new TopicPartition(topic.Name, asked.PartitionIndex))
                        ? Reassign(image, topic.Name, asked, request.AllowReplicationFactorChange, records)
                        : new ApiError(ErrorCode.InvalidRequest, $"The partition {topic.Name}:{asked.PartitionIndex} is named more than once.");
                    return new ReassignablePartitionResponse { PartitionIndex = asked.PartitionIndex, ErrorCode = error.Code, ErrorMessage = error.Message };
                })],
            })],
        };
        return records.Count > RecordsPerRequestMax
            ? new(new AlterPartitionReassignmentsResponse { ErrorCode = TooManyRecords.Code, ErrorMessage = TooManyRecords.Message })
            : new(response, [.. records]);
    }

    private ApiError Reassign(
        MetadataImage image, string name, ReassignablePartition asked, bool allowsOtherFactor, List<IMetadataRecord> records)
    {
        if (!image.Topics.TryGet(name, out var topic))
            return new ApiError(ErrorCode.UnknownTopicOrPartition, $"Unable to find a topic named {name}.");
        if (!topic.TryGetPartition(asked.PartitionIndex, out var partition))
            return new ApiError(ErrorCode.UnknownTopicOrPartition, $"Unable to find partition {name}:{asked.PartitionIndex}.");
        var error = asked.Replicas is { } wanted
            ? Towards(image, partition, wanted, allowsOtherFactor, out var change)
            : Back(image, name, partition, out change);
        if (error.IsError)
            return error;

        var election = new PartitionElection(partition, image.Features)
        {
            Target = change.Target,
            TargetIsr = change.Isr,
            RecoveryState = change.IsUnclean ? LeaderRecoveryState.Recovering : null,
            MinInsyncReplicas = image.TopicConfigOf(name, config).MinInsyncReplicas,
            IsAcceptable = replica => IsAcceptable(image, partition, replica, happened: default),
            DirectoryOfNew = replica => NewPartitions.DirectoryOf(image, replica),
        };
        if (election.ToRecord(topic.Id, asked.PartitionIndex) is { } record)
            records.Add(record);
        return ApiError.None;
    }

    private static ApiError Towards(
        MetadataImage image, PartitionImage partition, int[] wanted, bool allowsOtherFactor, out ReplicaChange change)
    {
        change = default;
        if (NewPartitions.Violation(image, wanted, replicationFactor: null) is { } violation)
            return new ApiError(ErrorCode.InvalidReplicaAssignment, violation);
        var factor = partition.Replicas.Length - partition.RemovingReplicas.Length;
        if (!allowsOtherFactor && wanted.Length != factor)
            return new ApiError(ErrorCode.InvalidReplicationFactor, $"The replication factor is changed from {factor} to {wanted.Length}");
        change = new(ReplicaTarget.Towards(partition, wanted), partition.Isr, IsUnclean: false);
        return ApiError.None;
    }

    private ApiError Back(MetadataImage image, string topic, PartitionImage partition, out ReplicaChange change)
    {
        change = default;
        if (!partition.IsBeingReassigned)
            return new ApiError(ErrorCode.NoReassignmentInProgress, ErrorCode.NoReassignmentInProgress.Message());
        if (ReplicaTarget.Back(partition) is not { } back)
            return new ApiError(ErrorCode.InvalidReplicaAssignment, "Every replica is one that the reassignment adds: there is none to go back to.");
        if (back.IsUnclean && !image.TopicConfigOf(topic, config).UncleanLeaderElection)
        {
            return new ApiError(
                ErrorCode.InvalidReplicaAssignment,
                $"None of the replicas to go back to is in sync, and {topic} does not allow unclean leader election.");
        }

        change = back;
        return ApiError.None;
    }
}
