using Milena.Bench.Wire;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Workers;

/// <summary>
/// Sends batches to the partitions of a topic in turn, one a request, eight in flight on one connection. Result: batches, bytes.
/// </summary>
internal static class SpreadWorker
{
    private const short Version = 9;
    private const int InFlight = 8;

    public static void Run(int port, string topic, int partitions, int batchBytes, long totalBytes)
    {
        var batch = Batches.Encode(batchBytes, recordBytes: Math.Min(1000, batchBytes - 100));
        var requests = Enumerable.Range(0, partitions).Select(Request).ToArray();
        using var stream = new FrameStream(port);
        var count = Math.Max(partitions, totalBytes / batch.Length);
        Produce(Math.Min(count, partitions)); // every partition has been written to once
        Worker.Measure(() =>
        {
            Produce(count);
            return [count, (double)count * batch.Length];
        });

        void Produce(long wanted)
        {
            for (long sent = 0, acknowledged = 0; acknowledged < wanted; acknowledged++)
            {
                for (; sent < wanted && sent - acknowledged < InFlight; sent++)
                    stream.Send(requests[sent % partitions]);
                var read = Frames.ReadResponse<ProduceResponse>(stream.Receive(), Version, out _);
                if (read.Responses[0].PartitionResponses[0].ErrorCode is not ErrorCode.None and var error)
                    throw new InvalidDataException($"the broker answered {error}");
            }
        }

        byte[] Request(int partition)
        {
            var request = new ProduceRequest
            {
                Acks = 1,
                TimeoutMs = 30_000,
                TopicData = [new() { Name = topic, PartitionData = [new() { Index = partition, Records = new RecordBytes(batch) }] }],
            };
            return KafkaDialect.Bytes(Frames.Request(request, Version, 1, "bench"));
        }
    }
}
