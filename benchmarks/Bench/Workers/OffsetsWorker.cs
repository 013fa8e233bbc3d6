using System.Diagnostics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Workers;

/// <summary>
/// Offsets committed at a steady rate, by as many connections as there are groups, each for one partition of a group of its own.
/// Result: commits, and the milliseconds from a commit to its answer, p50 and p99.
/// </summary>
internal static class OffsetsWorker
{
    private const short Version = 9;

    public static void Run(int port, string topic, int groups, int perSecond, double seconds)
    {
        var clients = Task.WhenAll(Enumerable.Range(0, groups).Select(_ =>
            ClientConnection.ConnectAsync("127.0.0.1", port, new ClientConnectionOptions()))).GetAwaiter().GetResult();
        Commit(TimeSpan.FromSeconds(1));
        Worker.Measure(() =>
        {
            var latencies = Commit(TimeSpan.FromSeconds(seconds));
            latencies.Sort();
            return [latencies.Count, latencies[latencies.Count / 2], latencies[latencies.Count * 99 / 100]];
        });

        List<double> Commit(TimeSpan duration)
        {
            var started = Stopwatch.GetTimestamp();
            var interval = TimeSpan.FromSeconds((double)groups / perSecond);
            var all = Task.WhenAll(clients.Select((client, group) => Task.Run(async () =>
            {
                var latencies = new List<double>();
                await Task.Delay(interval * group / groups);
                using var timer = new PeriodicTimer(interval);
                for (var offset = 0L; Stopwatch.GetElapsedTime(started) < duration; offset++)
                {
                    var sent = Stopwatch.GetTimestamp();
                    using var response = await client.SendAsync(Request(client.NextCorrelationId(), group, offset));
                    var read = Frames.ReadResponse<OffsetCommitResponse>(response.Bytes.ToArray(), Version, out _);
                    if (read.Topics[0].Partitions[0].ErrorCode is not ErrorCode.None and var error)
                        throw new InvalidDataException($"the broker answered {error}");
                    latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                    await timer.WaitForNextTickAsync();
                }

                return latencies;
            })));
            return [.. all.GetAwaiter().GetResult().SelectMany(latencies => latencies)];
        }

        OutboundFrame Request(int correlationId, int group, long offset)
        {
            var request = new OffsetCommitRequest
            {
                GroupId = $"commits-{group}",
                GenerationIdOrMemberEpoch = -1, // of nobody that is a member
                MemberId = "",
                Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = 0, CommittedOffset = offset, CommittedMetadata = "" }] }],
            };
            return Frames.Request(request, Version, correlationId, "bench");
        }
    }
}
