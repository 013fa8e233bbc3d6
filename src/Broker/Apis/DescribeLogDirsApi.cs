using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Apis;

/// <summary>DescribeLogDirs (35): the log directories, what lies in them, and how much room is left.</summary>
/// <remarks>
/// v3 has an error of its own, v4 tells sizes. A replica that moves to a directory is there as a future one, with the offsets that it lacks.
/// </remarks>
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

        var here = replicas.Partitions.Where(partition => partition.Log.LogDir == dir.Path).Select(Describe);
        var coming = logs.Moves.Where(move => move.LogDir == dir.Path && move.Log.LogDir != dir.Path).Select(Describe);
        result.Topics =
        [
            .. here.Concat(coming)
                .Where(replica => wanted is null || wanted.Contains(replica.Name))
                .GroupBy(replica => replica.Name.Topic)
                .Select(topic => new DescribeLogDirsResponse.DescribeLogDirsTopic
                {
                    Name = topic.Key,
                    Partitions = [.. topic.OrderBy(replica => replica.Name.Partition).Select(replica => replica.Description)],
                }),
        ];
        return result;
    }

    private static (TopicPartition Name, DescribeLogDirsResponse.DescribeLogDirsPartition Description) Describe(Partition partition) => (partition.Name, new()
    {
        PartitionIndex = partition.Name.Partition,
        PartitionSize = partition.Log.Size,
        OffsetLag = Math.Max(partition.HighWatermark - partition.Log.LogEndOffset, 0),
        IsFutureKey = false,
    });

    private static (TopicPartition Name, DescribeLogDirsResponse.DescribeLogDirsPartition Description) Describe(LogMove move) => (move.Log.Partition, new()
    {
        PartitionIndex = move.Log.Partition.Partition,
        PartitionSize = move.Size,
        OffsetLag = move.Lag,
        IsFutureKey = true,
    });
}
