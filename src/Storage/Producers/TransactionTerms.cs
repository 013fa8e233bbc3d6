namespace Milena.Storage;

/// <summary>
/// What an append of a transaction's records or of its marker must meet besides what every append must. The default asks nothing.
/// </summary>
/// <param name="MustBeKnown">
/// A transactional batch is refused with INVALID_TXN_STATE unless its transaction is open here or <paramref name="Guard"/> is valid
/// (KIP-890): a transaction that its coordinator does not know of would stay open for ever.
/// </param>
/// <param name="Guard">From <see cref="PartitionLog.BeginVerification"/>, once the coordinator has answered.</param>
/// <param name="BumpsEpochs">
/// The producer speaks transaction version 2, so that each transaction has an epoch of its own: a marker's is above that of the
/// records, and a producer that the log does not know begins with sequence number 0.
/// </param>
public readonly record struct TransactionTerms(bool MustBeKnown = false, VerificationGuard? Guard = null, bool BumpsEpochs = false);

/// <summary>
/// Says that a coordinator has been asked about a producer's transaction. It is valid until a marker of the producer or the
/// transaction's first records arrive. The log's writer owns what is in it.
/// </summary>
public sealed class VerificationGuard
{
    private short epoch = -1;
    private int lowestSequence;

    internal VerificationGuard()
    {
    }

    internal long LastAskedMs { get; private set; }

    internal void Ask(short askedEpoch, int sequence, long nowMs)
    {
        LastAskedMs = nowMs;
        if (askedEpoch < epoch)
            return;
        lowestSequence = askedEpoch > epoch ? sequence : Math.Min(lowestSequence, sequence);
        epoch = askedEpoch;
    }

    /// <summary>Whether records with a lower sequence number have come before and are not in the log.</summary>
    internal bool IsAhead(short batchEpoch, int sequence) => batchEpoch == epoch && sequence > lowestSequence;
}
