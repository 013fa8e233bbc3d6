using Milena.Broker.Dispatch;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker.Apis;

/// <summary>DescribeProducers (61): who writes to a partition, and which transactions are open in it. The partition's leader knows.</summary>
internal sealed class DescribeProducersApi(PartitionDirectory partitions) : IApi<DescribeProducersRequest, DescribeProducersResponse>
{
    private const int NoLeaderEpoch = -1;

    public static VersionRange Versions => new(0, 0);

    public ValueTask<DescribeProducersResponse?> Handle(DescribeProducersRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics.Sum(topic => topic.PartitionIndexes.Length));
        return new(new DescribeProducersResponse
        {
            Topics = Array.ConvertAll(request.Topics, topic => new DescribeProducersResponse.TopicResponse
            {
                Name = topic.Name,
                Partitions = Array.ConvertAll(topic.PartitionIndexes, index => Describe(topic.Name, index)),
            }),
        });
    }

    private DescribeProducersResponse.PartitionResponse Describe(string topic, int index)
    {
        var error = partitions.Find(topic, index, out var partition);
        if (error == ErrorCode.None)
            error = partition!.CheckLeader(NoLeaderEpoch);
        if (error != ErrorCode.None)
            return new() { PartitionIndex = index, ErrorCode = error, ErrorMessage = error.Message() };
        return new() { PartitionIndex = index, ActiveProducers = [.. partition!.Log.DescribeProducers().Select(State)] };
    }

    private static DescribeProducersResponse.ProducerState State(ProducerInfo producer) => new()
    {
        ProducerId = producer.ProducerId,
        ProducerEpoch = producer.ProducerEpoch,
        LastSequence = producer.LastSequence,
        LastTimestamp = producer.LastTimestampMs,
        CoordinatorEpoch = producer.CoordinatorEpoch,
        CurrentTxnStartOffset = producer.CurrentTransactionFirstOffset,
    };
}
