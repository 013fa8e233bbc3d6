using Milena.Broker.Dispatch;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeTransactions (65): where transactional ids stand that this broker coordinates.</summary>
internal sealed class DescribeTransactionsApi(TransactionCoordinator transactions)
    : IApi<DescribeTransactionsRequest, DescribeTransactionsResponse>
{
    public static VersionRange Versions => new(0, 0);

    public async ValueTask<DescribeTransactionsResponse?> Handle(DescribeTransactionsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.TransactionalIds.Length);
        return await transactions.DescribeTransactions(request);
    }
}
