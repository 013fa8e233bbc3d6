using System.Buffers.Binary;
using Snappier;

namespace Milena.Protocol.Compression;

/// <summary>
/// Snappy blocks in the framing of the Java library: a magic, two version numbers, then blocks with their compressed lengths. A
/// source without the magic is one bare block, as librdkafka and others write it.
/// </summary>
internal static class SnappyCodec
{
    private const int BlockBytes = 32 * 1024;
    private const int HeaderBytes = 16;

    // A copy of three bytes stands for at most 64, and no element does better.
    private const int RatioMax = 22;

    private static ReadOnlySpan<byte> Header =>
    [
        0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0,
        0, 0, 0, 1, // version
        0, 0, 0, 1, // the oldest version that can read it
    ];

    private static ReadOnlySpan<byte> Magic => Header[..8];

    internal static void Compress(ReadOnlySpan<byte> source, PooledBuffer destination)
    {
        destination.Write(Header);
        while (!source.IsEmpty)
        {
            var block = source[..Math.Min(source.Length, BlockBytes)];
            var span = destination.GetSpan(sizeof(int) + Snappy.GetMaxCompressedLength(block.Length));
            var length = Snappy.Compress(block, span[sizeof(int)..]);
            BinaryPrimitives.WriteInt32BigEndian(span, length);
            destination.Advance(sizeof(int) + length);
            source = source[block.Length..];
        }
    }

    internal static void Decompress(ReadOnlySpan<byte> source, PooledBuffer destination, int maxBytes)
    {
        if (!source.StartsWith(Magic))
        {
            Block(source, destination, maxBytes, maxBytes);
            return;
        }

        var left = maxBytes;
        while (!source.IsEmpty)
        {
            // Streams written one after the other each bring their header.
            if (source.StartsWith(Magic))
            {
                if (source.Length < HeaderBytes)
                    throw new MalformedMessageException("the snappy header is cut");
                source = source[HeaderBytes..];
                continue;
            }

            if (source.Length < sizeof(int))
                throw new MalformedMessageException("the length of a snappy block is cut");
            var length = BinaryPrimitives.ReadInt32BigEndian(source);
            source = source[sizeof(int)..];
            if (length < 0 || length > source.Length)
                throw new MalformedMessageException($"a snappy block of {length} bytes in {source.Length}");
            left -= Block(source[..length], destination, left, maxBytes);
            source = source[length..];
        }
    }

    private static int Block(ReadOnlySpan<byte> block, PooledBuffer destination, int left, int maxBytes)
    {
        try
        {
            var length = Snappy.GetUncompressedLength(block);
            if (length < 0 || length > (long)block.Length * RatioMax)
                throw new MalformedMessageException($"a snappy block of {block.Length} bytes claims to hold {length}");
            if (length > left)
                throw new DecompressedSizeException(maxBytes);
            if (!Snappy.TryDecompress(block, destination.GetSpan(length)[..length], out var written) || written != length)
                throw new MalformedMessageException("a snappy block is not as long as it says");
            destination.Advance(length);
            return length;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            throw new MalformedMessageException("not a snappy block", e);
        }
    }
}
