using Milena.Bench.Wire;

namespace Milena.Bench.Workers;

/// <summary>Sends the same encoded batch over and over on one connection, a number of them in flight. Result: records, bytes.</summary>
internal static class ProduceWorker
{
    public static void Run(
        string dialectName, int port, string topic, int batchBytes, int recordBytes, int inFlightMax, short acks, long totalBytes)
    {
        var dialect = Dialect.Of(dialectName, topic);
        var batch = Batches.Encode(batchBytes, recordBytes);
        var records = Batches.Decode(batch).Records;
        var request = dialect.Produce(batch, acks);
        using var stream = new FrameStream(port);
        Produce(Math.Min(20, totalBytes / batch.Length));
        Worker.Measure(() =>
        {
            var count = Math.Max(1, totalBytes / batch.Length);
            Produce(count);
            return [count * records, count * batch.Length];
        });

        // One thread does both: acknowledgements are small, so the broker never waits for us to take them.
        void Produce(long count)
        {
            var inFlight = 0;
            for (long sent = 0, acknowledged = 0; acknowledged < count;)
            {
                while (sent < count && inFlight < inFlightMax)
                {
                    stream.Send(request);
                    sent++;
                    inFlight++;
                }

                do
                {
                    dialect.CheckProduced(stream.Receive());
                    acknowledged++;
                    inFlight--;
                }
                while (stream.HasFrame);
            }
        }
    }
}
