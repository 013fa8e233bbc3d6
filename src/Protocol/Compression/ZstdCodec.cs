using System.Buffers.Binary;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Milena.Protocol.Compression;

/// <summary>
/// Zstandard frames, one or several. They are decompressed in one go into a buffer that is large enough, so that no window is
/// allocated on a frame's word. Contexts are dear to make and are kept.
/// </summary>
internal static class ZstdCodec
{
    private const int LevelDefault = 3;

    private static readonly KeptObjects<Compressor> Compressors = new(() => new Compressor(LevelDefault));
    private static readonly KeptObjects<Decompressor> Decompressors = new(() => new Decompressor());

    internal static void Compress(ReadOnlySpan<byte> source, PooledBuffer destination, int? level)
    {
        var compressor = Compressors.Take();
        compressor.Level = level ?? LevelDefault;
        destination.Advance(compressor.Wrap(source, destination.GetSpan(Compressor.GetCompressBound(source.Length))));
        Compressors.Keep(compressor);
    }

    internal static void Decompress(ReadOnlySpan<byte> source, PooledBuffer destination, int maxBytes)
    {
        if (source.IsEmpty)
            throw new MalformedMessageException("not a zstd frame");
        if (ContentSize(source) > (ulong)maxBytes)
            throw new DecompressedSizeException(maxBytes);
        var decompressor = Decompressors.Take();
        try
        {
            // What the frames say, or what so many blocks can hold at most if they say nothing.
            var capacity = (int)Math.Min(Decompressor.GetDecompressedSize(source), (ulong)maxBytes);
            if (!decompressor.TryUnwrap(source, destination.GetSpan(capacity)[..capacity], out var written))
            {
                throw capacity == maxBytes
                    ? new DecompressedSizeException(maxBytes)
                    : new MalformedMessageException("a zstd frame is not as long as it says");
            }

            destination.Advance(written);
        }
        catch (ZstdException e)
        {
            throw new MalformedMessageException("not a zstd frame", e);
        }
        finally
        {
            // Each use begins anew, so a failed one does no harm; dropping its memory, which the collector does not see, would.
            Decompressors.Keep(decompressor);
        }
    }

    /// <summary>The size that the header of the first frame gives (RFC 8878, 3.1.1.1); 0 if it gives none.</summary>
    private static ulong ContentSize(ReadOnlySpan<byte> frame)
    {
        const int DescriptorOffset = 4;
        if (frame.Length <= DescriptorOffset || BinaryPrimitives.ReadUInt32LittleEndian(frame) != 0xFD2FB528)
            return 0;
        var descriptor = frame[DescriptorOffset];
        var singleSegment = (descriptor & 0x20) != 0;
        ReadOnlySpan<int> dictionaryIdSizes = [0, 1, 2, 4];
        var offset = DescriptorOffset + 1 + (singleSegment ? 0 : 1) + dictionaryIdSizes[descriptor & 3];
        var size = frame[Math.Min(offset, frame.Length)..];
        return (descriptor >> 6) switch
        {
            0 when singleSegment && size.Length >= 1 => size[0],
            1 when size.Length >= 2 => BinaryPrimitives.ReadUInt16LittleEndian(size) + 256UL,
            2 when size.Length >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(size),
            3 when size.Length >= 8 => BinaryPrimitives.ReadUInt64LittleEndian(size),
            _ => 0,
        };
    }
}
