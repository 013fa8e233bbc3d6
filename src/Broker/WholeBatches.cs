using Milena.Protocol;
using Milena.Protocol.Records;
using Milena.Storage;

namespace Milena.Broker;

/// <summary>Reads a log from end to end in pieces that hold whole record batches: what state is replayed from.</summary>
internal static class WholeBatches
{
    private const int PieceBytes = 1 << 20;

    /// <summary>
    /// The batches from <paramref name="fromOffset"/> to <paramref name="toOffset"/> (exclusive). Throws
    /// <see cref="IOException"/> if the log cannot be read.
    /// </summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(PartitionLog log, long fromOffset, long toOffset)
    {
        var offset = fromOffset;
        while (offset < toOffset)
        {
            var read = log.Read(offset, PieceBytes, toOffset, minOneBatch: true);
            if (read.Error != ErrorCode.None)
                throw new IOException($"{log.Partition} cannot be read at offset {offset}: {read.Error}");
            if (read.Records.Length == 0 && log.Config.CleanupPolicy.HasFlag(CleanupPolicy.Compact))
                yield break; // everything from there to the end has been compacted away
            var bytes = read.Records.ToArray();
            var length = Measure(bytes, ref offset);
            if (length == 0)
                throw new IOException($"{log.Partition} has no whole batch at offset {offset}");
            yield return bytes.AsMemory(0, length);
        }
    }

    private static int Measure(ReadOnlySpan<byte> bytes, ref long offset)
    {
        var batches = RecordBatches.Enumerate(bytes);
        while (batches.MoveNext())
            offset = batches.Current.NextOffset;
        return batches.Consumed;
    }
}
