namespace Milena.Storage;

/// <summary>
/// The few threads of a log directory that wait for the disk. They are not the thread pool's: that has two on a machine with two
/// cores, and with both inside a sync no request would be read. Started when there is work for them.
/// </summary>
internal sealed class SyncThreads(string name)
{
    // Syncs of several files share the file system's journal, so a few at once are quicker than one after the other.
    private const int ThreadsMax = 4;
    private const int StackBytes = 256 * 1024;

    private readonly Lock gate = new();
    private readonly Queue<GroupCommit> waiting = new();
    private readonly SemaphoreSlim work = new(0);
    private readonly List<Thread> threads = [];
    private int idle;
    private bool isStopped;

    /// <summary>Has <see cref="GroupCommit.RunRound"/> called on one of the threads.</summary>
    public void Enqueue(GroupCommit commit)
    {
        lock (gate)
        {
            waiting.Enqueue(commit);
            if (idle < waiting.Count && threads.Count < ThreadsMax)
            {
                var thread = new Thread(Run, StackBytes) { IsBackground = true, Name = $"sync {name}" };
                threads.Add(thread);
                thread.Start();
            }
        }

        work.Release();
    }

    /// <summary>Ends the threads, once what waits is done.</summary>
    public void Stop()
    {
        lock (gate)
            isStopped = true;
        work.Release(ThreadsMax);
        foreach (var thread in threads)
            thread.Join();
    }

    private void Run()
    {
        while (TryTake(out var commit))
            commit.RunRound();
    }

    private bool TryTake(out GroupCommit commit)
    {
        while (true)
        {
            lock (gate)
            {
                if (waiting.TryDequeue(out commit!))
                    return true;
                if (isStopped)
                    return false;

                idle++;
            }

            work.Wait();
            lock (gate)
                idle--;
        }
    }
}
