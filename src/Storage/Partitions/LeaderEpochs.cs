namespace Milena.Storage;

/// <summary>An epoch and the offset behind its last record; -1 both if that is not known.</summary>
public readonly record struct EpochEnd(int Epoch, long EndOffset)
{
    /// <summary>Not known.</summary>
    public static EpochEnd Unknown => new(-1, -1);
}

/// <summary>
/// The epochs of a log's leaders and where each began; answers OffsetForLeaderEpoch. Both numbers rise from entry to entry. It may be
/// asked from any thread. Its file is written when the log is synced, before the recovery point passes what it says: what a crash
/// takes from the file, recovery finds again in the batches.
/// </summary>
public sealed class LeaderEpochs
{
    private readonly Lock gate = new();
    private readonly Func<long> logEndOffset;
    private EpochStart[] epochs;
    private EpochStart[] inFile;

    /// <param name="epochs">What is known.</param>
    /// <param name="logEndOffset">Where the log ends.</param>
    /// <param name="inFile">What the file says; null for the same.</param>
    internal LeaderEpochs(IReadOnlyCollection<EpochStart> epochs, Func<long> logEndOffset, EpochStart[]? inFile = null)
    {
        this.logEndOffset = logEndOffset;
        this.epochs = [];
        foreach (var epoch in epochs)
            AssignLocked(epoch.Epoch, epoch.StartOffset);
        this.inFile = inFile ?? [.. epochs];
    }

    /// <summary>The latest epoch; -1 if there is none.</summary>
    public int Latest => Volatile.Read(ref epochs) is [.., var last] ? last.Epoch : -1;

    /// <summary>All epochs, by number.</summary>
    public IReadOnlyList<EpochStart> All => Volatile.Read(ref epochs);

    /// <summary>Whether there is something that the file must say and does not.</summary>
    internal bool IsDirty
    {
        get
        {
            lock (gate)
                return !WithRecords().SequenceEqual(inFile);
        }
    }

    /// <summary>
    /// A leader begins at an offset; called when leadership arrives, so that its epoch is known before its first record. What
    /// contradicts it is forgotten; an epoch that is not larger than the latest changes nothing.
    /// </summary>
    public void Assign(int epoch, long startOffset)
    {
        if (epoch <= Latest)
            return; // the usual case: a batch of the epoch that is known
        lock (gate)
            AssignLocked(epoch, startOffset);
    }

    /// <summary>
    /// The largest known epoch that is at most the given one, and the offset behind its last record; unknown for an epoch from the
    /// future (KIP-320). An epoch before all known ones ends where the first of them begins.
    /// </summary>
    public EpochEnd EndOf(int epoch)
    {
        var known = Volatile.Read(ref epochs);
        if (known.Length == 0 || epoch < 0 || epoch > known[^1].Epoch)
            return EpochEnd.Unknown;
        if (epoch == known[^1].Epoch)
            return new(epoch, logEndOffset());
        var next = FirstAbove(known, epoch);
        return new(next == 0 ? epoch : known[next - 1].Epoch, known[next].StartOffset);
    }

    /// <summary>The epoch of the leader that appended an offset; -1 if that is not known.</summary>
    public int EpochAt(long offset)
    {
        var known = Volatile.Read(ref epochs);
        for (var i = known.Length - 1; i >= 0; i--)
        {
            if (known[i].StartOffset <= offset)
                return known[i].Epoch;
        }

        return -1;
    }

    /// <summary>The log was cut: epochs that began at the offset or behind it never were.</summary>
    internal void TruncateFromEnd(long endOffset)
    {
        lock (gate)
        {
            if (epochs is [.., var last] && last.StartOffset >= endOffset)
                Set([.. epochs.TakeWhile(epoch => epoch.StartOffset < endOffset)]);
        }
    }

    /// <summary>The log's start has moved: of the epochs before it, the one that it lies in begins there.</summary>
    internal void TruncateFromStart(long startOffset)
    {
        lock (gate)
        {
            var before = epochs.Count(epoch => epoch.StartOffset <= startOffset);
            if (before > 0 && (before > 1 || epochs[0].StartOffset < startOffset))
                Set([new(epochs[before - 1].Epoch, startOffset), .. epochs.Skip(before)]);
        }
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        lock (gate)
            Set([]);
    }

    /// <summary>The log's file is another from now on, and says this.</summary>
    internal void FileSays(IReadOnlyList<EpochStart> written)
    {
        lock (gate)
            inFile = [.. written];
    }

    /// <summary>What the file must say, if it does not say it yet; it is taken as written.</summary>
    internal EpochStart[]? TakeDirty()
    {
        lock (gate)
        {
            var known = WithRecords();
            if (known.SequenceEqual(inFile))
                return null;
            return inFile = known.ToArray();
        }
    }

    // An epoch without a record is forgotten by whoever opens the log, so it is not worth a write: a node that starts and stops leads
    // every partition for an epoch, and writes to a few.
    private ReadOnlySpan<EpochStart> WithRecords()
    {
        var count = epochs.Length;
        while (count > 0 && epochs[count - 1].StartOffset >= logEndOffset())
            count--;
        return epochs.AsSpan(0, count);
    }

    private static int FirstAbove(EpochStart[] known, int epoch)
    {
        var index = 0;
        while (known[index].Epoch <= epoch)
            index++;
        return index;
    }

    private void AssignLocked(int epoch, long startOffset)
    {
        if (epochs is [.., var last] && epoch <= last.Epoch)
            return;
        // An epoch that begins before a known one ends it there, and with it those that begin later.
        Set([.. epochs.TakeWhile(known => known.StartOffset < startOffset), new(epoch, startOffset)]);
    }

    private void Set(EpochStart[] changed) => Volatile.Write(ref epochs, changed);
}
