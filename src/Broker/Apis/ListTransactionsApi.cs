using Milena.Broker.Dispatch;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ListTransactions (66): the transactional ids that this broker coordinates.</summary>
/// <remarks>v1 filters by how long a transaction has been open, v2 by a pattern that the whole id has to match (KIP-1152).</remarks>
internal sealed class ListTransactionsApi(TransactionCoordinator transactions) : IApi<ListTransactionsRequest, ListTransactionsResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<ListTransactionsResponse?> Handle(ListTransactionsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.StateFilters.Length + request.ProducerIdFilters.Length);
        return await transactions.ListTransactions(request);
    }
}
