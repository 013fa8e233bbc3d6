using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;
using Milena.Protocol.Compression;

namespace Milena.Protocol.Tests.Compression;

public class CompressionCodecsTests
{
    private const int Bound = 1024 * 1024;

    [Theory]
    [InlineData(CompressionCodec.None, null)]
    [InlineData(CompressionCodec.Gzip, null)]
    [InlineData(CompressionCodec.Gzip, -1)]
    [InlineData(CompressionCodec.Gzip, 1)]
    [InlineData(CompressionCodec.Gzip, 9)]
    [InlineData(CompressionCodec.Snappy, null)]
    [InlineData(CompressionCodec.Lz4, null)]
    [InlineData(CompressionCodec.Lz4, 1)]
    [InlineData(CompressionCodec.Lz4, 9)]
    [InlineData(CompressionCodec.Lz4, 17)]
    [InlineData(CompressionCodec.Zstd, null)]
    [InlineData(CompressionCodec.Zstd, -131072)]
    [InlineData(CompressionCodec.Zstd, 1)]
    [InlineData(CompressionCodec.Zstd, 19)]
    public void What_is_compressed_comes_out_again(CompressionCodec codec, int? level)
    {
        foreach (var size in (int[])[0, 1, 100, 32 * 1024, (64 * 1024) + 1, 300_000])
        {
            var bytes = Text(size);
            var compressed = Compress(codec, bytes, level);
            Assert.Equal(bytes, Decompress(codec, compressed, Bound));
            if (size == 300_000 && codec != CompressionCodec.None && level != -131072)
                Assert.InRange(compressed.Length, 1, size / 2);
        }

        var noise = new byte[100_000];
        new Random(1).NextBytes(noise);
        Assert.Equal(noise, Decompress(codec, Compress(codec, noise, level), noise.Length));
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void Exactly_the_bound_may_come_out_and_not_a_byte_more(CompressionCodec codec)
    {
        var compressed = Compress(codec, Text(100_000));
        Assert.Equal(100_000, Decompress(codec, compressed, 100_000).Length);
        Assert.Throws<DecompressedSizeException>(() => Decompress(codec, compressed, 99_999));
        Assert.Throws<DecompressedSizeException>(() => Decompress(codec, compressed, 10));
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void A_bomb_is_stopped_before_it_takes_memory(CompressionCodec codec)
    {
        const int Small = 64 * 1024;
        var bomb = Compress(codec, new byte[100_000_000]);
        Assert.Throws<DecompressedSizeException>(() => Decompress(codec, bomb, Small)); // what the library allocates once
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<DecompressedSizeException>(() => Decompress(codec, bomb, Small));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * Small);
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void A_cut_stream_is_refused(CompressionCodec codec)
    {
        var bytes = Text(100_000);
        var compressed = Compress(codec, bytes);
        for (var length = 0; length < compressed.Length; length += Math.Max(1, length / 20))
        {
            // Blocks of the Java framing end where they will, so a cut between two of them cannot be seen.
            var cut = compressed[..length];
            var output = Record.Exception(() => Assert.InRange(Decompress(codec, cut, Bound).Length, 0, bytes.Length - 1));
            Assert.True(output is MalformedMessageException || (codec == CompressionCodec.Snappy && output is null), $"{codec} {length}: {output}");
        }
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void Changed_and_random_bytes_throw_nothing_but_the_typed_error(CompressionCodec codec)
    {
        var random = new Random(7);
        var samples = new[] { Compress(codec, Text(2_000)), Compress(codec, Text(70_000)), Compress(codec, []) };
        for (var round = 0; round < 2_000; round++)
        {
            byte[] bytes = [.. samples[round % samples.Length]];
            if (round % 10 == 0)
                random.NextBytes(bytes.AsSpan(Math.Min(bytes.Length, random.Next(20))));
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(random.Next(2) == 0 ? Math.Min(40, bytes.Length) : bytes.Length)] = (byte)random.Next(256);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var thrown = Record.Exception(() => Decompress(codec, bytes, Bound));
            Assert.True(thrown is null or MalformedMessageException, $"round {round}: {thrown}");
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (3 * Bound) + 200_000);
        }
    }

    [Fact]
    public void Snappy_without_its_framing_is_read()
    {
        var bytes = Text(50_000);
        Assert.Equal(bytes, Decompress(CompressionCodec.Snappy, Snappier.Snappy.CompressToArray(bytes), Bound));
        Assert.Empty(Decompress(CompressionCodec.Snappy, Compress(CompressionCodec.Snappy, []), Bound));
    }

    [Fact]
    public void Snappy_streams_one_after_the_other_are_one()
    {
        byte[] twice = [.. Compress(CompressionCodec.Snappy, Text(40_000)), .. Compress(CompressionCodec.Snappy, Text(10))];
        Assert.Equal([.. Text(40_000), .. Text(10)], Decompress(CompressionCodec.Snappy, twice, Bound));
    }

    [Fact]
    public void A_snappy_block_that_claims_more_than_it_can_hold_is_refused()
    {
        // CVE-2023-34455 and its kin: a length of 2 GB before a few bytes.
        byte[] framed = [.. Compress(CompressionCodec.Snappy, []), 0x7f, 0xff, 0xff, 0xff, 1, 2, 3];
        Assert.Throws<MalformedMessageException>(() => Decompress(CompressionCodec.Snappy, framed, int.MaxValue));
        byte[] negative = [.. Compress(CompressionCodec.Snappy, []), 0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        Assert.Throws<MalformedMessageException>(() => Decompress(CompressionCodec.Snappy, negative, int.MaxValue));
        byte[] bare = [0xff, 0xff, 0xff, 0xff, 0x07, 0, 1]; // a varint of 2147483647
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<MalformedMessageException>(() => Decompress(CompressionCodec.Snappy, bare, int.MaxValue));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000);
    }

    [Fact]
    public void Lz4_is_written_as_Kafkas_clients_write_it()
    {
        var frame = Compress(CompressionCodec.Lz4, Text(1000));
        Assert.Equal("04224d18604082", Convert.ToHexString(frame.AsSpan(0, 7)).ToLowerInvariant());
        Assert.Equal([0, 0, 0, 0], frame[^4..]);
        var old = new PooledBuffer();
        CompressionCodecs.Compress(CompressionCodec.Lz4, Text(1000), old, level: null, Lz4Framing.Magic0);
        Assert.Equal("04224d1860401a", Convert.ToHexString(old.Span[..7]).ToLowerInvariant());
        Assert.Equal(Text(1000), Decompress(CompressionCodec.Lz4, old.Span.ToArray(), Bound));
    }

    [Theory]
    [InlineData(false, false, false, false)]
    [InlineData(true, false, false, false)]
    [InlineData(false, true, true, true)]
    [InlineData(true, true, true, true)]
    public void Lz4_frames_with_other_flags_are_read(bool linked, bool blockChecksums, bool contentSize, bool contentChecksum)
    {
        var bytes = Text(200_000);
        var frame = Frame(bytes, linked, blockChecksums, contentSize, contentChecksum);
        Assert.Equal(bytes, Decompress(CompressionCodec.Lz4, frame, Bound));
        byte[] withSkippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9, .. frame, .. frame];
        Assert.Equal([.. bytes, .. bytes], Decompress(CompressionCodec.Lz4, withSkippable, Bound));
        if (!contentChecksum)
            return;
        frame[^1] ^= 1;
        Assert.Throws<MalformedMessageException>(() => Decompress(CompressionCodec.Lz4, frame, Bound));
    }

