using Milena.Common;
using Milena.Protocol;
using static Milena.Coordination.Transactions.IdentityDecision;

namespace Milena.Coordination.Transactions;

/// <summary>InitProducerId of a transactional id.</summary>
/// <param name="TransactionalId">The id.</param>
/// <param name="TimeoutMs">How long its transactions may take.</param>
/// <param name="ProducerId">Who the producer is already, as it believes (KIP-360); -1 for one that begins.</param>
/// <param name="Epoch">Its epoch; -1 with the former.</param>
/// <param name="TransactionVersion">The level of transaction.version.</param>
internal sealed record InitCall(string TransactionalId, int TimeoutMs, long ProducerId, short Epoch, short TransactionVersion)
{
    public bool HasIdentity => ProducerId >= 0;
}

/// <summary>
/// Decides InitProducerId: whoever begins with a transactional id is its producer from then on, and fences who was it before. One
/// that names itself goes on in the next epoch, and only if it is still the producer.
/// </summary>
internal static class ProducerInit
{
    public static Decision<Turned<ProducerIdentity>, TransactionRecord> Decide(
        TransactionsState state, InitCall call, long freshProducerId, long nowMs)
    {
        if (state.Find(call.TransactionalId) is not { } known)
        {
            return freshProducerId < 0
                ? NeedProducerId
                : Give(new Transaction(call.TransactionalId, freshProducerId).WithNextEpoch(call.TimeoutMs, Transaction.NoEpoch, nowMs));
        }

        if (known.IsEnding)
            return Refuse(ErrorCode.ConcurrentTransactions);
        if (known.Status is TransactionStatus.Ongoing or TransactionStatus.PrepareEpochFence)
            return Interrupt(known, call, nowMs);

        var isProducer = call.ProducerId == known.ProducerId && call.Epoch == known.Epoch;
        if (call.HasIdentity && !isProducer)
            return IsRepeated(known, call) ? new(new(ProducerIdentity.Of(known))) : Refuse(ErrorCode.ProducerFenced);

        var lastEpoch = call.HasIdentity ? known.Epoch : Transaction.NoEpoch;
        if (!Transaction.IsExhausted(known.Epoch))
            return Give(known.WithNextEpoch(call.TimeoutMs, lastEpoch, nowMs));
        return freshProducerId < 0
            ? NeedProducerId
            : Give(known.WithProducerId(freshProducerId, call.TimeoutMs, lastEpoch, nowMs));
    }

    // What is under way is aborted first, and the client comes back; the epoch that fences is given to nobody. Kafka looks at the
    // producer's own epoch only when it comes back, so that there one that is fenced can still abort what its successor does.
    private static Decision<Turned<ProducerIdentity>, TransactionRecord> Interrupt(Transaction known, InitCall call, long nowMs)
    {
        if (call.HasIdentity && (call.ProducerId != known.ProducerId || call.Epoch != known.Epoch))
            return Refuse(ErrorCode.ProducerFenced);
        var fenced = known.Fence(call.TransactionVersion, nowMs);
        return new(new(ProducerIdentity.Failed(ErrorCode.ConcurrentTransactions), fenced), TransactionRecord.Of(fenced));
    }

    // The answer was lost: the producer names the epoch that it had before.
    private static bool IsRepeated(Transaction known, InitCall call) =>
        call.Epoch == known.LastEpoch
        && call.ProducerId == (known.PreviousProducerId >= 0 ? known.PreviousProducerId : known.ProducerId);

    private static Decision<Turned<ProducerIdentity>, TransactionRecord> Give(Transaction next) =>
        new(new(ProducerIdentity.Of(next)), TransactionRecord.Of(next));
}
