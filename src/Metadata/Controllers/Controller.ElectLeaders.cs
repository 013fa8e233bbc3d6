using Milena.Common;
using Milena.Metadata.Elections;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.ElectLeadersResponse;

namespace Milena.Metadata.Controllers;

/// <summary>ElectLeaders (43).</summary>
public sealed partial class Controller
{
    private const sbyte PreferredElection = 0;
    private const sbyte UncleanElection = 1;

    /// <summary>
    /// ElectLeaders (43): makes the first replica the leader where it is in sync (KIP-460), or, uncleanly, any that lives where nobody leads.
    /// Of all partitions (null) only those are named for which something was to be done.
    /// </summary>
    public Decision<ElectLeadersResponse, IMetadataRecord> ElectLeaders(MetadataImage image, ElectLeadersRequest request)
    {
        if (request.ElectionType is not PreferredElection and not UncleanElection)
            return new(new ElectLeadersResponse { ErrorCode = ErrorCode.InvalidRequest });
        var records = new List<IMetadataRecord>();
        var isUnclean = request.ElectionType == UncleanElection;
        var results = request.TopicPartitions is { } named
            ? named.GroupBy(topic => topic.Topic, StringComparer.Ordinal)
                .Select(topic => Elected(image, topic.Key, topic.SelectMany(part => part.Partitions).Distinct(), isUnclean, records)).ToArray()
            : [.. image.Topics.ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal)
                .Select(topic => WithoutNeedless(Elected(image, topic.Name, topic.Partitions.Keys, isUnclean, records)))
                .Where(result => result.PartitionResult.Length > 0)];
        return records.Count > RecordsPerRequestMax
            ? new(new ElectLeadersResponse { ErrorCode = TooManyRecords.Code })
            : new(new ElectLeadersResponse { ReplicaElectionResults = results }, [.. records]);
    }

    private ReplicaElectionResult Elected(
        MetadataImage image, string topic, IEnumerable<int> partitions, bool isUnclean, List<IMetadataRecord> records) => new()
    {
        Topic = topic,
        PartitionResult = [.. partitions.Select(id =>
        {
            var error = Elect(image, topic, id, isUnclean, records);
            return new PartitionResult { PartitionId = id, ErrorCode = error.Code, ErrorMessage = error.Message };
        })],
    };

    private ApiError Elect(MetadataImage image, string name, int id, bool isUnclean, List<IMetadataRecord> records)
    {
        if (!image.Topics.TryGet(name, out var topic))
            return new ApiError(ErrorCode.UnknownTopicOrPartition, $"No such topic as {name}");
        if (!topic.TryGetPartition(id, out var partition))
            return new ApiError(ErrorCode.UnknownTopicOrPartition, $"No such partition as {name}-{id}");
        if (isUnclean ? partition.HasLeader : partition.Leader == partition.Replicas[0])
            return new ApiError(ErrorCode.ElectionNotNeeded, ErrorCode.ElectionNotNeeded.Message());
        var election = new PartitionElection(partition, image.Features)
        {
            Mode = isUnclean ? ElectionMode.Unclean : ElectionMode.Preferred,
            MinInsyncReplicas = image.TopicConfigOf(name, config).MinInsyncReplicas,
            IsAcceptable = replica => IsAcceptable(image, partition, replica, happened: default),
        };
        if (election.ToRecord(topic.Id, id) is not { } record)
        {
            var unavailable = isUnclean ? ErrorCode.EligibleLeadersNotAvailable : ErrorCode.PreferredLeaderNotAvailable;
            return new ApiError(unavailable, unavailable.Message());
        }

        records.Add(record);
        return ApiError.None;
    }

    private static ReplicaElectionResult WithoutNeedless(ReplicaElectionResult result)
    {
        result.PartitionResult = Array.FindAll(result.PartitionResult, partition => partition.ErrorCode != ErrorCode.ElectionNotNeeded);
        return result;
    }
}
