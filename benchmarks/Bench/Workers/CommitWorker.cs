using System.Diagnostics;
using Milena.Bench.Wire;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Workers;

/// <summary>
/// Connections that each have so many batches in flight and wait until each is acknowledged by all. Result: batches, bytes.
/// </summary>
internal static class CommitWorker
{
    private const short Version = 9;

    public static void Run(int port, string topic, int batchBytes, int connections, int inFlight, double seconds)
    {
        var batch = Batches.Encode(batchBytes, recordBytes: Math.Min(1000, batchBytes - 100));
        var clients = Task.WhenAll(Enumerable.Range(0, connections).Select(_ =>
            ClientConnection.ConnectAsync("127.0.0.1", port, new ClientConnectionOptions()))).GetAwaiter().GetResult();
        Produce(TimeSpan.FromSeconds(seconds / 4)).GetAwaiter().GetResult();
        Worker.Measure(() =>
        {
            var counts = Produce(TimeSpan.FromSeconds(seconds)).GetAwaiter().GetResult();
            return [counts.Sum(), counts.Sum() * (double)batch.Length];
        });

        Task<long[]> Produce(TimeSpan duration)
        {
            var started = Stopwatch.GetTimestamp();
            return Task.WhenAll(clients.SelectMany(client => Enumerable.Repeat(client, inFlight)).Select(async client =>
            {
                var count = 0L;
                for (; Stopwatch.GetElapsedTime(started) < duration; count++)
                {
                    using var response = await client.SendAsync(Request(client.NextCorrelationId()));
                    var read = Frames.ReadResponse<ProduceResponse>(response.Bytes, Version, out _);
                    if (read.Responses[0].PartitionResponses[0].ErrorCode is not ErrorCode.None and var error)
                        throw new InvalidDataException($"the broker answered {error}");
                }

                return count;
            }));
        }

        OutboundFrame Request(int correlationId)
        {
            var request = new ProduceRequest
            {
                Acks = -1,
                TimeoutMs = 30_000,
                TopicData = [new() { Name = topic, PartitionData = [new() { Index = 0, Records = new RecordBytes(batch) }] }],
            };
            return Frames.Request(request, Version, correlationId, "bench");
        }
    }
}
