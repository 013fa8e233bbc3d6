namespace Milena.Protocol.Compression;

/// <summary>How the records of a batch are compressed; the value is bits 0 to 2 of the batch's attributes.</summary>
public enum CompressionCodec
{
    /// <summary>Not compressed. A topic calls it <c>uncompressed</c>, a producer <c>none</c>.</summary>
    None = 0,

    /// <summary>A gzip stream (RFC 1952).</summary>
    Gzip = 1,

    /// <summary>Snappy blocks, in the framing of the Java library or a single bare block.</summary>
    Snappy = 2,

    /// <summary>An LZ4 frame.</summary>
    Lz4 = 3,

    /// <summary>Zstandard frames. Only in batches of magic 2 (KIP-110).</summary>
    Zstd = 4,
}
