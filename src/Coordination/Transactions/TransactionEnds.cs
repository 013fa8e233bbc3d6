using Milena.Common;
using Milena.Protocol;
using static Milena.Coordination.Transactions.IdentityDecision;

namespace Milena.Coordination.Transactions;

/// <summary>EndTxn: the producer says how its transaction ends.</summary>
/// <param name="TransactionalId">The id.</param>
/// <param name="ProducerId">The producer.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Commit">Commit or abort.</param>
/// <param name="ClientVersion">The generation of the protocol that the client speaks: 0 or 2.</param>
internal sealed record EndCall(string TransactionalId, long ProducerId, short Epoch, bool Commit, short ClientVersion);

/// <summary>
/// Decides how transactions end. With the answer, the outcome is in the log and can be no other; the markers follow. The answer
/// names the producer's id and epoch for the next transaction.
/// </summary>
internal static class TransactionEnds
{
    public static Decision<Turned<ProducerIdentity>, TransactionRecord> Decide(
        TransactionsState state, EndCall call, long freshProducerId, long nowMs)
    {
        if (state.Find(call.TransactionalId) is not { } known)
            return Refuse(ErrorCode.InvalidProducerIdMapping);
        return call.ClientVersion >= Transaction.EpochBumpVersion
            ? WithEpochBump(known, call, freshProducerId, nowMs)
            : WithoutEpochBump(known, call, nowMs);
    }

    /// <summary>The partitions have their markers: the transaction is over, unless somebody has seen to that.</summary>
    public static Decision<ErrorCode, TransactionRecord> Complete(TransactionsState state, Transaction prepared, long nowMs) =>
        state.Holds(prepared) ? new(ErrorCode.None, TransactionRecord.Of(prepared.Complete(nowMs))) : new(ErrorCode.None);

    /// <summary>A transaction that has taken too long is aborted, and its producer fenced; the answer is whether.</summary>
    public static Decision<Turned<bool>, TransactionRecord> Abort(
        TransactionsState state, string transactionalId, short transactionVersion, long nowMs)
    {
        if (state.Find(transactionalId) is not { } known || !IsOverdue(known, nowMs))
            return new(new(false));
        var fenced = known.Fence(transactionVersion, nowMs);
        return new(new(true, fenced), TransactionRecord.Of(fenced));
    }

    public static bool IsOverdue(Transaction known, long nowMs) =>
        known.Status == TransactionStatus.PrepareEpochFence
        || (known.Status == TransactionStatus.Ongoing && known.StartMs + known.TimeoutMs < nowMs);

    // Told twice is told once, while the producer is the same: its epoch does not tell one transaction from the next.
    private static Decision<Turned<ProducerIdentity>, TransactionRecord> WithoutEpochBump(Transaction known, EndCall call, long nowMs)
    {
        if (call.ProducerId != known.ProducerId)
            return Refuse(ErrorCode.InvalidProducerIdMapping);
        if (call.Epoch != known.Epoch)
            return Refuse(ErrorCode.ProducerFenced);
        if (known.Status == TransactionStatus.Ongoing)
            return End(known, call, Transaction.NoProducerId, nowMs);
        if ((!known.IsEnding && !known.IsComplete) || call.Commit != known.IsCommit)
            return Refuse(ErrorCode.InvalidTxnState);
        return known.IsEnding ? Refuse(ErrorCode.ConcurrentTransactions) : new(new(ProducerIdentity.Of(known)));
    }

    // The epoch tells one transaction from the next, so that telling twice is known from telling about the next one.
    private static Decision<Turned<ProducerIdentity>, TransactionRecord> WithEpochBump(
        Transaction known, EndCall call, long freshProducerId, long nowMs)
    {
        if ((known.IsEnding || known.IsComplete) && known.IsEndedBy(call.ProducerId, call.Epoch))
        {
            if (call.Commit != known.IsCommit)
                return Refuse(ErrorCode.InvalidTxnState);
            return known.IsEnding ? Refuse(ErrorCode.ConcurrentTransactions) : new(new(ProducerIdentity.Of(known)));
        }

        if (known.IsEnding && (call.ProducerId, call.Epoch) == known.Next)
            return Refuse(ErrorCode.ConcurrentTransactions); // about the next one, which has to wait for this one
        if (call.ProducerId != known.ProducerId)
            return Refuse(ErrorCode.InvalidProducerIdMapping);
        if (call.Epoch != known.Epoch || known.IsEnding)
            return Refuse(ErrorCode.ProducerFenced);
        if (known.Status == TransactionStatus.PrepareEpochFence)
            return Refuse(ErrorCode.ConcurrentTransactions);
        if (known.Status != TransactionStatus.Ongoing && call.Commit)
            return Refuse(ErrorCode.InvalidTxnState);
        if (!Transaction.IsExhausted(known.Epoch))
            return End(known, call, Transaction.NoProducerId, nowMs);
        return freshProducerId < 0 ? NeedProducerId : End(known, call, freshProducerId, nowMs);
    }

    private static Decision<Turned<ProducerIdentity>, TransactionRecord> End(
        Transaction known, EndCall call, long nextProducerId, long nowMs)
    {
        var ended = known.End(call.Commit, call.ClientVersion, nextProducerId, nowMs);
        var (producerId, epoch) = ended.Next;
        return new(new(new(ErrorCode.None, producerId, epoch), ended), TransactionRecord.Of(ended));
    }
}
