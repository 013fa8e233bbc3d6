using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>A producer and a consumer at the same time, one connection each: the rate until everything is consumed.</summary>
internal static class BothAtOnce
{
    private const int BatchBytes = 128 * 1024;

    public static void Run(BenchContext context)
    {
        using var milena = context.StartMilena();
        using var floor = context.StartFloor();
        foreach (var (recordBytes, bytes) in new[] { (100, 600L << 20), (1000, 800L << 20) })
        {
            var total = context.Quick ? bytes / 2 : bytes;
            var pairs = context.Compare(() => Rate(milena, recordBytes, total), () => Rate(floor, recordBytes, total));
            context.Report.Figure(
                $"{recordBytes}-byte records produced and consumed a second, by the floor's",
                pairs.Ratios(rate => rate), Goal.AtLeast(0.7), pairs.Disturbed);
            context.Report.Figure("  thousand records a second", [.. pairs.A.Select(rate => rate / 1e3)]);
        }

        static double Rate(IBroker broker, int recordBytes, long totalBytes)
        {
            var topic = broker.NewTopic(totalBytes);
            using var producer = new WorkerProcess(
                "produce", broker.Dialect, broker.Port, topic, BatchBytes, recordBytes, 8, 1, totalBytes);
            // The producer has warmed up with twenty batches, which the consumer finds as well.
            var batch = Wire.Batches.Encode(BatchBytes, recordBytes);
            var records = (totalBytes / batch.Length + 20) * Wire.Batches.Decode(batch).Records;
            using var consumer = new WorkerProcess("fetch", broker.Dialect, broker.Port, topic, 1 << 20, records);
            consumer.Go();
            producer.Go();
            producer.Result();
            var result = consumer.Result();
            return result[1] / result[0];
        }
    }
}
