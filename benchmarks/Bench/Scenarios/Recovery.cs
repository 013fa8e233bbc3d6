using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>
/// P19: kill -9 under load, then from the start of the process to the first acknowledged record. It must not depend on the log's size.
/// </summary>
internal static class Recovery
{
    public static void Run(BenchContext context)
    {
        foreach (var gigabytes in context.Quick ? [1, 2] : new[] { 1, 10 })
        {
            var directory = context.NewDirectory("milena");
            using (var broker = new MilenaProcess(context.Milena, directory))
            {
                broker.WaitUntilAccepting();
                Produced.Measure(broker, 1 << 20, 1000, (long)gigabytes << 30, out _);
            } // killed at the moment of the last acknowledgement

            var files = Directory.GetFiles(Path.Combine(directory, "data"), "*.log", SearchOption.AllDirectories);
            var size = files.Sum(file => new FileInfo(file).Length);
            using var again = new MilenaProcess(context.Milena, directory);
            again.WaitUntilAccepting();
            again.ProduceOne("bench-1");
            context.Report.Figure(
                $"log of {size / 1e9:F1} GB after kill -9: ms to the first acknowledged record",
                [again.Age.TotalMilliseconds],
                Goal.AtMost(1000));
        }
    }
}
