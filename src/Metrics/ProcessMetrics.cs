using System.Globalization;

namespace Milena.Metrics;

/// <summary>
/// What a process shows of itself: the nearest that .NET has to the beans of a Java machine, for the dashboards that everybody has. What
/// Linux knows is read from its files; other systems show what the runtime knows.
/// </summary>
public static class ProcessMetrics
{
    /// <summary>The domain of their beans.</summary>
    public const string Domain = "java.lang";

    private const double NanosecondsPerTick = 100;

    /// <summary>Adds them.</summary>
    public static void Register(MetricRegistry registry)
    {
        var startedAt = registry.Time.GetUtcNow();
        Memory(registry);
        Add(registry, "GarbageCollector", "CollectionCount", "collections of garbage", () => GC.CollectionCount(0), "jvm_gc_collection_seconds_count", Gc);
        Add(
            registry, "GarbageCollector", "CollectionTime", "ms in which collections held up everything",
            () => GC.GetTotalPauseDuration().TotalMilliseconds, "jvm_gc_collection_seconds_sum", Gc, scale: 0.001);
        Add(registry, "Threading", "ThreadCount", "threads", ThreadCount, "jvm_threads_current");
        Add(
            registry, "OperatingSystem", "ProcessCpuTime", "ns of processor time used",
            () => Environment.CpuUsage.TotalTime.Ticks * NanosecondsPerTick, "process_cpu_seconds_total", scale: 1e-9);
        Add(registry, "OperatingSystem", "OpenFileDescriptorCount", "open files and sockets", () => CountIn("/proc/self/fd"), "process_open_fds");
        Add(registry, "OperatingSystem", "MaxFileDescriptorCount", "how many of those there may be", FilesMax, "process_max_fds");
        Add(registry, "OperatingSystem", "ResidentMemorySize", "bytes of memory in use", () => Environment.WorkingSet, "process_resident_memory_bytes");
        Add(registry, "OperatingSystem", "AvailableProcessors", "processors", () => Environment.ProcessorCount);
        Add(registry, "OperatingSystem", "SystemLoadAverage", "the machine's load over the last minute", () => Number("/proc/loadavg", "", 0));
        Add(
            registry, "OperatingSystem", "FreePhysicalMemorySize", "bytes of memory that nobody uses",
            () => Number("/proc/meminfo", "MemFree:", 1) * 1024);
        Add(
            registry, "Runtime", "StartTime", "when the process was started, ms since 1970",
            () => startedAt.ToUnixTimeMilliseconds(), "process_start_time_seconds", scale: 0.001);
        Add(registry, "Runtime", "Uptime", "ms since then", () => (registry.Time.GetUtcNow() - startedAt).TotalMilliseconds);
    }

    /// <summary>Bytes that the process has had read from or written to disks: a line of <c>/proc/self/io</c>, 0 where there is none.</summary>
    public static double DiskBytes(string line) => Number("/proc/self/io", line, 1);

    private static readonly MetricTag Gc = new("name", "dotnet");

    private static void Memory(MetricRegistry registry)
    {
        var heap = new MetricTag("area", "heap");
        var rest = new MetricTag("area", "nonheap");
        Add(registry, "Memory", "HeapMemoryUsage.used", "bytes of objects", () => GC.GetTotalMemory(false), "jvm_memory_used_bytes", label: heap);
        Add(
            registry, "Memory", "HeapMemoryUsage.committed", "bytes that the collector has taken",
            () => GC.GetGCMemoryInfo().TotalCommittedBytes, "jvm_memory_committed_bytes", label: heap);
        Add(
            registry, "Memory", "HeapMemoryUsage.max", "bytes that it may take",
            () => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, "jvm_memory_max_bytes", label: heap);
        Add(
            registry, "Memory", "NonHeapMemoryUsage.used", "bytes of the process beside those of the collector",
            () => Math.Max(0, Environment.WorkingSet - GC.GetGCMemoryInfo().TotalCommittedBytes), "jvm_memory_used_bytes", label: rest);
    }

    private static void Add(
        MetricRegistry registry, string type, string name, string description, Func<double> read,
        string? prometheusName = null, MetricTag? tag = null, double scale = 1, MetricTag? label = null)
    {
        MetricTag[] tags = tag is { } one ? [one] : [];
        registry.Add(new(Domain, type, name, MetricKind.Gauge, description, (family, visitor) => visitor.OnGauge(family, tags, read()))
        {
            IsAttribute = true,
            PrometheusName = prometheusName,
            PrometheusScale = scale,
            PrometheusLabel = label ?? (tag is { } given ? new("gc", given.Value) : null),
        });
    }

    private static double ThreadCount() => OperatingSystem.IsLinux() ? CountIn("/proc/self/task") : ThreadPool.ThreadCount;

    private static double FilesMax() => Number("/proc/self/limits", "Max open files", 3);

    private static double CountIn(string directory) =>
        OperatingSystem.IsLinux() ? Directory.EnumerateFileSystemEntries(directory).Count() : double.NaN;

    // A word of the first line that begins so.
    private static double Number(string file, string line, int word)
    {
        if (!OperatingSystem.IsLinux())
            return double.NaN;
        try
        {
            var words = File.ReadLines(file).FirstOrDefault(text => text.StartsWith(line, StringComparison.Ordinal))?
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words?.Length > word && double.TryParse(words[word], CultureInfo.InvariantCulture, out var number) ? number : double.NaN;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return double.NaN; // a container need not show everything
        }
    }
}
