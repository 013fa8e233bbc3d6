using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Transactions;

public sealed partial class TransactionCoordinator
{
    private static readonly string[] StatusNames = Enum.GetNames<TransactionStatus>();

    /// <summary>DescribeTransactions v0.</summary>
    public async ValueTask<DescribeTransactionsResponse> DescribeTransactions(DescribeTransactionsRequest request)
    {
        var states = new DescribeTransactionsResponse.TransactionStateData[request.TransactionalIds.Length];
        for (var i = 0; i < states.Length; i++)
            states[i] = await Describe(request.TransactionalIds[i]).ConfigureAwait(false);
        return new() { TransactionStates = states };
    }

    /// <summary>
    /// ListTransactions v0 to v2: the transactional ids coordinated here that pass every filter. If one partition is still loading
    /// the answer is that, for it would not be complete; a partition that is lost meanwhile is passed over. Patterns are those of
    /// subscriptions, and ids with characters beyond ASCII match none.
    /// </summary>
    public async ValueTask<ListTransactionsResponse> ListTransactions(ListTransactionsRequest request)
    {
        TopicRegex? pattern = null;
        if (!string.IsNullOrEmpty(request.TransactionalIdPattern))
        {
            pattern = TopicRegex.Parse(request.TransactionalIdPattern, out _);
            if (pattern is null)
                return new() { ErrorCode = ErrorCode.InvalidRegularExpression };
        }

        var listed = new List<ListTransactionsResponse.TransactionStateData>();
        foreach (var shard in AllShards())
        {
            var (found, error) = await shard.Execute<(ListTransactionsResponse.TransactionStateData[], ErrorCode)>(
                state => (List(state, request, pattern), ErrorCode.None), static error => ([], error)).ConfigureAwait(false);
            if (error is not (ErrorCode.None or ErrorCode.NotCoordinator))
                return new() { ErrorCode = error };
            listed.AddRange(found);
        }
        return new()
        {
            UnknownStateFilters = [.. request.StateFilters.Where(name => !StatusNames.Contains(name)).Distinct()],
            TransactionStates = [.. listed],
        };
    }

    private ValueTask<DescribeTransactionsResponse.TransactionStateData> Describe(string transactionalId)
    {
        if (transactionalId.Length == 0)
            return new(Refuse(ErrorCode.InvalidRequest));
        if (ShardOf(transactionalId, out var unavailable) is not { } shard)
            return new(Refuse(unavailable));
        return shard.Execute(
            state => state.Find(transactionalId) is { } known ? Describe(known) : Refuse(ErrorCode.TransactionalIdNotFound), Refuse);

        DescribeTransactionsResponse.TransactionStateData Refuse(ErrorCode error) => new() { TransactionalId = transactionalId, ErrorCode = error };
    }

    private static DescribeTransactionsResponse.TransactionStateData Describe(Transaction known) => new()
    {
        TransactionalId = known.Id,
        TransactionState = known.Status.ToString(),
        TransactionTimeoutMs = known.TimeoutMs,
        TransactionStartTimeMs = known.StartMs,
        ProducerId = known.ProducerId,
        ProducerEpoch = known.Epoch,
        Topics =
        [
            .. known.Partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).Select(topic => new DescribeTransactionsResponse.TopicData
            {
                Topic = topic.Key, Partitions = [.. topic.Select(partition => partition.Partition)],
            }),
        ],
    };

    private ListTransactionsResponse.TransactionStateData[] List(TransactionsState state, ListTransactionsRequest request, TopicRegex? pattern)
    {
        var nowMs = parts.NowMs;
        return
        [
            .. state.Transactions.Values
                .Where(known => request.StateFilters.Length == 0 || request.StateFilters.Contains(known.Status.ToString()))
                .Where(known => request.ProducerIdFilters.Length == 0 || request.ProducerIdFilters.Contains(known.ProducerId))
                .Where(known => request.DurationFilter < 0 || (known.StartMs >= 0 && nowMs - known.StartMs > request.DurationFilter))
                .Where(known => pattern is null || pattern.IsMatch(known.Id))
                .Select(known => new ListTransactionsResponse.TransactionStateData
                {
                    TransactionalId = known.Id, ProducerId = known.ProducerId, TransactionState = known.Status.ToString(),
                }),
        ];
    }
}
