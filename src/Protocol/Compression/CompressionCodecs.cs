using System.Diagnostics.CodeAnalysis;

namespace Milena.Protocol.Compression;

/// <summary>
/// Compresses and decompresses the records of a batch, as Kafka frames them. Output is appended to a buffer of the caller's.
/// Decompression trusts no length: each is checked against the input that is left and the bound before anything is allocated for it.
/// </summary>
public static class CompressionCodecs
{
    /// <summary>True for the five codecs that exist; three bits can say more.</summary>
    public static bool IsKnown(CompressionCodec codec) => codec is >= CompressionCodec.None and <= CompressionCodec.Zstd;

    /// <summary>Appends the compressed bytes.</summary>
    /// <param name="codec">How; <see cref="CompressionCodec.None"/> copies.</param>
    /// <param name="source">What to compress.</param>
    /// <param name="destination">Where to append.</param>
    /// <param name="level">
    /// The level as in <c>compression.*.level</c> (KIP-390): gzip 1 to 9 or -1, lz4 1 to 17, zstd -131072 to 22; null for the codec's
    /// default. Snappy and none have no levels.
    /// </param>
    /// <param name="framing">What belongs to messages of magic 0 has a frame of its own.</param>
    public static void Compress(
        CompressionCodec codec, ReadOnlySpan<byte> source, PooledBuffer destination, int? level = null,
        Lz4Framing framing = Lz4Framing.Standard)
    {
        switch (codec)
        {
            case CompressionCodec.None:
                destination.Write(source);
                break;
            case CompressionCodec.Gzip:
                GzipCodec.Compress(source, destination, level);
                break;
            case CompressionCodec.Snappy:
                SnappyCodec.Compress(source, destination);
                break;
            case CompressionCodec.Lz4:
                Lz4FrameCodec.Compress(source, destination, level, framing);
                break;
            case CompressionCodec.Zstd:
                ZstdCodec.Compress(source, destination, level);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(codec), codec, "no such codec");
        }
    }

    /// <summary>Appends the decompressed bytes.</summary>
    /// <param name="codec">How the source is compressed, as its header says.</param>
    /// <param name="source">All compressed bytes, and nothing behind them.</param>
    /// <param name="destination">Where to append. After an exception it may hold a part of the output.</param>
    /// <param name="maxBytes">How many bytes may come out.</param>
    /// <exception cref="DecompressedSizeException">More would come out.</exception>
    /// <exception cref="MalformedMessageException">The source is not what the codec writes.</exception>
    public static void Decompress(CompressionCodec codec, ReadOnlySpan<byte> source, PooledBuffer destination, int maxBytes)
    {
        switch (codec)
        {
            case CompressionCodec.None:
                if (source.Length > maxBytes)
                    throw new DecompressedSizeException(maxBytes);
                destination.Write(source);
                break;
            case CompressionCodec.Gzip:
                GzipCodec.Decompress(source, destination, maxBytes);
                break;
            case CompressionCodec.Snappy:
                SnappyCodec.Decompress(source, destination, maxBytes);
                break;
            case CompressionCodec.Lz4:
                Lz4FrameCodec.Decompress(source, destination, maxBytes);
                break;
            case CompressionCodec.Zstd:
                ZstdCodec.Decompress(source, destination, maxBytes);
                break;
            default:
                throw new MalformedMessageException($"no codec has the number {(int)codec}");
        }
    }

    /// <summary>The codec that a producer's configuration names: none, gzip, snappy, lz4 or zstd.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out CompressionCodec codec)
    {
        (codec, var known) = name switch
        {
            "none" or "uncompressed" => (CompressionCodec.None, true),
            "gzip" => (CompressionCodec.Gzip, true),
            "snappy" => (CompressionCodec.Snappy, true),
            "lz4" => (CompressionCodec.Lz4, true),
            "zstd" => (CompressionCodec.Zstd, true),
            _ => (CompressionCodec.None, false),
        };
        return known;
    }

    /// <summary>The name in configurations and metrics.</summary>
    public static string Name(CompressionCodec codec) => codec switch
    {
        CompressionCodec.None => "none",
        CompressionCodec.Gzip => "gzip",
        CompressionCodec.Snappy => "snappy",
        CompressionCodec.Lz4 => "lz4",
        CompressionCodec.Zstd => "zstd",
        _ => $"codec {(int)codec}",
    };
}

/// <summary>How the header checksum of an LZ4 frame is computed.</summary>
public enum Lz4Framing
{
    /// <summary>As the format says: over the descriptor.</summary>
    Standard,

    /// <summary>Over magic and descriptor: a fault of Kafka's first LZ4 writer that messages of magic 0 keep for good.</summary>
    Magic0,
}

/// <summary>Compressed bytes would become more than the reader allows: a decompression bomb, or a limit set too low.</summary>
public sealed class DecompressedSizeException(int maxBytes)
    : MalformedMessageException($"decompresses to more than {maxBytes} bytes");
