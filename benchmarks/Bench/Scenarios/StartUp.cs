using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>P15 and P16: from the start of the process to the first connection, and to the first acknowledged record.</summary>
internal static class StartUp
{
    public static void Run(BenchContext context)
    {
        var count = context.Quick ? 5 : 15;
        var empty = Enumerable.Range(0, count).Select(_ => Start(context.NewDirectory("milena"), "first")).ToList();
        Tell("empty directory", empty, Goal.AtMost(60), Goal.AtMost(120));

        var directory = context.NewDirectory("milena");
        using (var broker = new MilenaProcess(context.Milena, directory))
        {
            broker.WaitUntilAccepting();
            broker.CreateTopic("many", partitions: 1000);
            broker.ProduceOne("many");
            broker.Terminate();
        }

        var many = Enumerable.Range(0, count).Select(_ => Start(directory, "many")).ToList();
        Tell("1,000 partitions after a clean stop", many, null, Goal.AtMost(400));

        (double Accepting, double Produced) Start(string path, string topic)
        {
            using var broker = new MilenaProcess(context.Milena, path);
            var accepting = broker.WaitUntilAccepting();
            broker.ProduceOne(topic);
            var produced = broker.Age;
            broker.Terminate();
            return (accepting.TotalMilliseconds, produced.TotalMilliseconds);
        }

        void Tell(string title, List<(double Accepting, double Produced)> runs, Goal? accepting, Goal? produced)
        {
            context.Report.Figure($"{title}: ms to accepting connections", [.. runs.Select(run => run.Accepting)], accepting);
            context.Report.Figure($"{title}: ms to the first acknowledged record", [.. runs.Select(run => run.Produced)], produced);
        }
    }
}
