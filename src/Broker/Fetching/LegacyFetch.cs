using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Fetching;

/// <summary>
/// Answers clients from before record batches (Fetch v0 to v3) in the messages of their time. A cold path: it reads and writes
/// every record.
/// </summary>
internal static class LegacyFetch
{
    /// <summary>How much may come out of one compressed batch on its way to an old client.</summary>
    private const int DecompressedBytesMax = 100 * 1024 * 1024;

    // One conversion at a time: many old clients that ask for a batch that swells would else take that much memory each.
    private static readonly Lock converting = new();

    /// <summary>
    /// Replaces the batches by messages of magic 0 or 1. What cannot be converted is the partition's error: a codec that messages
    /// cannot name, records that are not what their batch says, a disk that fails.
    /// </summary>
    public static void Convert(FetchResponse.PartitionData data, short version, long fromOffset)
    {
        try
        {
            lock (converting)
                ConvertInTurn(data, version, fromOffset);
        }
        catch (MalformedMessageException)
        {
            data.ErrorCode = ErrorCode.CorruptMessage; // batches are stored without being looked into
            data.Records = RecordBytes.Empty;
        }
        catch (IOException)
        {
            data.ErrorCode = ErrorCode.NotLeaderOrFollower; // these versions do not know KAFKA_STORAGE_ERROR
            data.Records = RecordBytes.Empty;
        }
    }

    private static void ConvertInTurn(FetchResponse.PartitionData data, short version, long fromOffset)
    {
        var batches = Whole(data.Records.ToArray());
        using var messages = new PooledBuffer();
        var converted = LegacyMessages.FromBatches(
            batches.Span, LegacyMessages.MagicOfFetch(version), fromOffset, messages, DecompressedBytesMax);
        data.ErrorCode = converted.Error;
        data.Records = new RecordBytes(messages.Span.ToArray());
    }

    /// <summary>Without the last batch where the read's limit has cut it.</summary>
    private static ReadOnlyMemory<byte> Whole(ReadOnlyMemory<byte> bytes)
    {
        var length = 0;
        foreach (var batch in RecordBatches.Enumerate(bytes.Span))
            length += batch.SizeInBytes;
        return bytes[..length];
    }
}
