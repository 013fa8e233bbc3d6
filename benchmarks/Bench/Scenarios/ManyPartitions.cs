using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>P20: 10,000 partitions on one node, each with a record; and producing to 1,000 partitions beside producing to 10.</summary>
internal static class ManyPartitions
{
    private const int Partitions = 10_000;

    // The controller writes what one request makes in one piece, which has at most 10,000 records, in Kafka as here.
    private static readonly string[] Topics = ["many-a", "many-b"];

    public static void Run(BenchContext context)
    {
        var directory = context.NewDirectory("milena");
        var report = context.Report;
        using (var broker = Start())
        {
            var empty = ProcessMeter.ResidentBytes(broker.ProcessId);
            var before = broker.Age;
            foreach (var topic in Topics)
                broker.CreateTopic(topic, Partitions / Topics.Length);
            report.Figure("seconds to create 10,000 partitions", [(broker.Age - before).TotalSeconds]);
            report.Figure("  resident KB more for each", [(ProcessMeter.ResidentBytes(broker.ProcessId) - empty) / 1e3 / Partitions]);
            Fill(broker);
            report.Figure("  resident KB more for each that has been written to", [(ProcessMeter.ResidentBytes(broker.ProcessId) - empty) / 1e3 / Partitions]);
            before = broker.Age;
            broker.Terminate();
            report.Figure("seconds to stop", [(broker.Age - before).TotalSeconds]);
        }

        using (var broker = Start())
        {
            Tell(broker, "after a clean stop");
            Fill(broker);
        } // killed

        using (var broker = Start())
            Tell(broker, "after kill -9, with a batch in each");
        Throughput(context);

        MilenaProcess Start()
        {
            var broker = new MilenaProcess(context.Milena, directory, [.. context.Overrides]);
            broker.WaitUntilAccepting();
            return broker;
        }

        void Tell(MilenaProcess broker, string when)
        {
            broker.ProduceOne(Topics[0]);
            report.Figure($"10,000 partitions {when}: ms to the first acknowledged record", [broker.Age.TotalMilliseconds]);
            report.Figure("  CPU seconds by then", [broker.CpuSeconds]);
            report.Figure("  resident MB", [ProcessMeter.ResidentBytes(broker.ProcessId) / 1e6]);
        }
    }

    private static void Fill(MilenaProcess broker)
    {
        foreach (var topic in Topics)
        {
            using var worker = new WorkerProcess("spread", broker.Port, topic, Partitions / Topics.Length, 1100, 0); // writes to each before it is ready
        }
    }

    private static void Throughput(BenchContext context)
    {
        using var broker = context.StartMilena();
        var bytes = context.Quick ? 200L << 20 : 800L << 20;
        foreach (var (size, batchBytes) in new[] { ("16 KB", 16 * 1024), ("128 KB", 128 * 1024) })
        {
            var pairs = context.Compare(() => Rate(1_000, batchBytes), () => Rate(10, batchBytes));
            context.Report.Figure(
                $"producing batches of {size} to 1,000 partitions in turn, by to 10", pairs.Ratios(rate => rate), Goal.AtLeast(0.8), pairs.Disturbed);
            context.Report.Figure("  MB/s, to 1,000", [.. pairs.A]);
            context.Report.Figure("  MB/s, to 10", [.. pairs.B]);
        }

        double Rate(int partitions, int batchBytes)
        {
            var topic = broker.NewTopic(bytes, partitions);
            using var worker = new WorkerProcess("spread", broker.Port, topic, partitions, batchBytes, bytes);
            worker.Go();
            var result = worker.Result();
            return result[2] / 1e6 / result[0];
        }
    }
}
