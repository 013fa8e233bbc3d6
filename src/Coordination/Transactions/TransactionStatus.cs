namespace Milena.Coordination.Transactions;

/// <summary>
/// Where a transactional id stands. The numbers are those in the records of <c>__transaction_state</c>, the names those that
/// DescribeTransactions and ListTransactions show.
/// </summary>
internal enum TransactionStatus : sbyte
{
    /// <summary>Its producer has an id and an epoch, and no transaction.</summary>
    Empty = 0,

    /// <summary>Partitions are part of a transaction.</summary>
    Ongoing = 1,

    /// <summary>The transaction commits: decided for good, and its partitions are being told.</summary>
    PrepareCommit = 2,

    /// <summary>The transaction aborts: decided for good, and its partitions are being told.</summary>
    PrepareAbort = 3,

    /// <summary>All partitions have the commit marker.</summary>
    CompleteCommit = 4,

    /// <summary>All partitions have the abort marker.</summary>
    CompleteAbort = 5,

    /// <summary>Expired. Kafka holds it for the moment until the tombstone is written; here the tombstone is the change.</summary>
    Dead = 6,

    /// <summary>
    /// The producer is fenced and its transaction is to abort. Kafka passes through it and writes it never; here too, fencing
    /// leads to <see cref="PrepareAbort"/> in one record.
    /// </summary>
    PrepareEpochFence = 7,
}
