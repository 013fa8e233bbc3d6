using Microsoft.Extensions.Logging;

namespace Milena.Storage;

/// <summary>
/// Compacts the logs of a node: always the one that needs it most, on threads of its own, until none needs it; then it rests. A log that
/// cannot be compacted is left alone from then on, and keeps nobody else waiting.
/// </summary>
public sealed partial class LogCleaner
{
    private readonly Func<IEnumerable<PartitionLog>> logs;
    private readonly Action<LogDirectory> writeCheckpoint;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly HashSet<PartitionLog> inProgress = [];
    private readonly HashSet<PartitionLog> uncleanable = [];
    private readonly IoThrottle throttle = new();
    private CleanerOptions options;

    internal LogCleaner(
        CleanerOptions options, Func<IEnumerable<PartitionLog>> logs, Action<LogDirectory> writeCheckpoint, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.logs = logs;
        this.writeCheckpoint = writeCheckpoint;
        this.time = time;
        this.logger = logger;
        timeOfLastRunMs = NowMs;
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Compacts the log that needs it most, on the caller's thread; false if none does.</summary>
    internal bool CleanOne(CompactionPass pass)
    {
        if (Choose(out var plan) is not { } log)
            return false;
        try
        {
            var started = time.GetTimestamp();
            var result = pass.Run(log, plan, NowMs);
            var elapsed = time.GetElapsedTime(started);
            Account(result, elapsed);
            if (result.Outcome == CompactionOutcome.Done)
                Log.Compacted(logger, log.Partition, result.EndOffset, (long)elapsed.TotalMilliseconds, result.WrittenBytes, result.ReadBytes);
            if (result.Outcome == CompactionOutcome.Damaged)
                Abandon(log, null, result.Damage!);
        }
        catch (Exception e) // the edge of a loop: whatever it is, it is about this log, and must not keep the others from their turn
        {
            Abandon(log, e, e.Message);
        }
        finally
        {
            lock (gate)
                inProgress.Remove(log);
        }

        writeCheckpoint(log.Directory);
        return true;
    }

    /// <summary>A pass, with its share of the memory that all threads have together.</summary>
    internal CompactionPass NewPass(CleanerOptions current, CancellationToken stop)
    {
        var share = Math.Max(1, current.Threads);
        var map = new OffsetMap(current.DedupeBufferBytes / share, current.DedupeLoadFactor, KeyHash.Secret());
        var windowBytes = Math.Clamp(current.IoBufferBytes / share / 2, WindowBytesMin, BatchScanner.LargeWindow);
        return new(map, windowBytes, bytes => Throttle(bytes, stop));
    }

    private PartitionLog? Choose(out CompactionPlan chosen)
    {
        chosen = default;
        PartitionLog? log = null;
        var (dirtiest, overdueMs, now) = (0.0, 0L, NowMs);
        lock (gate)
        {
            timeOfLastRunMs = now;
            foreach (var candidate in logs())
            {
                if (!candidate.Config.CleanupPolicy.HasFlag(CleanupPolicy.Compact) || inProgress.Contains(candidate) || uncleanable.Contains(candidate)
                    || candidate.CompactionFacts() is not { } facts)
                    continue;
                var plan = CompactionPlan.Of(facts, now);
                dirtiest = Math.Max(dirtiest, plan.DirtyRatio);
                overdueMs = Math.Max(overdueMs, plan.OverdueMs);
                if (plan.DirtyBytes == 0 || !plan.IsDue(facts.Config) || (log is not null && !plan.ComesBefore(chosen)))
                    continue;
                (log, chosen) = (candidate, plan);
            }

            maxDirtyRatio = dirtiest;
            maxOverdueMs = overdueMs;
            if (log is not null)
                inProgress.Add(log);
        }

        if (log is not null && chosen.IsReset)
            Log.CleanedToReset(logger, log.Partition, log.CleanedTo);
        return log;
    }

    private void Abandon(PartitionLog log, Exception? cause, string reason)
    {
        Log.Uncleanable(logger, cause, log.Partition, reason);
        lock (gate)
            uncleanable.Add(log);
    }

    private void Throttle(long bytes, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var waitMs = throttle.WaitMs(bytes, Options.IoMaxBytesPerSecond, NowMs);
        if (waitMs >= 1)
            Rest((long)Math.Min(waitMs, MaxRestMs), stop);
        stop.ThrowIfCancellationRequested();
    }
}
