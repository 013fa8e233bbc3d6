using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>One run of the produce worker: the rate, and what it cost the broker.</summary>
internal readonly record struct Produced(double Records, double Bytes, double Seconds, double BrokerCpuSeconds)
{
    public double MegabytesPerSecond => Bytes / 1e6 / Seconds;

    public double BrokerCpuMicrosecondsPerMegabyte => BrokerCpuSeconds * 1e6 / (Bytes / 1e6);

    public static Produced Measure(IBroker broker, int batchBytes, int recordBytes, long totalBytes, out string topic)
    {
        topic = broker.NewTopic(totalBytes);
        using var worker = new WorkerProcess(
            "produce", broker.Dialect, broker.Port, topic, batchBytes, recordBytes, 8, 1, totalBytes);
        var before = broker.CpuSeconds;
        worker.Go();
        var result = worker.Result();
        return new(result[1], result[2], result[0], broker.CpuSeconds - before);
    }
}
