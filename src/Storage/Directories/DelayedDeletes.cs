namespace Milena.Storage;

/// <summary>Files that have left their log and stay on the disk for a while, for those who still read them.</summary>
internal sealed class DelayedDeletes
{
    private readonly Lock gate = new();
    private readonly PriorityQueue<Action, long> due = new();

    /// <summary>Has something removed at a time (Unix ms).</summary>
    public void Schedule(long atMs, Action delete)
    {
        lock (gate)
            due.Enqueue(delete, atMs);
    }

    /// <summary>Removes what is due.</summary>
    public void Run(long nowMs)
    {
        while (true)
        {
            Action? delete;
            lock (gate)
            {
                if (!due.TryPeek(out delete, out var atMs) || atMs > nowMs)
                    return;
                due.Dequeue();
            }

            delete();
        }
    }
}
