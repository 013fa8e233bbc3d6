using System.Diagnostics;
using Milena.Bench.Wire;

namespace Milena.Bench.Workers;

/// <summary>
/// One record at a time: sent, appended, fetched by a request that waits for it, decoded; then the next. Result: the microseconds
/// from before the send to after the decoding, p50, p99 and p99.9.
/// </summary>
internal static class LatencyWorker
{
    public static void Run(string dialectName, int port, string topic, int recordBytes, double seconds)
    {
        var producing = Dialect.Of(dialectName, topic);
        var consuming = Dialect.Of(dialectName, topic);
        using var producer = new FrameStream(port);
        using var consumer = new FrameStream(port);
        var request = producing.Produce(Batches.Encode(0, recordBytes, count: 1), acks: 1);
        using var arrived = new SemaphoreSlim(0);
        var arrivedAt = 0L;
        var stopped = false;
        var reading = new Thread(Read) { IsBackground = true };
        reading.Start();
        Worker.Measure(() =>
        {
            var latencies = new List<double>(1 << 20);
            var started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
            {
                var sentAt = Stopwatch.GetTimestamp();
                producer.Send(request);
                producing.CheckProduced(producer.Receive());
                arrived.Wait();
                latencies.Add(Stopwatch.GetElapsedTime(sentAt, Volatile.Read(ref arrivedAt)).TotalMicroseconds);
            }

            Volatile.Write(ref stopped, true);
            latencies.Sort();
            return [At(latencies, 0.5), At(latencies, 0.99), At(latencies, 0.999), latencies.Count];
        });

        void Read()
        {
            var position = 0L;
            while (!Volatile.Read(ref stopped))
            {
                consumer.Send(consuming.Fetch(position, 1 << 20, maxWaitMs: 500));
                var fetched = consuming.Fetched(consumer.Receive());
                if (fetched.IsEmpty)
                    continue;
                var decoded = Batches.Decode(fetched.Span);
                position = consuming.Behind(position, decoded.NextOffset, decoded.Bytes);
                Volatile.Write(ref arrivedAt, Stopwatch.GetTimestamp());
                arrived.Release();
            }
        }
    }

    private static double At(List<double> sorted, double share) => sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
}
