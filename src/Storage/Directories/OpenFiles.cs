using System.Collections.Concurrent;

namespace Milena.Storage;

/// <summary>
/// Keeps the number of open files bounded, however many partitions are in use: when there are too many, one that has not been used for a
/// while is closed (it opens again by itself). A node needs its handles for connections as well.
/// </summary>
internal sealed class OpenFiles(int max)
{
    private const int TriesMax = 32;

    // Each file once, in the order in which they were opened; some have been closed since.
    private readonly ConcurrentQueue<LazyFile> opened = new();
    private int count;

    /// <summary>A file has been opened.</summary>
    public void Add(LazyFile file)
    {
        Enqueue(file);
        if (Interlocked.Increment(ref count) > max)
            CloseOne();
        if (opened.Count > 2 * max)
            ForgetClosed();
    }

    /// <summary>A file has been closed.</summary>
    public void Remove() => Interlocked.Decrement(ref count);

    // Each that was used since it was last looked at gets another chance; if all were, the last one goes all the same.
    private void CloseOne()
    {
        for (var tries = 1; TryDequeue(out var file); tries++)
        {
            if (file.CloseIfIdle(evenIfUsed: tries == TriesMax))
                return;
            if (file.IsOpen)
                Enqueue(file);
        }
    }

    private void ForgetClosed()
    {
        for (var left = opened.Count; left > 0 && TryDequeue(out var file); left--)
        {
            if (file.IsOpen)
                Enqueue(file);
        }
    }

    private void Enqueue(LazyFile file)
    {
        if (file.TryMarkQueued())
            opened.Enqueue(file);
    }

    private bool TryDequeue(out LazyFile file)
    {
        if (!opened.TryDequeue(out file!))
            return false;
        file.UnmarkQueued();
        return true;
    }
}
