namespace Milena.Coordination.Transactions;

/// <summary>What the operator decides about transactions. Names and defaults are Apache Kafka's.</summary>
public sealed record TransactionConfig
{
    /// <summary><c>transaction.state.log.num.partitions</c>: how many partitions share the ids. Fixed once the topic exists.</summary>
    public int StateTopicPartitions { get; init; } = 50;

    /// <summary><c>transaction.max.timeout.ms</c>: the longest that a producer may ask for.</summary>
    public int MaxTimeoutMs { get; init; } = 900_000;

    /// <summary><c>transaction.abort.timed.out.transaction.cleanup.interval.ms</c>: how often to look for those that took too long.</summary>
    public int AbortCheckIntervalMs { get; init; } = 10_000;

    /// <summary><c>transactional.id.expiration.ms</c>: how long an id outlives its last use.</summary>
    public int IdExpirationMs { get; init; } = 604_800_000;

    /// <summary><c>transaction.remove.expired.transaction.cleanup.interval.ms</c>: how often to look for those.</summary>
    public int ExpirationCheckIntervalMs { get; init; } = 3_600_000;

    /// <summary>
    /// <c>add.partitions.to.txn.retry.backoff.max.ms</c>: how long adding a partition waits for the transaction before to be
    /// complete, instead of sending the client away to ask again.
    /// </summary>
    public int AddWaitMs { get; init; } = 100;

    /// <summary>How long a marker waits that could not be written, before it is tried again. Not configurable in Kafka either.</summary>
    public int MarkerRetryMs { get; init; } = 100;
}
