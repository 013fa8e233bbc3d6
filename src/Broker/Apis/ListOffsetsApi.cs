using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Apis;

/// <summary>ListOffsets (2): the offset of a point in time, or of one of the log's ends.</summary>
/// <remarks>
/// v0 returns up to so many old segment starts, v1 one offset, v2 knows the isolation level, v4 the leader epoch, v7 the
/// largest timestamp (KIP-734), v8 the earliest local offset, v9 and v11 tiered ones. Nothing is tiered here: the earliest
/// local offset is the earliest one, and the tiered ones are not there.
/// </remarks>
internal sealed class ListOffsetsApi(PartitionDirectory partitions) : IApi<ListOffsetsRequest, ListOffsetsResponse>
{
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;
    private const long EarliestLocal = -4;
    private const long LatestTiered = -5;
    private const long EarliestPendingUpload = -6;
    private const sbyte ReadCommitted = 1;
    private const short StorageErrorFrom = 6;

    public static VersionRange Versions => new(0, 11);

    public ValueTask<ListOffsetsResponse?> Handle(ListOffsetsRequest request, RequestContext context)
    {
        var twice = AskedTwice(request);
        return new(new ListOffsetsResponse
        {
            Topics =
            [
                .. request.Topics.Select(topic => new ListOffsetsResponse.ListOffsetsTopicResponse
                {
                    Name = topic.Name,
                    Partitions = [.. topic.Partitions.Select(asked => Find(topic, asked, request, twice, context.Version))],
                }),
            ],
        });
    }

    private static HashSet<TopicPartition> AskedTwice(ListOffsetsRequest request)
    {
        var once = new HashSet<TopicPartition>();
        return [.. request.Topics
            .SelectMany(topic => topic.Partitions, (topic, asked) => new TopicPartition(topic.Name, asked.PartitionIndex))
            .Where(partition => !once.Add(partition))];
    }

    private ListOffsetsResponse.ListOffsetsPartitionResponse Find(
        ListOffsetsRequest.ListOffsetsTopic topic,
        ListOffsetsRequest.ListOffsetsPartition asked,
        ListOffsetsRequest request,
        HashSet<TopicPartition> twice,
        short version)
    {
        var answer = new ListOffsetsResponse.ListOffsetsPartitionResponse { PartitionIndex = asked.PartitionIndex };
        Partition? partition = null;
        answer.ErrorCode = twice.Contains(new TopicPartition(topic.Name, asked.PartitionIndex))
            ? ErrorCode.InvalidRequest
            : Check(topic, asked, version, out partition);
        if (answer.ErrorCode != ErrorCode.None)
            return answer;

        var end = request.IsolationLevel == ReadCommitted ? partition!.Log.LastStableOffset : partition!.HighWatermark;
        if (version == 0)
        {
            answer.OldStyleOffsets = OldStyle(partition, asked, end);
            return answer;
        }

        var found = Look(partition, asked.Timestamp, end);
        answer.ErrorCode = found.Error;
        answer.Timestamp = found.Timestamp;
        answer.Offset = found.Offset;
        answer.LeaderEpoch = version >= 4 ? found.LeaderEpoch : -1;
        return answer;
    }

    private ErrorCode Check(
        ListOffsetsRequest.ListOffsetsTopic topic,
        ListOffsetsRequest.ListOffsetsPartition asked,
        short version,
        out Partition? partition)
    {
        partition = null;
        if (asked.Timestamp < 0 && version < FirstVersion(asked.Timestamp))
            return ErrorCode.UnsupportedVersion;
        var error = partitions.Find(topic.Name, asked.PartitionIndex, out partition);
        if (error == ErrorCode.None)
            error = partition!.CheckLeader(asked.CurrentLeaderEpoch);
        return error == ErrorCode.KafkaStorageError && version < StorageErrorFrom ? ErrorCode.NotLeaderOrFollower : error;
    }

    /// <summary>The first version that knows a special timestamp.</summary>
    private static short FirstVersion(long timestamp) => timestamp switch
    {
        Latest or Earliest => 0,
        MaxTimestamp => 7,
        EarliestLocal => 8,
        LatestTiered => 9,
        EarliestPendingUpload => 11,
        _ => short.MaxValue,
    };

    private static OffsetLookup Look(Partition partition, long timestamp, long end)
    {
        var log = partition.Log;
        switch (timestamp)
        {
            case Latest:
                return new(ErrorCode.None, -1, end, partition.Leadership.LeaderEpoch);
            case Earliest or EarliestLocal:
                var start = log.LogStartOffset;
                return new(ErrorCode.None, -1, start, log.Epochs.EpochAt(start));
            case LatestTiered or EarliestPendingUpload:
                return OffsetLookup.NotFound;
            default:
                var found = timestamp == MaxTimestamp ? log.FindMaxTimestamp() : log.FindByTimestamp(timestamp);
                return found.Offset < end ? found : OffsetLookup.NotFound;
        }
    }

    /// <summary>Version 0 lists where segments start, newest first; without segments to tell apart, the two ends are such starts.</summary>
    private static long[] OldStyle(Partition partition, ListOffsetsRequest.ListOffsetsPartition asked, long end)
    {
        var start = partition.Log.LogStartOffset;
        long[] offsets = asked.Timestamp switch
        {
            Latest => end > start ? [end, start] : [end],
            Earliest => [start],
            _ => partition.Log.FindByTimestamp(asked.Timestamp) is { IsFound: true } found ? [found.Offset] : [],
        };
        return offsets[..Math.Clamp(asked.MaxNumOffsets, 0, offsets.Length)];
    }
}
