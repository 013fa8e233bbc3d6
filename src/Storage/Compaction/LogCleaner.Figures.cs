namespace Milena.Storage;

/// <content>What operators look at; the names in the texts are those of Kafka's MBeans.</content>
public sealed partial class LogCleaner
{
    private long timeOfLastRunMs;
    private double maxDirtyRatio;
    private long maxOverdueMs;
    private long cleanedBytes;
    private int deadThreads;
    private CompactionResult last;
    private TimeSpan lastElapsed;

    /// <summary><c>LogCleaner/DeadThreadCount</c>: threads that have met something that they could not go on after.</summary>
    public int DeadThreadCount => Volatile.Read(ref deadThreads);

    /// <summary><c>LogCleaner/max-buffer-utilization-percent</c>: how much of the memory for keys the last pass used.</summary>
    public double MaxBufferUtilizationPercent
    {
        get
        {
            lock (gate)
                return last.BufferUtilization * 100;
        }
    }

    /// <summary><c>LogCleaner/cleaner-recopy-percent</c>: how much of what the last pass read it kept.</summary>
    public double CleanerRecopyPercent
    {
        get
        {
            lock (gate)
                return 100.0 * last.WrittenBytes / Math.Max(1, last.ReadBytes);
        }
    }

    /// <summary><c>LogCleaner/max-clean-time-secs</c>: how long the last pass took.</summary>
    public double MaxCleanTimeSecs
    {
        get
        {
            lock (gate)
                return lastElapsed.TotalSeconds;
        }
    }

    /// <summary><c>LogCleaner/max-compaction-delay-secs</c>: how long the oldest record has waited beyond <c>max.compaction.lag.ms</c>.</summary>
    public double MaxCompactionDelaySecs
    {
        get
        {
            lock (gate)
                return maxOverdueMs / 1000.0;
        }
    }

    /// <summary><c>LogCleanerManager/max-dirty-percent</c>: of the dirtiest log, when it was last looked at.</summary>
    public double MaxDirtyPercent
    {
        get
        {
            lock (gate)
                return maxDirtyRatio * 100;
        }
    }

    /// <summary><c>LogCleanerManager/time-since-last-run-ms</c>: since dirty logs were last looked for.</summary>
    public long TimeSinceLastRunMs
    {
        get
        {
            lock (gate)
                return NowMs - timeOfLastRunMs;
        }
    }

    /// <summary>Bytes that all passes have read to be copied. Ours.</summary>
    public long CleanedBytes
    {
        get
        {
            lock (gate)
                return cleanedBytes;
        }
    }

    /// <summary><c>LogCleanerManager/uncleanable-partitions-count</c> of a log directory.</summary>
    public int UncleanablePartitions(string logDir) => UncleanableIn(logDir).Count;

    /// <summary><c>LogCleanerManager/uncleanable-bytes</c> of a log directory: what would be compacted if it could be.</summary>
    public long UncleanableBytes(string logDir) => UncleanableIn(logDir).Sum(log =>
        log.CompactionFacts() is { } facts ? CompactionPlan.Of(facts, NowMs).DirtyBytes : 0);

    private List<PartitionLog> UncleanableIn(string logDir)
    {
        var present = logs().ToHashSet();
        lock (gate)
        {
            uncleanable.IntersectWith(present); // those of deleted topics are nobody's concern
            return [.. uncleanable.Where(log => log.LogDir == logDir)];
        }
    }

    private void Account(CompactionResult result, TimeSpan elapsed)
    {
        lock (gate)
        {
            last = result;
            lastElapsed = elapsed;
            cleanedBytes += result.ReadBytes;
        }
    }
}
