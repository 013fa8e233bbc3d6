using System.Numerics;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

public class Crc32CTests
{
    [Fact]
    public void The_check_value_of_the_polynomial() => Assert.Equal(0xe3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void All_ways_agree_at_every_length_and_alignment()
    {
        var random = new Random(1);
        var buffer = new byte[20_000];
        random.NextBytes(buffer);
        for (var i = 0; i < 3_000; i++)
        {
            var length = i < 1_500 ? i : random.Next(buffer.Length);
            var bytes = buffer.AsSpan(random.Next(Math.Min(64, buffer.Length - length + 1)), length);
            var expected = OneByteAtATime(bytes);
            Assert.Equal(expected, ~Crc32C.Plain(~0u, bytes));
            Assert.Equal(expected, Crc32C.Compute(bytes));

            ReadOnlySpan<byte> rest = bytes;
            var state = Crc32C.Interleaved(~0u, ref rest);
            Assert.Equal(expected, ~Crc32C.Plain(state, rest));

            if (!Pclmulqdq.V512.IsSupported || length < 256)
                continue;
            rest = bytes;
            state = Crc32C.Folded(~0u, ref rest);
            Assert.Equal(expected, ~Crc32C.Plain(state, rest));
        }
    }

    [Fact]
    public void Parts_appended_give_the_crc_of_the_whole()
    {
        var random = new Random(2);
        var bytes = new byte[30_000];
        random.NextBytes(bytes);
        for (var i = 0; i < 200; i++)
        {
            var cut = random.Next(bytes.Length);
            Assert.Equal(Crc32C.Compute(bytes), Crc32C.Append(Crc32C.Compute(bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        }
    }

    private static uint OneByteAtATime(ReadOnlySpan<byte> bytes)
    {
        var state = ~0u;
        foreach (var b in bytes)
            state = BitOperations.Crc32C(state, b);
        return ~state;
    }
}
