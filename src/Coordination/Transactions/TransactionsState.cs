using System.Collections.Immutable;

namespace Milena.Coordination.Transactions;

/// <summary>A record of <c>__transaction_state</c>: what holds for a transactional id from now on; null takes it away.</summary>
internal sealed record TransactionRecord(string TransactionalId, Transaction? Transaction)
{
    public static TransactionRecord Of(Transaction transaction) => new(transaction.Id, transaction);
}

/// <summary>
/// All transactional ids of one partition of <c>__transaction_state</c>: the fold over its records. An immutable value, its ids in
/// ordinal order.
/// </summary>
internal sealed record TransactionsState(ImmutableSortedDictionary<string, Transaction> Transactions)
{
    public static TransactionsState Empty { get; } = new(ImmutableSortedDictionary.Create<string, Transaction>(StringComparer.Ordinal));

    public Transaction? Find(string transactionalId) => Transactions.GetValueOrDefault(transactionalId);

    /// <summary>
    /// Whether this very value is what holds for its id now: two transactions of one producer may look alike, and are not the same.
    /// </summary>
    public bool Holds(Transaction transaction) => ReferenceEquals(Find(transaction.Id), transaction);

    /// <summary>The state after these records, in order.</summary>
    public static TransactionsState Apply(TransactionsState state, IReadOnlyList<TransactionRecord> records)
    {
        foreach (var record in records)
            state = state.Apply(record);
        return state;
    }

    public TransactionsState Apply(TransactionRecord record) => new(
        record.Transaction is null
            ? Transactions.Remove(record.TransactionalId)
            : Transactions.SetItem(record.TransactionalId, record.Transaction));
}
