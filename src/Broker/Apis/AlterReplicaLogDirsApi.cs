using Milena.Broker.Dispatch;
using Milena.Broker.LogDirs;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AlterReplicaLogDirsResponse;

namespace Milena.Broker.Apis;

/// <summary>AlterReplicaLogDirs (34): moves replicas of this broker to other log directories (KIP-113).</summary>
/// <remarks>
/// Answered when the moves have begun; DescribeLogDirs shows how far they are. Of a partition that is not here yet it is remembered where to
/// make it, and the answer is REPLICA_NOT_AVAILABLE.
/// </remarks>
internal sealed class AlterReplicaLogDirsApi(ReplicaMoves moves) : IApi<AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse>
{
    public static VersionRange Versions => new(0, 2);

    public ValueTask<AlterReplicaLogDirsResponse?> Handle(AlterReplicaLogDirsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Dirs.Sum(dir => dir.Topics.Sum(topic => topic.Partitions.Length)));
        var wanted = request.Dirs.SelectMany(dir => dir.Topics, (dir, topic) => (dir.Path, Topic: topic));
        return new(new AlterReplicaLogDirsResponse
        {
            Results = [.. wanted.GroupBy(one => one.Topic.Name, StringComparer.Ordinal).Select(topic => new AlterReplicaLogDirTopicResult
            {
                TopicName = topic.Key,
                Partitions = [.. topic.SelectMany(one => one.Topic.Partitions, (one, id) => new AlterReplicaLogDirPartitionResult
                {
                    PartitionIndex = id,
                    ErrorCode = moves.Begin(new TopicPartition(topic.Key, id), one.Path),
                })],
            })],
        });
    }
}
