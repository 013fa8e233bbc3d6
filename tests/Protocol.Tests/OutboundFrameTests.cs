using System.Buffers;

namespace Milena.Protocol.Tests;

public class OutboundFrameTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(100)]
    public void Sources_are_inserted_whatever_the_step(int step)
    {
        using var frame = Frame();
        var all = new List<byte>();
        var chunk = new byte[step];
        while (all.Count < frame.Length)
        {
            var count = frame.CopyTo(all.Count, chunk);
            Assert.True(count > 0);
            all.AddRange(chunk.AsSpan(0, count));
        }

        Assert.Equal<byte>([100, 101, 0, 1, 2, 102, 103, 104, 0, 1], all);
        Assert.Equal(0, frame.CopyTo(frame.Length, chunk));
    }

    [Fact]
    public void A_frame_without_sources_is_one_piece_of_memory()
    {
        using var plain = new OutboundFrame(ArrayPool<byte>.Shared.Rent(4), 3);
        Assert.True(plain.TryGetMemory(out var bytes));
        Assert.Equal(3, bytes.Length);
        using var mixed = Frame();
        Assert.False(mixed.TryGetMemory(out _));
    }

    private static OutboundFrame Frame()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(5);
        for (var i = 0; i < 5; i++)
            buffer[i] = (byte)(100 + i);
        return new OutboundFrame(buffer, 5, [new(2, new Counting(3)), new(5, new Counting(2))]);
    }

    private sealed class Counting(int length) : RecordSource
    {
        public override int Length => length;

        public override void Read(int offset, Span<byte> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = (byte)(offset + i);
        }
    }
}
