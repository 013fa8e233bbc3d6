using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>P3: a log that lies in the page cache is read from its start, a megabyte at a time.</summary>
internal static class FetchCpu
{
    private const int FetchBytes = 1 << 20;

    public static void Run(BenchContext context)
    {
        var logBytes = context.Quick ? 400L << 20 : 1000L << 20;
        using var milena = context.StartMilena();
        using var floor = context.StartFloor();
        var records = Produced.Measure(milena, 128 * 1024, 1000, logBytes, out var milenaTopic).Records;
        Produced.Measure(floor, 128 * 1024, 1000, logBytes, out var floorTopic);
        var pairs = context.Compare(() => Fetch(milena, milenaTopic), () => Fetch(floor, floorTopic));
        var report = context.Report;
        report.Figure(
            "broker CPU per MB fetched, by the floor's", pairs.Ratios(one => one.CpuPerMegabyte), Goal.AtMost(1.5), pairs.Disturbed);
        report.Figure("  us/MB", [.. pairs.A.Select(one => one.CpuPerMegabyte)]);
        report.Figure("  us/MB, the floor", [.. pairs.B.Select(one => one.CpuPerMegabyte)]);
        report.Figure("  MB/s by the floor's", pairs.Ratios(one => one.Rate));
        report.Figure("  MB/s", [.. pairs.A.Select(one => one.Rate)]);

        (double CpuPerMegabyte, double Rate) Fetch(IBroker broker, string topic)
        {
            using var worker = new WorkerProcess("fetch", broker.Dialect, broker.Port, topic, FetchBytes, records);
            var before = broker.CpuSeconds;
            worker.Go();
            var result = worker.Result();
            var megabytes = result[2] / 1e6;
            return ((broker.CpuSeconds - before) * 1e6 / megabytes, megabytes / result[0]);
        }
    }
}
