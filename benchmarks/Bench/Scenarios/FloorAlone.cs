namespace Milena.Bench.Scenarios;

/// <summary>What the machine gives today.</summary>
internal static class FloorAlone
{
    public static void Run(BenchContext context)
    {
        using var floor = context.StartFloor();
        foreach (var (batchBytes, recordBytes, bytes) in new[]
        {
            (16 * 1024, 1000, 300L << 20), (128 * 1024, 1000, 800L << 20), (1 << 20, 1000, 800L << 20), (128 * 1024, 100, 400L << 20),
        })
        {
            Produced.Measure(floor, batchBytes, recordBytes, bytes / 4, out _);
            var runs = Enumerable.Range(0, context.Pairs)
                .Select(run => Produced.Measure(floor, batchBytes, recordBytes, bytes, out var topic))
                .ToList();
            var title = $"floor, batches of {batchBytes / 1024} KB of {recordBytes}-byte records:";
            context.Report.Figure($"{title} MB/s", [.. runs.Select(run => run.MegabytesPerSecond)]);
            context.Report.Figure($"{title} broker CPU us/MB", [.. runs.Select(run => run.BrokerCpuMicrosecondsPerMegabyte)]);
        }
    }
}
