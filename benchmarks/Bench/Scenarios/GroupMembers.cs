using Milena.Bench.Measuring;
using Milena.Bench.Processes;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Scenarios;

/// <summary>
/// What groups cost when nothing happens: 1,000 groups with 5,000 members in all, each on a connection of its own, that send a
/// heartbeat every three seconds. And 10,000 commits a second.
/// </summary>
internal static class GroupMembers
{
    private const int Groups = 1_000;
    private const int MembersOfEach = 5;
    private const int IntervalMs = 3_000;
    private const int CommitsPerSecond = 10_000;

    public static void Run(BenchContext context)
    {
        var seconds = context.Quick ? 6.0 : 12.0;
        using (var broker = context.StartMilena())
        {
            PrepareGroups(broker, partitions: 10);
            foreach (var kind in new[] { "classic", "consumer" })
            {
                using var worker = new WorkerProcess("members", kind, broker.Port, "t", Groups, MembersOfEach, IntervalMs, seconds);
                var run = Percent(broker, worker, out _);
                context.Report.Figure(
                    $"{Groups * MembersOfEach:N0} {kind} members in {Groups:N0} groups, a heartbeat each 3 s: broker CPU, % of a core",
                    [run.Cpu], Goal.AtMost(10));
                context.Report.Figure("  heartbeats a second", [run.PerSecond]);
                context.Report.Figure("  resident MB", [ProcessMeter.ResidentBytes(broker.ProcessId) / 1e6]);
            }
        }

        using (var broker = context.StartMilena())
        {
            PrepareGroups(broker, partitions: 1);
            using var worker = new WorkerProcess("offsets", broker.Port, "t", 200, CommitsPerSecond, seconds);
            var run = Percent(broker, worker, out var result);
            context.Report.Figure("commits a second, of 10,000 tried", [run.PerSecond], Goal.AtLeast(9_800));
            context.Report.Figure("  broker CPU, % of a core", [run.Cpu]);
            context.Report.Figure("  ms to the answer, p50", [result[2]]);
            context.Report.Figure("  ms to the answer, p99", [result[3]]);
        }
    }

    // The first who asks for a coordinator has the groups' topic created.
    private static void PrepareGroups(MilenaProcess broker, int partitions)
    {
        broker.CreateTopic("t", partitions);
        var coordinator = new FindCoordinatorRequest { KeyType = 0, CoordinatorKeys = ["any"] };
        while (broker.Ask<FindCoordinatorRequest, FindCoordinatorResponse>(coordinator, version: 4).Coordinators[0].ErrorCode != ErrorCode.None)
            Thread.Sleep(10);
    }

    private static (double Cpu, double PerSecond) Percent(MilenaProcess broker, WorkerProcess worker, out double[] result)
    {
        var before = broker.CpuSeconds;
        worker.Go();
        result = worker.Result();
        return ((broker.CpuSeconds - before) / result[0] * 100, result[1] / result[0]);
    }
}
