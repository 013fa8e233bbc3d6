using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Milena.Bench.Measuring;
using Milena.Bench.Wire;
using Milena.Common;
using Milena.Protocol;
using Milena.Storage;

namespace Milena.Bench.Scenarios;

/// <summary>The log alone, within this process: batches appended, against the same bytes written one after another to a file.</summary>
internal static class AppendPath
{
    public static void Run(BenchContext context)
    {
        Measure(context, "16 KB", 16 * 1024, 200L << 20);
        Measure(context, "1 MB", 1 << 20, 600L << 20);
    }

    private static void Measure(BenchContext context, string size, int batchBytes, long totalBytes)
    {
        var bytes = context.Quick ? totalBytes / 2 : totalBytes;
        var directory = context.NewDirectory("append");
        var batch = Batches.Encode(batchBytes, 1000);
        var round = 0;
        using var manager = Opened(directory);
        var pairs = context.Compare(Append, Write);
        context.Report.Figure(
            $"appending batches of {size} to the log, by plain writes", pairs.Ratios(rate => rate), Goal.AtLeast(0.8), pairs.Disturbed);
        context.Report.Figure("  MB/s", [.. pairs.A]);
        context.Report.Figure("  MB/s, plain writes", [.. pairs.B]);
        Directory.Delete(directory, recursive: true);

        double Append()
        {
            var partition = new TopicPartition($"append-{++round}", 0);
            var config = new LogConfig { FileDeleteDelayMs = 0 };
            var error = manager.Logs.GetOrCreate(partition, new Uuid(1, (ulong)round), config, out var log);
            if (error != ErrorCode.None)
                throw new InvalidOperationException($"creating a log failed: {error}");
            var rate = Rate(() =>
            {
                var result = log!.AppendAsLeader(batch, leaderEpoch: 0, AppendOrigin.Client);
                if (result.Error != ErrorCode.None)
                    throw new InvalidOperationException($"appending failed: {result.Error} {result.ErrorMessage}");
                Protocol.Records.RecordBatchHeader.SetBaseOffset(batch, 0);
            });
            manager.Logs.Delete(partition);
            PageCache.AwaitDeletions(Path.Combine(directory, "data"));
            return rate;
        }

        double Write()
        {
            var path = Path.Combine(directory, "plain");
            using var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
            var position = 0L;
            var rate = Rate(() =>
            {
                RandomAccess.Write(file, batch, position);
                position += batch.Length;
            });
            File.Delete(path);
            return rate;
        }

        double Rate(Action write)
        {
            PageCache.Warm(directory, bytes);
            var started = Stopwatch.GetTimestamp();
            for (var written = 0L; written < bytes; written += batch.Length)
                write();
            return bytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
    }

    private static Manager Opened(string directory)
    {
        var options = new LogManagerOptions { LogDirs = [Path.Combine(directory, "data")], NodeId = 1 };
        var logs = LogManager.Open(options, TimeProvider.System, new Random(1), NullLoggerFactory.Instance);
        logs.LoadLogs(_ => LogConfig.Default); // which also begins the background work: what is deleted goes
        return new(logs);
    }

    private sealed record Manager(LogManager Logs) : IDisposable
    {
        public void Dispose() => Logs.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
