namespace Milena.Replication;

/// <summary>
/// Appends that the fetches which wait for them have not been told of yet. A producer that has several large batches on their way is
/// read in pieces as large as the consumer takes, instead of waking it for each batch; a small batch, whose consumer waits for it and
/// for nothing else, is told of at once.
/// </summary>
public sealed class SavedSignals
{
    /// <summary>From which size on a batch is saved up.</summary>
    private const int LargeBytes = 16 * 1024;

    private const int PartitionsMax = 64;

    private readonly Lock gate = new();
    private readonly List<(Partition Partition, int Bytes, long EndOffset)> saved = [];
    private volatile bool hasAny;

    /// <summary>Tells the fetches. Whoever saves calls it before he waits for anything.</summary>
    public void Send()
    {
        if (!hasAny)
            return;
        lock (gate)
        {
            foreach (var (partition, bytes, endOffset) in saved)
                partition.Signal(bytes, endOffset);
            saved.Clear();
            hasAny = false;
        }
    }

    /// <summary>False if they must be told at once.</summary>
    internal bool TrySave(Partition partition, int bytes, long endOffset)
    {
        if (bytes < LargeBytes)
            return false;
        lock (gate)
        {
            if (saved is [.., var last] && last.Partition == partition)
                saved[^1] = (partition, last.Bytes + bytes, endOffset);
            else if (saved.Count < PartitionsMax)
                saved.Add((partition, bytes, endOffset));
            else
                return false;
            return hasAny = true;
        }
    }
}
