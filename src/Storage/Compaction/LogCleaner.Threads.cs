namespace Milena.Storage;

/// <content>The threads.</content>
public sealed partial class LogCleaner
{
    private const int WindowBytesMin = 4 * 1024;
    private const long MaxRestMs = 60_000; // then the limit is looked at again, which may have been changed

    private readonly List<Thread> threads = [];
    private readonly CancellationTokenSource stopping = new();
    private CancellationTokenSource changed = new();
    private bool isStarted;

    /// <summary>How it works. May be changed at any time; a pass that is under way ends as it began.</summary>
    public CleanerOptions Options
    {
        get => Volatile.Read(ref options);
        set
        {
            lock (gate)
            {
                if (value == options)
                    return;
                Volatile.Write(ref options, value);
                changed.Cancel(); // nobody rests any longer than the new options say
                changed = new();
                StartMissing();
            }
        }
    }

    /// <summary>Begins to work, in threads of its own.</summary>
    internal void Start()
    {
        lock (gate)
        {
            isStarted = true;
            StartMissing();
        }
    }

    /// <summary>Ends what is under way, and returns when no thread is left.</summary>
    internal void Stop()
    {
        Thread[] all;
        lock (gate)
        {
            isStarted = false;
            all = [.. threads];
            stopping.Cancel();
        }

        foreach (var thread in all)
            thread.Join();
    }

    private void StartMissing()
    {
        threads.RemoveAll(thread => !thread.IsAlive);
        for (var i = threads.Count; isStarted && i < options.Threads; i++)
        {
            var index = i;
            var thread = new Thread(() => Run(index)) { IsBackground = true, Name = $"log cleaner {index}" };
            threads.Add(thread);
            thread.Start();
        }
    }

    private void Run(int index)
    {
        try
        {
            LowPriority.Take();
            while (!stopping.IsCancellationRequested && WorkWithOptions(index))
            {
                // options have changed
            }
        }
        catch (Exception e) // the edge of a loop: a log's troubles end in CleanOne, so this is trouble with the thread itself
        {
            Interlocked.Increment(ref deadThreads);
            Log.CleanerDied(logger, e);
        }
    }

    // Returns whether the thread is still wanted.
    private bool WorkWithOptions(int index)
    {
        CleanerOptions current;
        CancellationToken rest;
        lock (gate)
        {
            current = options;
            rest = changed.Token;
            if (index >= current.Threads)
            {
                threads.Remove(Thread.CurrentThread);
                return false;
            }
        }

        using var pass = NewPass(current, stopping.Token);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, rest);
        while (Rest(current.BackoffMs, either.Token))
        {
            while (!either.IsCancellationRequested && CleanOne(pass))
            {
                // until nothing is dirty enough
            }
        }

        return true;
    }

    // Returns false if it was cut short.
    private bool Rest(long milliseconds, CancellationToken until)
    {
        try
        {
            Task.Delay(TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)), time, until).GetAwaiter().GetResult();
            return !until.IsCancellationRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
