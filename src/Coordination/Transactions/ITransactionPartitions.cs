using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>What the leader of a partition asks the coordinator of a transaction before it appends the first records of one (KIP-890).</summary>
public interface ITransactionPartitions
{
    /// <summary>
    /// Whether each partition is part of the ongoing transaction of this producer, with the coordinator's own errors, in the order
    /// asked: NONE for those that are. NOT_COORDINATOR and COORDINATOR_LOAD_IN_PROGRESS as everywhere.
    /// </summary>
    /// <param name="transactionalId">The transactional id that the producer gave.</param>
    /// <param name="producerId">The producer.</param>
    /// <param name="producerEpoch">Its epoch.</param>
    /// <param name="partitions">The partitions; not empty.</param>
    /// <param name="add">
    /// False (clients that say AddPartitionsToTxn themselves): a partition that is not part gets TRANSACTION_ABORTABLE. True
    /// (transaction.version 2): it is made part, and the answer comes when that is written.
    /// </param>
    ValueTask<ErrorCode[]> EnsureAsync(
        string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add);
}
