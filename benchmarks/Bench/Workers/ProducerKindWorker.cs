using System.Diagnostics;
using Milena.Bench.Wire;

namespace Milena.Bench.Workers;

/// <summary>
/// One producer of a kind with eight batches in flight; in transactions, it commits every 100 ms, as stream processors do. Result:
/// bytes, transactions.
/// </summary>
internal static class ProducerKindWorker
{
    private const int InFlightMax = 8;
    private static readonly TimeSpan CommitInterval = TimeSpan.FromMilliseconds(100);

    public static void Run(string kind, int port, string topic, int batchBytes, long totalBytes)
    {
        var batch = Batches.Encode(batchBytes, recordBytes: 1000);
        using var client = new TransactionalClient(port, topic, kind, topic, batch);
        var isTransactional = kind == "transactional";
        Produce(20);
        Worker.Measure(() =>
        {
            var count = Math.Max(1, totalBytes / batch.Length);
            return [count * (double)batch.Length, Produce(count)];
        });

        int Produce(long count)
        {
            var (inFlight, commits) = (0, 0);
            var began = Stopwatch.GetTimestamp();
            for (long sent = 0, acknowledged = 0; acknowledged < count;)
            {
                var isDue = isTransactional && (Stopwatch.GetElapsedTime(began) >= CommitInterval || sent == count);
                for (; sent < count && inFlight < InFlightMax && !isDue; sent++, inFlight++)
                    client.Send();
                for (var hasMore = inFlight > 0; hasMore; inFlight--, acknowledged++)
                    hasMore = client.Receive() && inFlight > 1;

                if (!isDue || inFlight > 0)
                    continue;
                client.Commit();
                commits++;
                began = Stopwatch.GetTimestamp();
            }

            return commits;
        }
    }
}
