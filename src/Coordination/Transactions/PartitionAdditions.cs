using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>AddPartitionsToTxn and AddOffsetsToTxn: a producer names partitions before it writes to them.</summary>
/// <param name="TransactionalId">The id.</param>
/// <param name="ProducerId">Who asks, or for whom a partition's leader asks.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Partitions">The partitions.</param>
/// <param name="ClientVersion">The generation of the protocol that the client speaks: 0 or 2.</param>
internal sealed record PartitionsCall(
    string TransactionalId, long ProducerId, short Epoch, IReadOnlyList<TopicPartition> Partitions, short ClientVersion = 0);

/// <summary>Decides what becomes part of a transaction, and says what is.</summary>
internal static class PartitionAdditions
{
    public static Decision<Turned<ErrorCode>, TransactionRecord> Add(TransactionsState state, PartitionsCall call, long nowMs)
    {
        if (state.Find(call.TransactionalId) is not { } known)
            return Answer(ErrorCode.InvalidProducerIdMapping);
        // Looked at before the identity: a producer may be ahead with that of its next transaction, which is taken over when this one
        // is complete.
        if (known.IsEnding || known.Status == TransactionStatus.PrepareEpochFence)
            return Answer(ErrorCode.ConcurrentTransactions);
        if (CheckProducer(known, call) is var error and not ErrorCode.None)
            return Answer(error);
        if (known.Status == TransactionStatus.Ongoing && call.Partitions.All(known.Partitions.Contains))
            return Answer(ErrorCode.None);
        return new(new(ErrorCode.None), TransactionRecord.Of(known.With(call.Partitions, call.ClientVersion, nowMs)));
    }

    /// <summary>Whether each partition is part of the transaction; writes nothing.</summary>
    public static ErrorCode[] Verify(TransactionsState state, PartitionsCall call)
    {
        if (state.Find(call.TransactionalId) is not { } known)
            return All(call, ErrorCode.InvalidProducerIdMapping);
        if (CheckProducer(known, call) is var error and not ErrorCode.None)
            return All(call, error);
        if (known.IsEnding)
            return All(call, ErrorCode.ConcurrentTransactions);
        return
        [
            .. call.Partitions.Select(
                partition => known.Partitions.Contains(partition) ? ErrorCode.None : ErrorCode.TransactionAbortable),
        ];
    }

    /// <summary>The same answer for each partition.</summary>
    public static ErrorCode[] All(PartitionsCall call, ErrorCode error)
    {
        var errors = new ErrorCode[call.Partitions.Count];
        Array.Fill(errors, error);
        return errors;
    }

    private static ErrorCode CheckProducer(Transaction known, PartitionsCall call)
    {
        if (call.ProducerId != known.ProducerId)
            return ErrorCode.InvalidProducerIdMapping;
        return call.Epoch == known.Epoch ? ErrorCode.None : ErrorCode.ProducerFenced;
    }

    private static Decision<Turned<ErrorCode>, TransactionRecord> Answer(ErrorCode error) => new(new(error));
}
