using Milena.Broker.Dispatch;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DeleteRecords (21): moves the log start offset up; offset -1 means the high watermark.</summary>
/// <remarks>Topics that are only compacted refuse it with POLICY_VIOLATION, internal ones with INVALID_TOPIC_EXCEPTION.</remarks>
internal sealed class DeleteRecordsApi(PartitionDirectory partitions)
    : IApi<DeleteRecordsRequest, DeleteRecordsResponse>
{
    private const long ToHighWatermark = -1;

    public static VersionRange Versions => new(0, 2);

    public ValueTask<DeleteRecordsResponse?> Handle(DeleteRecordsRequest request, RequestContext context) =>
        new(new DeleteRecordsResponse
        {
            Topics =
            [
                .. request.Topics.Select(topic => new DeleteRecordsResponse.DeleteRecordsTopicResult
                {
                    Name = topic.Name,
                    Partitions = [.. topic.Partitions.Select(asked => Delete(topic.Name, asked))],
                }),
            ],
        });

    private DeleteRecordsResponse.DeleteRecordsPartitionResult Delete(
        string topic, DeleteRecordsRequest.DeleteRecordsPartition asked)
    {
        var answer = new DeleteRecordsResponse.DeleteRecordsPartitionResult
        {
            PartitionIndex = asked.PartitionIndex,
            LowWatermark = -1,
        };
        if (TopicNames.IsInternal(topic))
        {
            answer.ErrorCode = ErrorCode.InvalidTopicException;
            return answer;
        }

        answer.ErrorCode = partitions.Find(topic, asked.PartitionIndex, out var partition);
        if (answer.ErrorCode == ErrorCode.None)
            answer.ErrorCode = partition!.CheckLeader(currentLeaderEpoch: -1);
        if (answer.ErrorCode != ErrorCode.None)
            return answer;

        var offset = asked.Offset == ToHighWatermark ? partition!.HighWatermark : asked.Offset;
        answer.ErrorCode = partition!.DeleteRecordsBefore(offset);
        if (answer.ErrorCode == ErrorCode.None)
            answer.LowWatermark = partition.Log.LogStartOffset;
        return answer;
    }
}
