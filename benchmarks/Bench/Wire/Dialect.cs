namespace Milena.Bench.Wire;

/// <summary>How a worker speaks to a broker: Kafka's protocol, or the floor's, which has nothing but what the work itself needs.</summary>
internal abstract class Dialect
{
    public static Dialect Of(string name, string topic) => name switch
    {
        "floor" => new FloorDialect(),
        "kafka" => new KafkaDialect(topic),
        _ => throw new ArgumentException($"unknown dialect {name}"),
    };

    /// <summary>A request that appends the batch. It may be sent any number of times.</summary>
    public abstract byte[] Produce(ReadOnlyMemory<byte> batch, short acks);

    /// <summary>Throws if the response says that the append failed.</summary>
    public abstract void CheckProduced(ReadOnlyMemory<byte> response);

    /// <summary>The request for what follows a position, waiting for so long if there is nothing. It holds until the next call.</summary>
    public abstract ReadOnlySpan<byte> Fetch(long position, int maxBytes, int maxWaitMs);

    /// <summary>The bytes of batches in the response, of which the last one may be cut off.</summary>
    public abstract ReadOnlyMemory<byte> Fetched(ReadOnlyMemory<byte> response);

    /// <summary>The position behind a batch: an offset, or for the floor the number of bytes before it.</summary>
    public abstract long Behind(long position, long nextOffset, int batchBytes);
}
