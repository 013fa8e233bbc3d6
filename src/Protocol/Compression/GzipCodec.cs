using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace Milena.Protocol.Compression;

/// <summary>
/// A gzip stream (RFC 1952) of one member, as all clients write it. The input is copied once, because the library reads streams and
/// not spans.
/// </summary>
internal static class GzipCodec
{
    private const int ChunkBytes = 16 * 1024;

    /// <summary>Header, trailer, and at least two bytes of blocks.</summary>
    private const int MemberBytesMin = 20;

    /// <summary>A stream that holds nothing; the library would write no stream at all.</summary>
    private static ReadOnlySpan<byte> EmptyStream => [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    internal static void Compress(ReadOnlySpan<byte> source, PooledBuffer destination, int? level)
    {
        if (source.IsEmpty)
        {
            destination.Write(EmptyStream);
            return;
        }

        var options = new ZLibCompressionOptions { CompressionLevel = level is null or -1 ? 6 : level.Value };
        using var gzip = new GZipStream(new AppendStream(destination), options);
        gzip.Write(source);
    }

    internal static void Decompress(ReadOnlySpan<byte> source, PooledBuffer destination, int maxBytes)
    {
        var input = ArrayPool<byte>.Shared.Rent(source.Length);
        try
        {
            source.CopyTo(input);
            using var gzip = new GZipStream(new MemoryStream(input, 0, source.Length, writable: false), CompressionMode.Decompress);
            var length = Read(gzip, destination, maxBytes);

            // The library takes the end of the input for the end of the stream. A whole stream ends with its length, a cut one does not.
            if (source.Length < MemberBytesMin || BinaryPrimitives.ReadInt32LittleEndian(source[^sizeof(int)..]) != length)
                throw new MalformedMessageException("a gzip stream is cut");
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new MalformedMessageException("not a gzip stream", e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(input);
        }
    }

    private static int Read(GZipStream gzip, PooledBuffer destination, int maxBytes)
    {
        var left = maxBytes;
        while (left > 0)
        {
            var span = destination.GetSpan(Math.Min(left, ChunkBytes));
            var count = gzip.Read(span[..Math.Min(span.Length, left)]);
            if (count == 0)
                return maxBytes - left;
            destination.Advance(count);
            left -= count;
        }

        Span<byte> more = stackalloc byte[1];
        if (gzip.Read(more) > 0)
            throw new DecompressedSizeException(maxBytes);
        return maxBytes;
    }

    /// <summary>What the compressor writes goes to the buffer.</summary>
    private sealed class AppendStream(PooledBuffer buffer) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> bytes) => buffer.Write(bytes);

        public override void Write(byte[] bytes, int offset, int count) => buffer.Write(bytes.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] bytes, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
