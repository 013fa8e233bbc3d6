using Milena.Common;

namespace Milena.Coordination.Transactions;

/// <summary>Forgets transactional ids that nobody has used for long, and that have nothing open.</summary>
internal static class TransactionExpiration
{
    /// <summary>How many go with one append.</summary>
    public const int BatchMax = 1_000;

    /// <summary>Removes at most <see cref="BatchMax"/> of them; the answer is how many.</summary>
    public static Decision<int, TransactionRecord> Decide(TransactionsState state, long expirationMs, long nowMs)
    {
        TransactionRecord[] tombstones =
        [
            .. state.Transactions.Values
                .Where(known => (known.Status == TransactionStatus.Empty || known.IsComplete) && known.LastUpdateMs <= nowMs - expirationMs)
                .Take(BatchMax)
                .Select(known => new TransactionRecord(known.Id, null)),
        ];
        return new(tombstones.Length, tombstones);
    }
}
