using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Milena.Protocol.Records;

/// <summary>
/// CRC-32C (Castagnoli), the checksum of record batches and snapshots. A processor's CRC instruction gives one result in three
/// cycles but can start one in each, so three parts of the buffer are computed side by side and put together; with 512-bit
/// carry-less multiplication, sixteen 128-bit lanes are folded instead, which is twice as fast again. Both rest on the same fact:
/// appending n zero bits to a message multiplies its CRC by x^n.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78; // bit-reversed, as everything here: bit 31 is x^0
    private const int LongLaneWords = 256; // 2 KiB a stream keep all three in the first-level cache
    private const int ShortLaneWords = 32; // what 768 bytes gain outweighs putting three states together
    private const int FoldBytes = 256; // four vectors of 512 bits

    private static readonly uint LongLaneShift = PowerOfX((LongLaneWords * 64) - 33);
    private static readonly uint LongLanesShift = PowerOfX((2 * LongLaneWords * 64) - 33);
    private static readonly uint ShortLaneShift = PowerOfX((ShortLaneWords * 64) - 33);
    private static readonly uint ShortLanesShift = PowerOfX((2 * ShortLaneWords * 64) - 33);
    private static readonly Vector512<ulong> FoldBy2048 = FoldFactors(2048);
    private static readonly Vector512<ulong> FoldBy512 = FoldFactors(512);
    private static readonly Vector128<ulong> FoldBy128 = FoldFactors(128).GetLower().GetLower();

    /// <summary>The CRC of the bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of some bytes, whose CRC is <paramref name="crc"/> (0 for none yet), followed by more bytes.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var state = ~crc;
        if (Pclmulqdq.V512.IsSupported && bytes.Length >= 2 * FoldBytes)
            state = Folded(state, ref bytes);
        else if (bytes.Length >= 3 * ShortLaneWords * sizeof(ulong))
            state = Interleaved(state, ref bytes);
        return ~Plain(state, bytes);
    }

    /// <summary>One stream, for what the quick ways leave. In software where the processor has no such instruction.</summary>
    internal static uint Plain(uint state, ReadOnlySpan<byte> bytes)
    {
        if (BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, ulong>(bytes);
            foreach (var word in words)
                state = BitOperations.Crc32C(state, word);
            bytes = bytes[(words.Length * sizeof(ulong))..];
        }

        foreach (var b in bytes)
            state = BitOperations.Crc32C(state, b);
        return state;
    }

    /// <summary>Three streams, in long lanes and then in short ones; leaves what makes no three short lanes.</summary>
    internal static uint Interleaved(uint state, ref ReadOnlySpan<byte> bytes)
    {
        if (!BitConverter.IsLittleEndian)
            return state;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        state = Interleaved(state, ref words, LongLaneWords, LongLaneShift, LongLanesShift);
        state = Interleaved(state, ref words, ShortLaneWords, ShortLaneShift, ShortLanesShift);
        bytes = bytes[^((words.Length * sizeof(ulong)) + (bytes.Length % sizeof(ulong)))..];
        return state;
    }

    private static uint Interleaved(uint state, ref ReadOnlySpan<ulong> words, int laneWords, uint shiftOne, uint shiftTwo)
    {
        while (words.Length >= 3 * laneWords)
        {
            var first = words[..laneWords];
            var second = words.Slice(laneWords, first.Length);
            var third = words.Slice(2 * laneWords, first.Length);
            uint secondState = 0, thirdState = 0;
            for (var i = 0; i < first.Length; i++)
            {
                state = BitOperations.Crc32C(state, first[i]);
                secondState = BitOperations.Crc32C(secondState, second[i]);
                thirdState = BitOperations.Crc32C(thirdState, third[i]);
            }

            state = Shift(state, shiftTwo) ^ Shift(secondState, shiftOne) ^ thirdState;
            words = words[(3 * laneWords)..];
        }

        return state;
    }

    /// <summary>
    /// Sixteen lanes of 128 bits in four registers; takes whole multiples of 256 bytes, at least one, and leaves the rest. Only where
    /// <see cref="Pclmulqdq.V512"/> is supported.
    /// </summary>
    internal static uint Folded(uint state, ref ReadOnlySpan<byte> bytes)
    {
        ref var start = ref MemoryMarshal.GetReference(bytes);
        var a = Vector512.LoadUnsafe(ref start, 0).AsUInt64() ^ Vector512.CreateScalar((ulong)state);
        var b = Vector512.LoadUnsafe(ref start, 64).AsUInt64();
        var c = Vector512.LoadUnsafe(ref start, 128).AsUInt64();
        var d = Vector512.LoadUnsafe(ref start, 192).AsUInt64();
        var factors = FoldBy2048;
        var taken = FoldBytes;
        for (; taken <= bytes.Length - FoldBytes; taken += FoldBytes)
        {
            var at = (nuint)taken;
            a = Fold(a, factors) ^ Vector512.LoadUnsafe(ref start, at).AsUInt64();
            b = Fold(b, factors) ^ Vector512.LoadUnsafe(ref start, at + 64).AsUInt64();
            c = Fold(c, factors) ^ Vector512.LoadUnsafe(ref start, at + 128).AsUInt64();
            d = Fold(d, factors) ^ Vector512.LoadUnsafe(ref start, at + 192).AsUInt64();
        }

        factors = FoldBy512;
        var all = Fold(Fold(Fold(a, factors) ^ b, factors) ^ c, factors) ^ d;
        var lane = all.GetLower().GetLower();
        lane = Fold(lane, FoldBy128) ^ all.GetLower().GetUpper();
        lane = Fold(lane, FoldBy128) ^ all.GetUpper().GetLower();
        lane = Fold(lane, FoldBy128) ^ all.GetUpper().GetUpper();
        bytes = bytes[taken..];
        return BitOperations.Crc32C(BitOperations.Crc32C(0, lane[0]), lane[1]);
    }

    private static Vector512<ulong> Fold(Vector512<ulong> value, Vector512<ulong> factors) =>
        Pclmulqdq.V512.CarrylessMultiply(value, factors, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(value, factors, 0x11);

    private static Vector128<ulong> Fold(Vector128<ulong> value, Vector128<ulong> factors) =>
        Pclmulqdq.CarrylessMultiply(value, factors, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, factors, 0x11);

    // A reversed product of two 64-bit numbers comes out multiplied by x, hence one power less. The low word holds the higher powers.
    private static Vector512<ulong> FoldFactors(int bits) =>
        Vector512.Create(Vector256.Create(Vector128.Create((ulong)PowerOfX(bits + 63) << 32, (ulong)PowerOfX(bits - 1) << 32)));

    /// <summary>
    /// The state after zero bits, whose number is 33 more than the power of x that is <paramref name="factor"/>: the product of two
    /// 32-bit numbers comes out times x, and the CRC instruction that reduces it multiplies by x^32.
    /// </summary>
    private static uint Shift(uint state, uint factor)
    {
        var product = Pclmulqdq.IsSupported
            ? Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)state), Vector128.CreateScalar((ulong)factor), 0)[0]
            : CarrylessMultiply(state, factor);
        return BitOperations.Crc32C(0, product);
    }

    private static ulong CarrylessMultiply(uint a, uint b)
    {
        var product = 0UL;
        for (var i = 0; i < 32; i++)
            product ^= ((a >> i) & 1) * ((ulong)b << i);
        return product;
    }

    private static uint PowerOfX(int exponent)
    {
        var power = 0x80000000u; // x^0
        for (; exponent > 0; exponent--)
            power = (power >> 1) ^ ((power & 1) * Polynomial);
        return power;
    }
}
