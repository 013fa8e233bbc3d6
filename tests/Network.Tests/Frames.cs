using System.Buffers;
using System.Buffers.Binary;
using Milena.Protocol;

namespace Milena.Network.Tests;

/// <summary>Requests and responses as the network sees them: a size, and bytes that begin with a correlation id where it matters.</summary>
internal static class Frames
{
    /// <summary>A frame of these bytes.</summary>
    public static OutboundFrame Of(ReadOnlySpan<byte> payload)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(sizeof(int) + payload.Length);
        BinaryPrimitives.WriteInt32BigEndian(buffer, payload.Length);
        payload.CopyTo(buffer.AsSpan(sizeof(int)));
        return new OutboundFrame(buffer, sizeof(int) + payload.Length);
    }

    /// <summary>A request: API key and version 0, the correlation id, then the body.</summary>
    public static OutboundFrame Request(int correlationId, ReadOnlySpan<byte> body)
    {
        var payload = new byte[2 * sizeof(int) + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(sizeof(int)), correlationId);
        body.CopyTo(payload.AsSpan(2 * sizeof(int)));
        return Of(payload);
    }

    /// <summary>The response to a request: its correlation id, then a body.</summary>
    public static OutboundFrame Response(InboundFrame request, ReadOnlySpan<byte> body)
    {
        var length = sizeof(int) + body.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(sizeof(int) + length);
        BinaryPrimitives.WriteInt32BigEndian(buffer, length);
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(sizeof(int)), CorrelationId(request));
        body.CopyTo(buffer.AsSpan(2 * sizeof(int)));
        return new OutboundFrame(buffer, sizeof(int) + length);
    }

    /// <summary>A response whose body is read from a source while it is sent.</summary>
    public static OutboundFrame Response(InboundFrame request, RecordSource body)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(2 * sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(buffer, sizeof(int) + body.Length);
        BinaryPrimitives.WriteInt32BigEndian(buffer.AsSpan(sizeof(int)), CorrelationId(request));
        return new OutboundFrame(buffer, 2 * sizeof(int), [new(2 * sizeof(int), body)]);
    }

    public static int CorrelationId(InboundFrame request) =>
        BinaryPrimitives.ReadInt32BigEndian(request.Bytes.Span[sizeof(int)..]);

    public static ReadOnlySpan<byte> Body(InboundFrame request) => request.Bytes.Span[(2 * sizeof(int))..];

    /// <summary>The whole frame as it goes over the wire.</summary>
    public static byte[] Wire(OutboundFrame frame)
    {
        using (frame)
        {
            var bytes = new byte[frame.Length];
            frame.CopyTo(0, bytes);
            return bytes;
        }
    }

    public static byte[] Numbered(int length, int seed = 0)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)((i * 31) + seed);
        return bytes;
    }
}

/// <summary>Bytes that are computed when they are read, as a segment file would be.</summary>
internal sealed class NumberedSource(int length, int failsAt = int.MaxValue) : RecordSource
{
    public override int Length => length;

    public override void Read(int offset, Span<byte> destination)
    {
        if (offset + destination.Length > failsAt)
            throw new IOException("the disk is gone");
        for (var i = 0; i < destination.Length; i++)
            destination[i] = (byte)((offset + i) * 31);
    }
}
