using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Transactions;

/// <summary>The record of <c>__transaction_state</c> that holds a transactional id, as Apache Kafka writes it.</summary>
internal sealed partial record Transaction
{
    /// <summary>The version in which values are written: flexible ones, which know more, from transaction.version 1 on.</summary>
    public static short ValueVersion(short transactionVersion) => transactionVersion >= 1 ? (short)1 : (short)0;

    /// <summary>The value; what only flexible versions know is left out of others.</summary>
    public TransactionLogValue ToValue(short version)
    {
        var value = new TransactionLogValue
        {
            ProducerId = ProducerId,
            ProducerEpoch = Epoch,
            TransactionTimeoutMs = TimeoutMs,
            TransactionStatus = (sbyte)Status,
            TransactionPartitions = Status == TransactionStatus.Empty
                ? null
                :
                [
                    .. Partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).Select(topic => new TransactionLogValue.PartitionsSchema
                    {
                        Topic = topic.Key, PartitionIds = [.. topic.Select(partition => partition.Partition)],
                    }),
                ],
            TransactionLastUpdateTimestampMs = LastUpdateMs,
            TransactionStartTimestampMs = StartMs,
        };
        if (version >= 1)
        {
            value.PreviousProducerId = PreviousProducerId;
            value.NextProducerId = NextProducerId;
            value.ClientTransactionVersion = ClientVersion;
        }
        return value;
    }

    /// <summary>What a value says. Throws <see cref="MalformedMessageException"/> for a state that is not known.</summary>
    public static Transaction Of(string id, TransactionLogValue value)
    {
        if (value.TransactionStatus is < (sbyte)TransactionStatus.Empty or > (sbyte)TransactionStatus.PrepareEpochFence)
            throw new MalformedMessageException($"the transactional id {id} is in a state {value.TransactionStatus}");
        return new(id, value.ProducerId)
        {
            // Of others' making it may be the same id, which says nothing.
            PreviousProducerId = value.PreviousProducerId == value.ProducerId ? NoProducerId : value.PreviousProducerId,
            NextProducerId = value.NextProducerId,
            Epoch = value.ProducerEpoch,
            TimeoutMs = value.TransactionTimeoutMs,
            Status = (TransactionStatus)value.TransactionStatus,
            Partitions = NoPartitions.Union((value.TransactionPartitions ?? []).SelectMany(
                topic => topic.PartitionIds, (topic, partition) => new TopicPartition(topic.Topic, partition))),
            StartMs = value.TransactionStartTimestampMs,
            LastUpdateMs = value.TransactionLastUpdateTimestampMs,
            ClientVersion = value.ClientTransactionVersion,
        };
    }
}
