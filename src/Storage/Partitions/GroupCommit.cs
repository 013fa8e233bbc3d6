using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <summary>
/// Syncs one log, one sync at a time: whoever asks while one runs that does not cover him shares the next with all others who do.
/// </summary>
/// <param name="log">What is synced.</param>
/// <param name="threads">Where the syncs run.</param>
internal sealed class GroupCommit(ISyncedLog log, SyncThreads threads)
{
    private readonly Lock gate = new();
    private SyncThreads threads = threads;
    private long flushedTo;
    private long ceiling = long.MaxValue;
    private Round? running;
    private Round? next;

    /// <summary>Everything below survives a power cut.</summary>
    public long FlushedTo => Volatile.Read(ref flushedTo);

    /// <summary>Returns when everything below the offset survives a power cut, or cannot be made to.</summary>
    public ValueTask<ErrorCode> FlushAsync(long upToOffset)
    {
        if (upToOffset <= FlushedTo)
            return new(ErrorCode.None);
        lock (gate)
        {
            if (upToOffset <= flushedTo)
                return new(ErrorCode.None);
            return running is not null && upToOffset <= running.Target ? new(running.Task) : new(Next().Task);
        }
    }

    /// <summary>Starts a sync for which nobody waits. One that fails takes the log's directory offline.</summary>
    public void Start()
    {
        lock (gate)
            Next();
    }

    /// <summary>Completes when no sync is under way or asked for.</summary>
    public Task Idle
    {
        get
        {
            lock (gate)
                return (next ?? running)?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>Sets what is known to be on the disk, after a start or when the log begins anew.</summary>
    public void Reset(long recoveryPoint)
    {
        lock (gate)
            Volatile.Write(ref flushedTo, recoveryPoint);
    }

    /// <summary>The log lies in another directory from now on, where everything below an offset survives a power cut.</summary>
    public void MoveTo(SyncThreads other, long recoveryPoint)
    {
        lock (gate)
        {
            threads = other;
            Volatile.Write(ref flushedTo, recoveryPoint);
        }
    }

    /// <summary>
    /// The log is about to be cut at an offset, or to begin anew there: from now on nothing behind it counts as synced. A round that
    /// is under way is done again, as it may meet files that go, and none that come instead.
    /// </summary>
    public void BeginTruncation(long offset)
    {
        lock (gate)
        {
            ceiling = offset;
            Volatile.Write(ref flushedTo, Math.Min(flushedTo, offset));
            if (running is not null)
                running.IsStale = true;
        }
    }

    /// <summary>The log has been cut.</summary>
    public void EndTruncation()
    {
        lock (gate)
        {
            ceiling = long.MaxValue;
            if (running is not null)
                running.IsStale = true;
        }
    }

    /// <summary>One sync and its answers. Called on a thread that may wait for the disk.</summary>
    public void RunRound()
    {
        Round round;
        lock (gate)
        {
            Invariant.Holds(running is null);
            round = running = next ?? throw new InvariantViolation("a round without anybody who asked for it");
            next = null;
        }

        var error = Sync(round);
        lock (gate)
        {
            running = null;
            if (next is not null)
                threads.Enqueue(this);
        }

        round.Complete(error);
    }

    private Round Next()
    {
        if (next is null)
        {
            next = new();
            if (running is null)
                threads.Enqueue(this);
        }

        return next;
    }

    private ErrorCode Sync(Round round)
    {
        while (true)
        {
            lock (gate)
            {
                round.IsStale = false;
                round.Target = Math.Min(log.LogEndOffset, ceiling);
            }

            if (!log.TrySync(FlushedTo, round.Target))
                return log.Refusal;
            lock (gate)
            {
                if (round.IsStale)
                    continue;
                Volatile.Write(ref flushedTo, Math.Max(flushedTo, round.Target));
                return ErrorCode.None;
            }
        }
    }

    private sealed class Round
    {
        // Those who wait answer clients; they must not do it on the thread that owes the next sync.
        private readonly TaskCompletionSource<ErrorCode> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Target { get; set; } = -1;

        public bool IsStale { get; set; }

        public Task<ErrorCode> Task => completion.Task;

        public void Complete(ErrorCode error) => completion.SetResult(error);
    }
}

/// <summary>What a <see cref="GroupCommit"/> syncs.</summary>
internal interface ISyncedLog
{
    /// <summary>What those who wait are told where <see cref="TrySync"/> fails.</summary>
    ErrorCode Refusal { get; }

    /// <summary>The offset that is written next.</summary>
    long LogEndOffset { get; }

    /// <summary>Makes everything in [from, to) survive a power cut; false if the disk refuses, which it has been told by then.</summary>
    bool TrySync(long from, long to);
}
