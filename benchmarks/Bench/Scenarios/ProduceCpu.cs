using Milena.Bench.Measuring;

namespace Milena.Bench.Scenarios;

/// <summary>P1 and P2: one connection, eight requests in flight, records of 1,000 bytes, acks=1.</summary>
internal static class ProduceCpu
{
    public static void Run(BenchContext context)
    {
        using var milena = context.StartMilena();
        using var floor = context.StartFloor();
        Measure("128 KB", 128 * 1024, totalBytes: 800L << 20, Goal.AtMost(1.6));
        Measure("16 KB", 16 * 1024, totalBytes: 300L << 20, Goal.AtMost(1.8));

        void Measure(string size, int batchBytes, long totalBytes, Goal goal)
        {
            var bytes = context.Quick ? totalBytes / 2 : totalBytes;
            var pairs = context.Compare(
                () => Produced.Measure(milena, batchBytes, 1000, bytes, out _),
                () => Produced.Measure(floor, batchBytes, 1000, bytes, out _));
            var report = context.Report;
            report.Figure(
                $"broker CPU per MB produced in batches of {size}, by the floor's",
                pairs.Ratios(one => one.BrokerCpuMicrosecondsPerMegabyte), goal, pairs.Disturbed);
            report.Figure("  us/MB", [.. pairs.A.Select(one => one.BrokerCpuMicrosecondsPerMegabyte)]);
            report.Figure("  us/MB, the floor", [.. pairs.B.Select(one => one.BrokerCpuMicrosecondsPerMegabyte)]);
            report.Figure("  MB/s by the floor's", pairs.Ratios(one => one.MegabytesPerSecond));
            report.Figure("  MB/s", [.. pairs.A.Select(one => one.MegabytesPerSecond)]);
        }
    }
}
