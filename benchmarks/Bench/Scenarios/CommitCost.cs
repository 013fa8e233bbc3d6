using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>What it costs to acknowledge only what a power cut cannot take: <c>log.flush.before.ack</c> auto beside never.</summary>
internal static class CommitCost
{
    public static void Run(BenchContext context)
    {
        using var never = Start(context, "never");
        using var auto = Start(context, "auto");
        var seconds = context.Quick ? 1.0 : 2.5;
        Measure("64 connections with a batch of 1 KB each", 1100, 64, 1, Goal.AtLeast(0.5));
        Measure("one connection with batches of 1 MB, five in flight", 1 << 20, 1, 5, Goal.AtLeast(0.7));

        void Measure(string title, int batchBytes, int connections, int inFlight, Goal goal)
        {
            var pairs = context.Compare(() => Rate(auto), () => Rate(never));
            context.Report.Figure($"{title}: synced by unsynced", pairs.Ratios(rate => rate), goal, pairs.Disturbed);
            context.Report.Figure("  batches a second, synced", [.. pairs.A]);
            context.Report.Figure("  batches a second, unsynced", [.. pairs.B]);
            var syncs = Enumerable.Range(0, 3).Select(_ => SyncsPerSecond(context, batchBytes)).ToList();
            context.Report.Figure("  plain writes of that size with a sync each, a second", syncs);

            double Rate(MilenaProcess broker)
            {
                var topic = broker.NewTopic(expectedBytes: 1L << 30);
                using var worker = new WorkerProcess("commit", broker.Port, topic, batchBytes, connections, inFlight, seconds);
                worker.Go();
                var result = worker.Result();
                return result[1] / result[0];
            }
        }
    }

    private static MilenaProcess Start(BenchContext context, string policy)
    {
        var broker = new MilenaProcess(context.Milena, context.NewDirectory("milena-" + policy), "log.flush.before.ack=" + policy);
        broker.WaitUntilAccepting();
        return broker;
    }

    /// <summary>How often a plain program can append so many bytes and wait until they are on the disk.</summary>
    public static double SyncsPerSecond(BenchContext context, int batchBytes)
    {
        var path = Path.Combine(context.NewDirectory("sync"), "plain");
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        var batch = new byte[batchBytes];
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        var count = 0;
        for (; System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds < 0.5; count++)
        {
            RandomAccess.Write(file, batch, (long)count * batchBytes);
            RandomAccess.FlushToDisk(file);
        }

        return count / System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
