using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;

namespace Milena.Broker.Transactions;

/// <summary>The coordinator of a node that coordinates no transactions: none is under way.</summary>
internal sealed class NoTransactions : ITransactionPartitions
{
    /// <inheritdoc/>
    public ValueTask<ErrorCode[]> EnsureAsync(
        string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add) =>
        new([.. partitions.Select(_ => ErrorCode.TransactionAbortable)]);
}
