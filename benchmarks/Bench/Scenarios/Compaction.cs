using System.Globalization;
using Milena.Bench.Measuring;
using Milena.Bench.Processes;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Scenarios;

/// <summary>
/// A log of 1 GB with 10 million keys is compacted: what that costs for each record, how much memory it takes, and what is left for a
/// producer who works beside it.
/// </summary>
internal static class Compaction
{
    private const int Keys = 10_000_000;
    private const long BufferBytes = 128 << 20; // the default of log.cleaner.dedupe.buffer.size

    public static void Run(BenchContext context)
    {
        using var broker = context.StartMilena("log.cleaner.backoff.ms=50", "log.cleaner.min.cleanable.ratio=0.01");
        var totalBytes = context.Quick ? 256L << 20 : 1L << 30;
        var topic = "compacted";
        Create(broker, topic);
        using var filler = new WorkerProcess("keyed", broker.Port, topic, context.Quick ? Keys / 4 : Keys, totalBytes);
        filler.Go();
        var filled = filler.Result();

        Beside(context, broker, topic);

        ProcessMeter.ForgetPeak(broker.ProcessId);
        var log = Path.Combine(context.Root, "milena", "data");
        var others = new Disturbance(Child.OurCpuSeconds);
        var cpu = broker.CpuSeconds;
        var started = DateTime.UtcNow;
        SetPolicy(broker, topic, "compact");
        while (!IsCompacted(log, topic))
            Thread.Sleep(20);
        var seconds = (DateTime.UtcNow - started).TotalSeconds;
        cpu = broker.CpuSeconds - cpu;
        var disturbed = others.Cores() > Disturbance.CoresMax ? 1 : 0;
        var peak = ProcessMeter.PeakResidentBytes(broker.ProcessId);
        context.Report.Figure($"{filled[1] / 1e6:F1} million records compacted: CPU ns for each", [cpu * 1e9 / filled[1]], disturbed: disturbed);
        context.Report.Figure("  seconds", [seconds], disturbed: disturbed);
        context.Report.Figure("  resident MB at most", [peak / 1e6], Goal.AtMost((BufferBytes + (64 << 20)) / 1e6));
        context.Report.Figure("  MB left of the log", [SizeOf(log, topic) / 1e6]);
    }

    // The policy is changed back after each turn, which ends the pass and leaves the log as it was or nearly so.
    private static void Beside(BenchContext context, MilenaProcess broker, string topic)
    {
        var bytes = context.Quick ? 200L << 20 : 500L << 20;
        var pairs = context.Compare(
            () =>
            {
                SetPolicy(broker, topic, "compact");
                Thread.Sleep(200);
                var rate = Rate();
                if (IsCompacted(Path.Combine(context.Root, "milena", "data"), topic))
                    throw new InvalidOperationException("the log was compacted before the producer was done");
                return rate;
            },
            () =>
            {
                SetPolicy(broker, topic, "delete");
                Thread.Sleep(200);
                return Rate();
            });
        context.Report.Figure("produced beside a pass, by undisturbed", pairs.Ratios(rate => rate), Goal.AtLeast(0.8), pairs.Disturbed);
        context.Report.Figure("  MB/s beside a pass", [.. pairs.A]);

        double Rate() => Produced.Measure(broker, 128 * 1024, 1000, bytes, out _).MegabytesPerSecond;
    }

    private static void Create(MilenaProcess broker, string topic)
    {
        var request = new CreateTopicsRequest
        {
            TimeoutMs = 60_000,
            Topics =
            [
                new()
                {
                    Name = topic,
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                    Configs = [new() { Name = "segment.bytes", Value = "104857600" }],
                },
            ],
        };
        Check(broker.Ask<CreateTopicsRequest, CreateTopicsResponse>(request, version: 5).Topics[0].ErrorCode);
    }

    private static void SetPolicy(MilenaProcess broker, string topic, string policy)
    {
        var request = new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = topic, Configs = [new() { Name = "cleanup.policy", Value = policy }] }],
        };
        Check(broker.Ask<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>(request, version: 1).Responses[0].ErrorCode);
    }

    /// <summary>Whether the checkpoint says that only the active segment is left.</summary>
    private static bool IsCompacted(string data, string topic)
    {
        var checkpoint = Path.Combine(data, "cleaner-offset-checkpoint");
        if (!File.Exists(checkpoint))
            return false;
        var active = Directory.GetFiles(Path.Combine(data, topic + "-0"), "*.log")
            .Max(path => long.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture));
        return File.ReadAllText(checkpoint).Contains($"\n{topic} 0 {active}\n", StringComparison.Ordinal);
    }

    private static long SizeOf(string data, string topic) =>
        Directory.GetFiles(Path.Combine(data, topic + "-0"), "*.log").Sum(path => new FileInfo(path).Length);

    private static void Check(ErrorCode error)
    {
        if (error != ErrorCode.None)
            throw new InvalidDataException($"the broker answered {error}");
    }
}
