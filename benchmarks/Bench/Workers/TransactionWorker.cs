using System.Diagnostics;
using Milena.Bench.Wire;

namespace Milena.Bench.Workers;

/// <summary>Producers that each write a batch in a transaction, commit, and begin the next one. Result: transactions.</summary>
internal static class TransactionWorker
{
    public static void Run(int port, string topic, int records, int producers, double seconds)
    {
        var clients = Enumerable.Range(0, producers).Select(i => new TransactionalClient(
            port, topic, "transactional", $"{topic}-{i}", Batches.Encode(0, recordBytes: 100, count: records))).ToArray();
        Produce(TimeSpan.FromSeconds(seconds / 4));
        Worker.Measure(() => [Produce(TimeSpan.FromSeconds(seconds))]);
        foreach (var client in clients)
            client.Dispose();

        long Produce(TimeSpan duration)
        {
            var started = Stopwatch.GetTimestamp();
            var count = 0L;
            var threads = clients.Select(client => new Thread(() =>
            {
                for (; Stopwatch.GetElapsedTime(started) < duration; Interlocked.Increment(ref count))
                {
                    client.Send();
                    client.Receive();
                    client.Commit();
                }
            })).ToArray();
            foreach (var thread in threads)
                thread.Start();
            foreach (var thread in threads)
                thread.Join();
            return count;
        }
    }
}
