using System.Net;
using Milena.Broker.Dispatch;
using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.DescribeQuorumResponse;

namespace Milena.Broker.Apis;

/// <summary>DescribeQuorum (55): who leads the metadata log, who votes, and how far each has come.</summary>
/// <remarks>
/// v1 tells times (KIP-836), v2 log directories and where controllers listen (KIP-853). This node is the only voter, and the broker in it
/// reads what the voter has, so nobody observes.
/// </remarks>
internal sealed class DescribeQuorumApi(QuorumDriver quorum, BrokerConfig config, TimeProvider time) : IApi<DescribeQuorumRequest, DescribeQuorumResponse>
{
    private const short NodesFrom = 2;
    private const int MetadataPartition = 0;

    public static VersionRange Versions => new(0, 2);

    public ValueTask<DescribeQuorumResponse?> Handle(DescribeQuorumRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics.Sum(topic => topic.Partitions.Length));
        var isMetadataLog = request.Topics is [{ TopicName: TopicNames.ClusterMetadata, Partitions: [{ PartitionIndex: MetadataPartition }] }];
        var error = isMetadataLog ? quorum.IsLeader ? ErrorCode.None : ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition;
        return new(new DescribeQuorumResponse
        {
            ErrorMessage = null,
            Topics = [.. request.Topics.Select(topic => new TopicData
            {
                TopicName = topic.TopicName,
                Partitions = [.. topic.Partitions.Select(partition => error == ErrorCode.None ? Describe(context.Version) : Refused(partition.PartitionIndex, error))],
            })],
            Nodes = error == ErrorCode.None && context.Version >= NodesFrom ? [.. quorum.Voters.Select(voter => Node(voter.Id))] : [],
        });
    }

    private static PartitionData Refused(int partition, ErrorCode error) =>
        new() { PartitionIndex = partition, ErrorCode = error, ErrorMessage = error.Message() };

    private PartitionData Describe(short version)
    {
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        return new PartitionData
        {
            PartitionIndex = MetadataPartition,
            ErrorMessage = null,
            LeaderId = quorum.LeaderId,
            LeaderEpoch = quorum.Epoch,
            HighWatermark = quorum.HighWatermark,
            CurrentVoters = [.. quorum.Voters.Select(voter => new ReplicaState
            {
                ReplicaId = voter.Id,
                ReplicaDirectoryId = version >= NodesFrom ? voter.DirectoryId : Uuid.Zero,
                LogEndOffset = quorum.LogEndOffset,
                LastFetchTimestamp = nowMs,
                LastCaughtUpTimestamp = nowMs,
            })],
        };
    }

    private Node Node(int id) => new()
    {
        NodeId = id,
        Listeners = [.. config.Listeners.BoundForControllers.Select(endpoint => new Listener
        {
            Name = endpoint.Name,
            Host = endpoint.Host is "" or "0.0.0.0" or "::" ? Dns.GetHostName() : endpoint.Host,
            Port = (ushort)endpoint.Port,
        })],
    };
}
