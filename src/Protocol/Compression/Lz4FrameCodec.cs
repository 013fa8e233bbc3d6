using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Milena.Protocol.Compression;

/// <summary>
/// The LZ4 frame format around the library's blocks. Written as Kafka's clients write it: independent blocks of 64 KiB, no sizes and
/// no checksums but the header's. Read with all flags but dictionaries, which need an agreement that Kafka does not have.
/// </summary>
internal static class Lz4FrameCodec
{
    private const uint Magic = 0x184D2204;
    private const uint SkippableMagic = 0x184D2A50; // and the fifteen numbers that follow
    private const int BlockBytes = 64 * 1024;
    private const int WindowBytes = 64 * 1024;
    private const uint UncompressedBit = 0x80000000;
    private const int LevelDefault = 9;

    // A byte of a length run stands for at most 255 bytes.
    private const int RatioMax = 255;

    internal static void Compress(ReadOnlySpan<byte> source, PooledBuffer destination, int? level, Lz4Framing framing)
    {
        var header = destination.GetSpan(7);
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        header[4] = 0x60; // version 1, independent blocks
        header[5] = 0x40; // blocks of at most 64 KiB
        header[6] = HeaderChecksum(framing == Lz4Framing.Magic0 ? header[..6] : header[4..6]);
        destination.Advance(7);
        while (!source.IsEmpty)
        {
            var block = source[..Math.Min(source.Length, BlockBytes)];
            WriteBlock(block, destination, Level(level));
            source = source[block.Length..];
        }

        destination.Write([0, 0, 0, 0]);
    }

    internal static void Decompress(ReadOnlySpan<byte> source, PooledBuffer destination, int maxBytes)
    {
        var left = maxBytes;
        do
        {
            var reader = new Lz4Reader(source);
            var magic = reader.ReadUInt32();
            if ((magic & ~0xFu) == SkippableMagic)
                reader.Take(reader.ReadUInt32());
            else if (magic == Magic)
                left -= ReadFrame(ref reader, source, destination, left, maxBytes);
            else
                throw new MalformedMessageException("not an LZ4 frame");
            source = reader.Rest;
        }
        while (!source.IsEmpty);
    }

    // KIP-390 keeps level 9, the default, for the quick compressor that was always used; every other level asks for the thorough one.
    private static LZ4Level Level(int? level) => level switch
    {
        null or LevelDefault => LZ4Level.L00_FAST,
        <= 3 => LZ4Level.L03_HC,
        >= 12 => LZ4Level.L12_MAX,
        _ => (LZ4Level)level.Value,
    };