    [Fact]
    public void An_lz4_frame_that_claims_a_huge_content_is_refused()
    {
        var frame = Frame(Text(10), linked: false, blockChecksums: false, contentSize: true, contentChecksum: false);
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(6), 1UL << 40);
        frame[14] = (byte)(XxHash32.HashToUInt32(frame.AsSpan(4, 10)) >> 8);
        Assert.Throws<DecompressedSizeException>(() => Decompress(CompressionCodec.Lz4, frame, Bound));
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(6), Bound / 2);
        frame[14] = (byte)(XxHash32.HashToUInt32(frame.AsSpan(4, 10)) >> 8);
        Assert.Throws<MalformedMessageException>(() => Decompress(CompressionCodec.Lz4, frame, Bound));
    }

    [Fact]
    public void Zstd_without_a_content_size_is_read_and_bounded()
    {
        var bytes = Text(500_000);
        using var output = new MemoryStream();
        using (var stream = new ZstdSharp.CompressionStream(output, level: 3, leaveOpen: true))
            stream.Write(bytes);
        Assert.Equal(bytes, Decompress(CompressionCodec.Zstd, output.ToArray(), Bound));
        Assert.Equal(bytes, Decompress(CompressionCodec.Zstd, output.ToArray(), bytes.Length));
        Assert.Throws<DecompressedSizeException>(() => Decompress(CompressionCodec.Zstd, output.ToArray(), bytes.Length - 1));
        byte[] twice = [.. output.ToArray(), .. Compress(CompressionCodec.Zstd, bytes)];
        Assert.Equal(1_000_000, Decompress(CompressionCodec.Zstd, twice, Bound).Length);
    }

    [Fact]
    public void A_zstd_frame_that_claims_a_huge_content_is_refused()
    {
        // Magic, an eight-byte content size of 2^62, and a raw block.
        byte[] frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x09, 0, 0, 1];
        Assert.Throws<DecompressedSizeException>(() => Decompress(CompressionCodec.Zstd, frame, Bound));
    }

    [Fact]
    public void Codecs_have_names()
    {
        foreach (var codec in Enum.GetValues<CompressionCodec>())
        {
            Assert.True(CompressionCodecs.TryParse(CompressionCodecs.Name(codec), out var parsed));
            Assert.Equal(codec, parsed);
        }

        Assert.True(CompressionCodecs.TryParse("uncompressed", out _));
        Assert.False(CompressionCodecs.TryParse("producer", out _));
        Assert.Throws<MalformedMessageException>(() => Decompress((CompressionCodec)5, [], Bound));
    }

    private static byte[] Compress(CompressionCodec codec, byte[] bytes, int? level = null)
    {
        using var buffer = new PooledBuffer();
        buffer.Write([1, 2, 3]); // what stood there before stays
        CompressionCodecs.Compress(codec, bytes, buffer, level);
        Assert.Equal([1, 2, 3], buffer.Span[..3].ToArray());
        return buffer.Span[3..].ToArray();
    }

    private static byte[] Decompress(CompressionCodec codec, byte[] bytes, int maxBytes)
    {
        using var buffer = new PooledBuffer();
        CompressionCodecs.Decompress(codec, bytes, buffer, maxBytes);
        return buffer.Span.ToArray();
    }

    private static byte[] Text(int size)
    {
        var bytes = new byte[size];
        var random = new Random(size);
        for (var i = 0; i < size;)
        {
            foreach (var c in $"flight {random.Next(100)} is {random.Next(60)} minutes late; ")
            {
                if (i < size)
                    bytes[i++] = (byte)c;
            }
        }

        return bytes;
    }

    // Blocks written by hand; with linked ones, each refers back to the text before it by literal runs and one long match.
    private static byte[] Frame(byte[] bytes, bool linked, bool blockChecksums, bool contentSize, bool contentChecksum)
    {
        using var frame = new MemoryStream();
        using var writer = new BinaryWriter(frame);
        var flags = 0x40 | (linked ? 0 : 0x20) | (blockChecksums ? 0x10 : 0) | (contentSize ? 8 : 0) | (contentChecksum ? 4 : 0);
        writer.Write(0x184D2204);
        writer.Write((byte)flags);
        writer.Write((byte)0x40);
        if (contentSize)
            writer.Write((ulong)bytes.Length);
        writer.Write((byte)(XxHash32.HashToUInt32(frame.ToArray().AsSpan(4)) >> 8));
        for (var i = 0; i < bytes.Length; i += 60_000)
        {
            var block = bytes.AsSpan(i, Math.Min(60_000, bytes.Length - i));
            var compressed = linked ? LinkedBlock(bytes, i, block.Length) : IndependentBlock(block);
            writer.Write(compressed.Length);
            writer.Write(compressed);
            if (blockChecksums)
                writer.Write(XxHash32.HashToUInt32(compressed));
        }

        writer.Write(0);
        if (contentChecksum)
            writer.Write(XxHash32.HashToUInt32(bytes));
        return frame.ToArray();
    }

    private static byte[] IndependentBlock(ReadOnlySpan<byte> block)
    {
        var output = new byte[LZ4Codec.MaximumOutputSize(block.Length)];
        return output[..LZ4Codec.Encode(block, output)];
    }

    // One match of four to eighteen bytes into the block before, where the text happens to repeat, and literals for the rest.
    private static byte[] LinkedBlock(byte[] bytes, int start, int length)
    {
        var block = bytes.AsSpan(start, length);
        using var output = new MemoryStream();
        var (skip, distance) = (0, 0);
        for (; start > 0 && distance == 0 && skip < length - 32; skip++)
        {
            var found = bytes.AsSpan(start - 30_000, 30_000).LastIndexOf(block.Slice(skip, 8));
            distance = found < 0 ? 0 : 30_000 - found + skip;
        }

        if (distance > 0)
        {
            skip--;
            Literals(output, block[..skip], matchExtra: 4);
            output.Write([(byte)distance, (byte)(distance >> 8)]);
            block = block[(skip + 8)..];
        }
        else
        {
            Assert.Equal(0, start);
        }

        Literals(output, block, matchExtra: 0);
        return output.ToArray();
    }

    private static void Literals(MemoryStream output, ReadOnlySpan<byte> literals, int matchExtra)
    {
        output.WriteByte((byte)((Math.Min(15, literals.Length) << 4) | matchExtra));
        for (var rest = literals.Length - 15; rest >= 0; rest -= 255)
            output.WriteByte((byte)Math.Min(rest, 255));
        output.Write(literals);
    }
}
