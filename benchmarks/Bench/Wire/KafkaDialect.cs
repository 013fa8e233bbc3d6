using System.Buffers.Binary;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Bench.Wire;

/// <summary>
/// Kafka's Produce and Fetch for partition 0 of one topic, by name, as most clients send them. Requests are encoded once.
/// </summary>
internal sealed class KafkaDialect(string topic) : Dialect
{
    private const short ProduceVersion = 9;
    private const short FetchVersion = 12;
    private const long PositionMark = 0x0123456789ABCDEF;

    private byte[] fetch = [];
    private (int MaxBytes, int MaxWaitMs) encoded;
    private int positionAt;

    public override byte[] Produce(ReadOnlyMemory<byte> batch, short acks)
    {
        var request = new ProduceRequest
        {
            Acks = acks,
            TimeoutMs = 30_000,
            TopicData =
            [
                new() { Name = topic, PartitionData = [new() { Index = 0, Records = new RecordBytes(batch) }] },
            ],
        };
        return Bytes(Frames.Request(request, ProduceVersion, 1, "bench"));
    }

    public override void CheckProduced(ReadOnlyMemory<byte> response)
    {
        var read = Frames.ReadResponse<ProduceResponse>(response, ProduceVersion, out _);
        Check(read.Responses[0].PartitionResponses[0].ErrorCode);
    }

    public override ReadOnlySpan<byte> Fetch(long position, int maxBytes, int maxWaitMs)
    {
        if (fetch.Length == 0 || encoded != (maxBytes, maxWaitMs))
            Encode(maxBytes, maxWaitMs);
        BinaryPrimitives.WriteInt64BigEndian(fetch.AsSpan(positionAt), position);
        return fetch;
    }

    public override ReadOnlyMemory<byte> Fetched(ReadOnlyMemory<byte> response)
    {
        var read = Frames.ReadResponse<FetchResponse>(response, FetchVersion, out _);
        Check(read.ErrorCode);
        var partition = read.Responses[0].Partitions[0];
        Check(partition.ErrorCode);
        return partition.Records.Memory;
    }

    public override long Behind(long position, long nextOffset, int batchBytes) => nextOffset;

    /// <summary>The whole frame in one array.</summary>
    public static byte[] Bytes(OutboundFrame frame)
    {
        using (frame)
        {
            var bytes = new byte[frame.Length];
            frame.CopyTo(0, bytes);
            return bytes;
        }
    }

    private static void Check(ErrorCode error)
    {
        if (error != ErrorCode.None)
            throw new InvalidDataException($"the broker answered {error}");
    }

    private void Encode(int maxBytes, int maxWaitMs)
    {
        var request = new FetchRequest
        {
            MaxWaitMs = maxWaitMs,
            MinBytes = 1,
            MaxBytes = maxBytes,
            SessionEpoch = -1, // no session
            Topics =
            [
                new()
                {
                    Topic = topic,
                    Partitions =
                    [
                        new() { Partition = 0, FetchOffset = PositionMark, PartitionMaxBytes = maxBytes, CurrentLeaderEpoch = -1 },
                    ],
                },
            ],
        };
        fetch = Bytes(Frames.Request(request, FetchVersion, 1, "bench"));
        Span<byte> mark = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(mark, PositionMark);
        positionAt = fetch.AsSpan().IndexOf(mark);
        encoded = (maxBytes, maxWaitMs);
    }
}
