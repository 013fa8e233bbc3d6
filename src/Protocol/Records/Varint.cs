using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Milena.Protocol.Records;

/// <summary>
/// The integers inside records: zig-zag, so that small negative ones are short too, then seven bits a byte, lowest first, the high
/// bit saying that more follow. At most 5 bytes for an int, 10 for a long.
/// </summary>
internal static class Varint
{
    internal const int MaxBytes32 = 5;
    internal const int MaxBytes64 = 10;

    /// <summary>How many bytes the number takes.</summary>
    internal static int Size(long value) => ((BitOperations.Log2(ZigZag(value) | 1) * 9) + 73) / 64;

    /// <summary>Writes the number and returns how many bytes it took.</summary>
    internal static int Write(Span<byte> destination, long value)
    {
        var rest = ZigZag(value);
        var count = 0;
        for (; rest >= 0x80; rest >>= 7)
            destination[count++] = (byte)(rest | 0x80);
        destination[count] = (byte)rest;
        return count + 1;
    }

    /// <summary>Reads an int at the position and moves that on.</summary>
    internal static int ReadInt32(ReadOnlySpan<byte> bytes, ref int position)
    {
        var value = ReadShort(bytes, ref position, out var isShort);
        if (!isShort)
        {
            var wide = Read(bytes, ref position, MaxBytes32);
            if (wide > uint.MaxValue)
                ThrowTooLong();
            value = (uint)wide;
        }

        return (int)(value >> 1) ^ -(int)(value & 1);
    }

    /// <summary>Reads a long at the position and moves that on.</summary>
    internal static long ReadInt64(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong value = ReadShort(bytes, ref position, out var isShort);
        if (!isShort)
            value = Read(bytes, ref position, MaxBytes64);
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Numbers of one and two bytes, which nearly all are; moves the position only if it is such a one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ReadShort(ReadOnlySpan<byte> bytes, ref int position, out bool isShort)
    {
        var at = position;
        isShort = true;
        if ((uint)at < (uint)bytes.Length)
        {
            uint first = bytes[at++];
            if (first < 0x80)
            {
                position = at;
                return first;
            }

            if ((uint)at < (uint)bytes.Length && bytes[at] < 0x80)
            {
                position = at + 1;
                return (first & 0x7F) | ((uint)bytes[at] << 7);
            }
        }

        isShort = false;
        return 0;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static ulong Read(ReadOnlySpan<byte> bytes, ref int position, int maxBytes)
    {
        var value = 0UL;
        for (var i = 0; i < maxBytes; i++)
        {
            if ((uint)position >= (uint)bytes.Length)
                ThrowCut();
            var next = bytes[position++];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                if (i == MaxBytes64 - 1 && next > 1)
                    ThrowTooLong();
                return value;
            }
        }

        ThrowTooLong();
        return 0;
    }

    [DoesNotReturn]
    private static void ThrowCut() => throw new MalformedMessageException("a number in a record is cut");

    [DoesNotReturn]
    private static void ThrowTooLong() => throw new MalformedMessageException("a number in a record is too long");
}
