using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>What came of one decision about a transactional id.</summary>
/// <param name="Response">The answer.</param>
/// <param name="Prepared">The transaction whose outcome was decided with it: its partitions are to be told.</param>
/// <param name="NeedsProducerId">Nothing was decided, as it takes a new producer id; to be asked again with one.</param>
internal readonly record struct Turned<TResponse>(TResponse Response, Transaction? Prepared = null, bool NeedsProducerId = false);

/// <summary>A producer's id and epoch, or why there is none.</summary>
internal readonly record struct ProducerIdentity(ErrorCode Error, long ProducerId, short Epoch)
{
    public static ProducerIdentity Failed(ErrorCode error) => new(error, Transaction.NoProducerId, Transaction.NoEpoch);

    public static ProducerIdentity Of(Transaction transaction) => new(ErrorCode.None, transaction.ProducerId, transaction.Epoch);
}

/// <summary>The forms that decisions about a producer's identity have.</summary>
internal static class IdentityDecision
{
    public static Decision<Turned<ProducerIdentity>, TransactionRecord> Refuse(ErrorCode error) =>
        new(new(ProducerIdentity.Failed(error)));

    public static Decision<Turned<ProducerIdentity>, TransactionRecord> NeedProducerId { get; } =
        new(new(ProducerIdentity.Failed(ErrorCode.CoordinatorLoadInProgress), NeedsProducerId: true));
}
