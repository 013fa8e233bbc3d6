using Milena.Metrics;
using Milena.Storage;

namespace Milena.Broker.Metrics;

/// <summary>The disks: how long syncs take, and which directories have failed.</summary>
internal static class LogMetrics
{
    private const string Domain = "kafka.log";

    public static void Register(MetricRegistry registry, LogManager logs)
    {
        var syncs = registry.Timing(Domain, "LogFlushStats", "LogFlushRateAndTimeMs", "calls", "syncs of logs to the disk");
        logs.Synced += syncs.Update;
        registry.Gauge(
            Domain, "LogManager", "OfflineLogDirectoryCount", "log directories that have failed",
            () => logs.LogDirs.Count(dir => dir.IsOffline));
        registry.Gauges(
            Domain, "LogManager", "LogDirectoryOffline", "1 if the directory has failed", ["logDirectory"],
            () => logs.LogDirs.Select(dir => (new[] { new MetricTag("logDirectory", dir.Path) }, dir.IsOffline ? 1.0 : 0)));
        Register(registry, logs, logs.Cleaner);
    }

    private static void Register(MetricRegistry registry, LogManager logs, LogCleaner cleaner)
    {
        const string Cleaner = "LogCleaner";
        const string Manager = "LogCleanerManager";
        registry.Gauge(Domain, Cleaner, "cleaner-recopy-percent", "how much of what the last pass read it kept", () => cleaner.CleanerRecopyPercent);
        registry.Gauge(Domain, Cleaner, "max-clean-time-secs", "how long the last pass took", () => cleaner.MaxCleanTimeSecs);
        registry.Gauge(
            Domain, Cleaner, "max-buffer-utilization-percent", "how much of the memory for keys the last pass used",
            () => cleaner.MaxBufferUtilizationPercent);
        registry.Gauge(
            Domain, Cleaner, "max-compaction-delay-secs", "how long a record has waited beyond max.compaction.lag.ms",
            () => cleaner.MaxCompactionDelaySecs);
        registry.Gauge(Domain, Cleaner, "DeadThreadCount", "threads of the cleaner that have given up", () => cleaner.DeadThreadCount);
        registry.Gauge(Domain, Manager, "max-dirty-percent", "how much of the dirtiest log is not compacted", () => cleaner.MaxDirtyPercent);
        registry.Gauge(Domain, Manager, "time-since-last-run-ms", "since dirty logs were last looked for", () => cleaner.TimeSinceLastRunMs);
        EachDirectory(registry, logs, Manager, "uncleanable-partitions-count", "logs that cannot be compacted", path => cleaner.UncleanablePartitions(path));
        EachDirectory(registry, logs, Manager, "uncleanable-bytes", "what of them would be compacted", cleaner.UncleanableBytes);
    }

    private static void EachDirectory(
        MetricRegistry registry, LogManager logs, string type, string name, string description, Func<string, long> read) =>
        registry.Gauges(
            Domain, type, name, description, ["logDirectory"],
            () => logs.LogDirs.Select(dir => (new[] { new MetricTag("logDirectory", dir.Path) }, (double)read(dir.Path))));
}
