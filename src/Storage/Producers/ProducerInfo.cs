namespace Milena.Storage;

/// <summary>What a log knows of an idempotent or transactional producer.</summary>
/// <param name="ProducerId">Its id.</param>
/// <param name="ProducerEpoch">Its epoch.</param>
/// <param name="LastSequence">The sequence number of its last record; -1 if none is known.</param>
/// <param name="LastTimestampMs">The time of its last batch or marker.</param>
/// <param name="CoordinatorEpoch">The epoch of the coordinator that wrote its last marker; -1 for none.</param>
/// <param name="CurrentTransactionFirstOffset">Where its open transaction begins; -1 if none is open.</param>
public readonly record struct ProducerInfo(
    long ProducerId, short ProducerEpoch, int LastSequence, long LastTimestampMs, int CoordinatorEpoch, long CurrentTransactionFirstOffset);
