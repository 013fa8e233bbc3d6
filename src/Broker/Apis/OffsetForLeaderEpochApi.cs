using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>OffsetForLeaderEpoch (23): where a leader epoch ends in this log, so that a reader finds out where it diverges.</summary>
/// <remarks>v2 fences by the current leader epoch (KIP-320), v3 carries the replica id.</remarks>
internal sealed class OffsetForLeaderEpochApi(PartitionDirectory partitions)
    : IApi<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>
{
    public static VersionRange Versions => new(0, 4);

    public ValueTask<OffsetForLeaderEpochResponse?> Handle(OffsetForLeaderEpochRequest request, RequestContext context) =>
        new(new OffsetForLeaderEpochResponse
        {
            Topics =
            [
                .. request.Topics.Select(topic => new OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
                {
                    Topic = topic.Topic,
                    Partitions = [.. topic.Partitions.Select(asked => Find(topic.Topic, asked))],
                }),
            ],
        });

    private OffsetForLeaderEpochResponse.EpochEndOffset Find(
        string topic, OffsetForLeaderEpochRequest.OffsetForLeaderPartition asked)
    {
        var answer = new OffsetForLeaderEpochResponse.EpochEndOffset { Partition = asked.Partition };
        answer.ErrorCode = partitions.Find(topic, asked.Partition, out var partition);
        if (answer.ErrorCode == ErrorCode.None)
            answer.ErrorCode = partition!.CheckLeader(asked.CurrentLeaderEpoch);
        if (answer.ErrorCode != ErrorCode.None)
            return answer;

        var found = partition!.Log.Epochs.EndOf(asked.LeaderEpoch);
        answer.LeaderEpoch = found.Epoch;
        answer.EndOffset = found.EndOffset;
        return answer;
    }
}
