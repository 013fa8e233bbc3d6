using Milena.Broker.Dispatch;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>EndTxn (26): commits or aborts a transaction. The answer comes when that is certain; the partitions hear of it after.</summary>
/// <remarks>
/// v2 answers PRODUCER_FENCED. v5 is what clients of transaction version 2 say (KIP-890): the producer's epoch is bumped, and the answer
/// names the id and the epoch to go on with.
/// </remarks>
internal sealed class EndTxnApi(TransactionCoordinator transactions) : IApi<EndTxnRequest, EndTxnResponse>
{
    public static VersionRange Versions => new(0, 5);

    public async ValueTask<EndTxnResponse?> Handle(EndTxnRequest request, RequestContext context) =>
        await transactions.EndTxn(request, context.Version);
}
