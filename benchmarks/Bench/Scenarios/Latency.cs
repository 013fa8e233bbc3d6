using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>
/// P11 and P13: a record is sent, appended, fetched by a request that waits for it, and decoded; then the next. First in the ten
/// seconds after the start, then in a broker that has been working.
/// </summary>
internal static class Latency
{
    private static readonly string[] Names = ["p50", "p99", "p99.9"];

    public static void Run(BenchContext context)
    {
        var youngSeconds = context.Quick ? 3.0 : 10;
        var report = context.Report;
        var young = context.Compare(
            () =>
            {
                using var broker = context.StartMilena();
                return Measure(broker, youngSeconds);
            },
            () =>
            {
                using var broker = context.StartFloor();
                return Measure(broker, youngSeconds);
            });
        Tell($"first {youngSeconds} seconds", young);

        using var milena = context.StartMilena();
        using var floor = context.StartFloor();
        var steady = context.Compare(() => Measure(milena, 3), () => Measure(floor, 3));
        Tell("steady", steady);
        report.Figure("p99.9 of the first seconds by the steady one (P13)", [Middle(young.A) / Middle(steady.A)], Goal.AtMost(3));

        void Tell(string when, (List<double[]> A, List<double[]> B, int Disturbed) pairs)
        {
            for (var i = 0; i < Names.Length; i++)
            {
                report.Figure($"{when}, {Names[i]} by the floor's", pairs.Ratios(one => one[i]), Goal.AtMost(4), pairs.Disturbed);
                report.Figure($"  us", [.. pairs.A.Select(one => one[i])]);
                report.Figure($"  us, the floor", [.. pairs.B.Select(one => one[i])]);
            }
        }
    }

    private static double[] Measure(IBroker broker, double seconds)
    {
        var topic = broker.NewTopic(expectedBytes: 64 << 20);
        using var worker = new WorkerProcess("latency", broker.Dialect, broker.Port, topic, 1000, seconds);
        worker.Go();
        return worker.Result()[1..];
    }

    private static double Middle(List<double[]> runs) => runs.Select(run => run[2]).Order().ElementAt(runs.Count / 2);
}
