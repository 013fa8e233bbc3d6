using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// Follows the transactions while the batches of a log are walked through in order, and says which of them came to nothing. A marker is
/// needed as long as there is any data of its transaction.
/// </summary>
internal sealed class CleanedTransactions
{
    private readonly PriorityQueue<AbortedTransaction, long> ahead = new(); // by first offset
    private readonly Dictionary<long, Aborted> aborted = []; // by producer, those that have begun
    private readonly HashSet<long> withCommittedData = [];

    /// <summary>Told of each aborted transaction of which something is left, when its marker is passed.</summary>
    public Action<AbortedTransaction>? Remains { get; set; }

    /// <summary>Adds what the transaction indexes know. One that is added again changes nothing.</summary>
    public void Add(IEnumerable<AbortedTransaction> transactions)
    {
        foreach (var transaction in transactions)
            ahead.Enqueue(transaction, transaction.FirstOffset);
    }

    /// <summary>Passes a batch of data; true if it belongs to a transaction that was aborted.</summary>
    public bool OnBatch(in RecordBatchView batch)
    {
        BeginUpTo(batch.LastOffset);
        if (!batch.IsTransactional)
            return false;
        if (aborted.TryGetValue(batch.ProducerId, out var transaction))
        {
            transaction.HasData = true;
            return true;
        }

        withCommittedData.Add(batch.ProducerId);
        return false;
    }

    /// <summary>Passes a control batch, which must be whole; true if it is not needed any more.</summary>
    public bool OnMarker(in RecordBatchView batch)
    {
        BeginUpTo(batch.LastOffset);
        if (batch.RecordCount == 0)
            return true; // the marker has gone already, and left the batch for its producer's sake
        if (!ControlRecordBatch.TryReadMarker(batch, out var commit, out _))
            return false;
        if (commit)
            return !withCommittedData.Remove(batch.ProducerId);
        if (!aborted.Remove(batch.ProducerId, out var transaction) || !transaction.HasData)
            return true;
        Remains?.Invoke(transaction.Transaction);
        return false;
    }

    private void BeginUpTo(long offset)
    {
        while (ahead.TryPeek(out var transaction, out var firstOffset) && firstOffset <= offset)
        {
            ahead.Dequeue();
            aborted.TryAdd(transaction.ProducerId, new(transaction));
        }
    }

    private sealed class Aborted(AbortedTransaction transaction)
    {
        public AbortedTransaction Transaction => transaction;

        public bool HasData { get; set; }
    }
}
