using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>TxnOffsetCommit (28): where a group stands, once the producer's transaction is committed.</summary>
/// <remarks>
/// v2 knows leader epochs, v3 who in the group commits, v4 TRANSACTION_ABORTABLE. v5 makes the group's partition part of the transaction,
/// for which clients of earlier versions send AddOffsetsToTxn before.
/// </remarks>
/// <param name="groups">Where the offsets are kept.</param>
/// <param name="transactions">Who knows which transactions are under way.</param>
/// <param name="isVerified"><c>transaction.partition.verification.enable</c>.</param>
internal sealed class TxnOffsetCommitApi(GroupCoordinator groups, ITransactionPartitions transactions, Func<bool> isVerified)
    : IApi<TxnOffsetCommitRequest, TxnOffsetCommitResponse>
{
    private const short AddsToTransactionFrom = 5;

    public static VersionRange Versions => new(0, 5);

    public async ValueTask<TxnOffsetCommitResponse?> Handle(TxnOffsetCommitRequest request, RequestContext context) =>
        await groups.TxnOffsetCommit(
            request, context.Version, context.Version >= AddsToTransactionFrom || isVerified() ? transactions : null);
}
