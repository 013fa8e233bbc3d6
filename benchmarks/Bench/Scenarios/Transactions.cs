using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>
/// What idempotence and transactions cost beside plain produce (acks=all, 16 KB, eight in flight, a commit every 100 ms), and how many
/// transactions end in a second, each of which is on the disk before its producer hears of it (P23).
/// </summary>
internal static class Transactions
{
    private const int BatchBytes = 16 * 1024;

    public static void Run(BenchContext context)
    {
        using (var broker = context.StartMilena("log.flush.before.ack=never"))
        {
            Compare("idempotent", Goal.AtLeast(0.9));
            Compare("transactional", Goal.AtLeast(0.8));

            void Compare(string kind, Goal goal)
            {
                var pairs = context.Compare(() => Rate(kind), () => Rate("plain"));
                context.Report.Figure($"{kind} produce in batches of 16 KB, by plain produce", pairs.Ratios(rate => rate), goal, pairs.Disturbed);
                context.Report.Figure($"  MB/s, {kind}", [.. pairs.A]);
                context.Report.Figure("  MB/s, plain", [.. pairs.B]);
            }

            double Rate(string kind)
            {
                var total = context.Quick ? 100L << 20 : 300L << 20;
                var topic = broker.NewTopic(total);
                using var worker = new WorkerProcess("producer", kind, broker.Port, topic, BatchBytes, total);
                worker.Go();
                var result = worker.Result();
                return result[1] / 1e6 / result[0];
            }
        }

        using var synced = context.StartMilena();
        foreach (var (records, producers) in new[] { (1, 1), (1, 64), (1000, 1), (1000, 8) })
        {
            // A transaction has two things that its producer waits for: its records, and the decision.
            var pairs = context.Compare(() => Ends(records, producers), () => CommitCost.SyncsPerSecond(context, (records * 110) + 100) / 2);
            var what = $"transactions of {records} record{(records == 1 ? "" : "s")} each, {producers} producer{(producers == 1 ? "" : "s")}";
            context.Report.Figure($"{what}, by plain writes with two syncs each", pairs.Ratios(rate => rate), null, pairs.Disturbed);
            context.Report.Figure("  transactions a second", [.. pairs.A]);
            context.Report.Figure("  plain pairs of synced writes a second", [.. pairs.B]);
        }

        double Ends(int records, int producers)
        {
            var topic = synced.NewTopic(expectedBytes: 256L << 20);
            using var worker = new WorkerProcess("transactions", synced.Port, topic, records, producers, context.Quick ? 1.0 : 2.5);
            worker.Go();
            var result = worker.Result();
            return result[1] / result[0];
        }
    }
}
