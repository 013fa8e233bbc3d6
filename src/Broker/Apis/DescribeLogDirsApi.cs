using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Apis;

/// <summary>DescribeLogDirs (35): the log directories, what lies in them, and how much room is left.</summary>
/// <remarks>v3 has an error of its own, v4 tells sizes. Replicas are not moved between directories here, so none is a future one.</remarks>
internal sealed class DescribeLogDirsApi(LogManager logs, ReplicaManager replicas)
    : IApi<DescribeLogDirsRequest, DescribeLogDirsResponse>
{
    public static VersionRange Versions => new(0, 4);

    public ValueTask<DescribeLogDirsResponse?> Handle(DescribeLogDirsRequest request, RequestContext context)
    {
        var wanted = request.Topics?
            .SelectMany(topic => topic.Partitions, (topic, partition) => new TopicPartition(topic.Topic, partition))
            .ToHashSet();
        return new(new DescribeLogDirsResponse { Results = [.. logs.LogDirs.Select(dir => Describe(dir, wanted))] });
    }

    private DescribeLogDirsResponse.DescribeLogDirsResult Describe(LogDirInfo dir, HashSet<TopicPartition>? wanted)
    {
        var result = new DescribeLogDirsResponse.DescribeLogDirsResult { LogDir = dir.Path };
        if (dir.IsOffline)
        {
            result.ErrorCode = ErrorCode.KafkaStorageError;
            return result;
        }

        try
        {
            var drive = new DriveInfo(dir.Path);
            result.TotalBytes = drive.TotalSize;
            result.UsableBytes = drive.AvailableFreeSpace;
        }
        catch (IOException)
        {
            // The room is unknown, which -1 says; that the directory has failed is found out by those who write to it.
        }

        result.Topics =
        [
            .. replicas.Partitions
                .Where(partition => partition.Log.LogDir == dir.Path)
                .Where(partition => wanted is null || wanted.Contains(partition.Name))
                .GroupBy(partition => partition.Name.Topic)
                .Select(topic => new DescribeLogDirsResponse.DescribeLogDirsTopic
                {
                    Name = topic.Key,
                    Partitions = [.. topic.OrderBy(partition => partition.Name.Partition).Select(Describe)],
                }),
        ];
        return result;
    }

    private static DescribeLogDirsResponse.DescribeLogDirsPartition Describe(Partition partition) => new()
    {
        PartitionIndex = partition.Name.Partition,
        PartitionSize = partition.Log.Size,
        OffsetLag = Math.Max(partition.HighWatermark - partition.Log.LogEndOffset, 0),
        IsFutureKey = false,
    };
}