    private static void WriteBlock(ReadOnlySpan<byte> block, PooledBuffer destination, LZ4Level level)
    {
        var span = destination.GetSpan(sizeof(uint) + LZ4Codec.MaximumOutputSize(block.Length));
        var length = LZ4Codec.Encode(block, span[sizeof(uint)..], level);
        if (length > 0 && length < block.Length)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)length);
        }
        else
        {
            length = block.Length;
            BinaryPrimitives.WriteUInt32LittleEndian(span, (uint)length | UncompressedBit);
            block.CopyTo(span[sizeof(uint)..]);
        }

        destination.Advance(sizeof(uint) + length);
    }

    /// <summary>Reads what follows the magic; returns how many bytes came out.</summary>
    private static int ReadFrame(
        ref Lz4Reader reader, ReadOnlySpan<byte> frame, PooledBuffer destination, int left, int maxBytes)
    {
        var descriptor = Lz4Descriptor.Read(ref reader, frame);
        if (descriptor.ContentSize > (ulong)left)
            throw new DecompressedSizeException(maxBytes);
        if (descriptor.ContentSize > (ulong)reader.Rest.Length * RatioMax)
            throw new MalformedMessageException($"an LZ4 frame claims to hold {descriptor.ContentSize} bytes");

        var start = destination.Length;
        while (reader.ReadUInt32() is var size and not 0)
        {
            var block = reader.Take(size & ~UncompressedBit);
            if (block.Length > descriptor.BlockBytesMax)
                throw new MalformedMessageException($"an LZ4 block of {block.Length} bytes");
            if (descriptor.HasBlockChecksums && reader.ReadUInt32() != XxHash32.HashToUInt32(block))
                throw new MalformedMessageException("the checksum of an LZ4 block is wrong");
            ReadBlock(block, (size & UncompressedBit) == 0, descriptor, destination, start, left - (destination.Length - start), maxBytes);
        }

        var length = destination.Length - start;
        if (descriptor.HasContentChecksum && reader.ReadUInt32() != XxHash32.HashToUInt32(destination.Span[start..]))
            throw new MalformedMessageException("the checksum of an LZ4 frame's content is wrong");
        if (descriptor.HasContentSize && descriptor.ContentSize != (ulong)length)
            throw new MalformedMessageException("an LZ4 frame is not as long as it says");
        return length;
    }

    private static void ReadBlock(
        ReadOnlySpan<byte> block, bool compressed, in Lz4Descriptor descriptor, PooledBuffer destination, int start, int left, int maxBytes)
    {
        if (!compressed)
        {
            if (block.Length > left)
                throw new DecompressedSizeException(maxBytes);
            destination.Write(block);
            return;
        }

        var expected = (int)Math.Min(descriptor.BlockBytesMax, (long)block.Length * RatioMax);
        var capacity = Math.Min(expected, left);
        var span = destination.GetSpan(capacity)[..capacity];
        var window = descriptor.HasLinkedBlocks ? destination.Span[Math.Max(start, destination.Length - WindowBytes)..] : [];
        var length = window.IsEmpty ? LZ4Codec.Decode(block, span) : LZ4Codec.Decode(block, span, window);
        if (length < 0)
            throw capacity < expected ? new DecompressedSizeException(maxBytes) : new MalformedMessageException("not an LZ4 block");
        destination.Advance(length);
    }

    private static byte HeaderChecksum(ReadOnlySpan<byte> descriptor) => (byte)(XxHash32.HashToUInt32(descriptor) >> 8);

    /// <summary>What the header of a frame says.</summary>
    private readonly record struct Lz4Descriptor(byte Flags, int BlockBytesMax, ulong ContentSize)
    {
        internal bool HasLinkedBlocks => (Flags & 0x20) == 0;

        internal bool HasBlockChecksums => (Flags & 0x10) != 0;

        internal bool HasContentSize => (Flags & 0x08) != 0;

        internal bool HasContentChecksum => (Flags & 0x04) != 0;

        private bool HasDictionary => (Flags & 0x01) != 0;

        /// <summary>Reads it; the frame's first bytes are needed for the checksum of the faulty kind.</summary>
        internal static Lz4Descriptor Read(ref Lz4Reader reader, ReadOnlySpan<byte> frame)
        {
            var flags = reader.Take(1)[0];
            var block = reader.Take(1)[0];
            var descriptor = new Lz4Descriptor(flags, 1 << (8 + (2 * ((block >> 4) & 7))), 0);
            if ((flags & 0xC2) != 0x40 || (block & 0x8F) != 0 || block < 0x40)
                throw new MalformedMessageException("an LZ4 frame of another version");
            if (descriptor.HasDictionary)
                throw new MalformedMessageException("an LZ4 frame that needs a dictionary");
            if (descriptor.HasContentSize)
                descriptor = descriptor with { ContentSize = reader.ReadUInt32() | ((ulong)reader.ReadUInt32() << 32) };

            var end = frame.Length - reader.Rest.Length;
            var checksum = reader.Take(1)[0];
            if (checksum != HeaderChecksum(frame[sizeof(uint)..end]) && checksum != HeaderChecksum(frame[..end]))
                throw new MalformedMessageException("the checksum of an LZ4 frame's header is wrong");
            return descriptor;
        }
    }

    /// <summary>Takes bytes off the front, never more than there are.</summary>
    private ref struct Lz4Reader(ReadOnlySpan<byte> bytes)
    {
        internal ReadOnlySpan<byte> Rest { readonly get; private set; } = bytes;

        internal ReadOnlySpan<byte> Take(uint count)
        {
            if (count > Rest.Length)
                throw new MalformedMessageException($"an LZ4 frame is cut: {count} bytes wanted, {Rest.Length} left");
            var taken = Rest[..(int)count];
            Rest = Rest[(int)count..];
            return taken;
        }

        internal uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));
    }
}
