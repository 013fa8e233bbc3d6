using System.Buffers.Binary;

namespace Milena.Bench.Wire;

/// <summary>
/// The floor's protocol. Produce: size, 0, the batch; answered with eight bytes of position. Fetch: size, 1, position, maximum;
/// answered with the bytes, as soon as there are any.
/// </summary>
internal sealed class FloorDialect : Dialect
{
    public const byte ProduceCode = 0;
    public const byte FetchCode = 1;

    /// <summary>Forgets everything; answered with an empty frame.</summary>
    public const byte ResetCode = 2;

    private readonly byte[] fetch = new byte[sizeof(int) + 1 + sizeof(long) + sizeof(int)];

    public override byte[] Produce(ReadOnlyMemory<byte> batch, short acks)
    {
        var frame = new byte[sizeof(int) + 1 + batch.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, 1 + batch.Length);
        frame[sizeof(int)] = ProduceCode;
        batch.CopyTo(frame.AsMemory(sizeof(int) + 1));
        return frame;
    }

    public override void CheckProduced(ReadOnlyMemory<byte> response)
    {
    }

    public override ReadOnlySpan<byte> Fetch(long position, int maxBytes, int maxWaitMs)
    {
        BinaryPrimitives.WriteInt32BigEndian(fetch, fetch.Length - sizeof(int));
        fetch[4] = FetchCode;
        BinaryPrimitives.WriteInt64BigEndian(fetch.AsSpan(5), position);
        BinaryPrimitives.WriteInt32BigEndian(fetch.AsSpan(13), maxBytes);
        return fetch;
    }

    public override ReadOnlyMemory<byte> Fetched(ReadOnlyMemory<byte> response) => response;

    public override long Behind(long position, long nextOffset, int batchBytes) => position + batchBytes;
}
