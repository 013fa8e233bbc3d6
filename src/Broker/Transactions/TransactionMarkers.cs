using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Records;
using Milena.Storage;

namespace Milena.Broker.Transactions;

/// <summary>
/// Writes the markers that end transactions into the partitions that this node leads. In the offsets topic they go through the groups'
/// coordinator, so that what it believes of offsets and what is in the log stay the same.
/// </summary>
internal sealed class TransactionMarkers(PartitionDirectory partitions, GroupCoordinator groups, TimeProvider time) : IMarkerChannel
{
    private const short AllReplicas = -1;
    private const short BumpsEpochsFrom = 2;

    /// <inheritdoc/>
    public ValueTask<ErrorCode> WriteAsync(
        TopicPartition partition, long producerId, short producerEpoch, int coordinatorEpoch, bool commit, short transactionVersion)
    {
        var bumpsEpochs = transactionVersion >= BumpsEpochsFrom;
        var error = partitions.Find(partition.Topic, partition.Partition, out var found);
        if (error != ErrorCode.None)
            return new(error);
        if (partition.Topic == TopicNames.ConsumerOffsets)
            return EndOffsets(partition.Partition, producerId, producerEpoch, coordinatorEpoch, commit, bumpsEpochs);

        using var builder = new RecordBatchBuilder();
        ControlRecordBatch.WriteMarker(
            builder, commit, producerId, producerEpoch, coordinatorEpoch, time.GetUtcNow().ToUnixTimeMilliseconds());
        var appended = found!.Append(builder.Build(), AppendOrigin.Coordinator, AllReplicas, new() { BumpsEpochs = bumpsEpochs });
        return appended.Error == ErrorCode.None ? found.WaitForAck(appended, AllReplicas) : new(appended.Error);
    }

    private async ValueTask<ErrorCode> EndOffsets(
        int partition, long producerId, short producerEpoch, int coordinatorEpoch, bool commit, bool bumpsEpochs) =>
        await groups.EndTransaction(partition, producerId, producerEpoch, coordinatorEpoch, commit, bumpsEpochs) switch
        {
            ErrorCode.NotCoordinator => ErrorCode.NotLeaderOrFollower,
            ErrorCode.CoordinatorNotAvailable => ErrorCode.NotEnoughReplicas, // what a coordinator makes of it
            var error => error,
        };
}
