using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>What the coordinator of a transaction asks the leader of each partition when the outcome is decided.</summary>
public interface IMarkerChannel
{
    /// <summary>
    /// Appends one marker, and completes when it is committed. For a partition of <c>__consumer_offsets</c> the offsets that groups
    /// have pending from this producer are by then valid, or void. The errors of WriteTxnMarkers: what can be waited out
    /// (UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    /// REQUEST_TIMED_OUT, KAFKA_STORAGE_ERROR, COORDINATOR_LOAD_IN_PROGRESS) is asked again, so the same marker may come twice.
    /// </summary>
    /// <param name="partition">Where the marker goes.</param>
    /// <param name="producerId">The producer whose transaction ends.</param>
    /// <param name="producerEpoch">The epoch of the marker; with <paramref name="transactionVersion"/> 2 above the transaction's own.</param>
    /// <param name="coordinatorEpoch">The leader epoch of the coordinator's partition.</param>
    /// <param name="commit">Commit or abort.</param>
    /// <param name="transactionVersion">The generation of the protocol with which the transaction ends: 0, 1 or 2.</param>
    ValueTask<ErrorCode> WriteAsync(
        TopicPartition partition, long producerId, short producerEpoch, int coordinatorEpoch, bool commit, short transactionVersion);
}
