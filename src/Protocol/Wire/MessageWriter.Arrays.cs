using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Milena.Common;

namespace Milena.Protocol;

/// <content>Arrays, and the payloads of tagged fields.</content>
public sealed partial class MessageWriter
{
    /// <summary>The count of an array, -1 for null.</summary>
    public void WriteArrayCount(int count, bool isFlexible) => WriteLength(count, isFlexible);

    /// <summary>An array of strings, or null.</summary>
    public void WriteStringArray(string[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        foreach (var value in values ?? [])
            WriteString(value, isFlexible);
    }

    /// <summary>An array of ids, or null.</summary>
    public void WriteUuidArray(Uuid[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        foreach (var value in values ?? [])
            WriteUuid(value);
    }

    /// <summary>An array of bytes, or null.</summary>
    public void WriteInt8Array(sbyte[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        WriteRaw(MemoryMarshal.Cast<sbyte, byte>(values.AsSpan()));
    }

    /// <summary>An array of int16, or null.</summary>
    public void WriteInt16Array(short[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        foreach (var value in values ?? [])
            WriteInt16(value);
    }

    /// <summary>An array of int32, or null.</summary>
    public void WriteInt32Array(int[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        foreach (var value in values ?? [])
            WriteInt32(value);
    }

    /// <summary>An array of int64, or null.</summary>
    public void WriteInt64Array(long[]? values, bool isFlexible)
    {
        WriteArrayCount(values?.Length ?? -1, isFlexible);
        foreach (var value in values ?? [])
            WriteInt64(value);
    }

    /// <summary>The tag and the size of a payload whose size is known before it is written.</summary>
    public void WriteTag(uint tag, uint payloadBytes)
    {
        WriteUnsignedVarint(tag);
        WriteUnsignedVarint(payloadBytes);
    }

    /// <summary>Opens the payload of a tagged field; returns what <see cref="EndTag"/> needs.</summary>
    public int BeginTag(uint tag)
    {
        WriteUnsignedVarint(tag);
        Take(1);
        return position;
    }

    /// <summary>
    /// Closes a payload by writing its size before it. One byte was kept free, which is enough for most; a larger payload
    /// is moved on, which costs less than computing sizes beforehand and needs no second buffer.
    /// </summary>
    public void EndTag(int payload)
    {
        Invariant.Holds(insertions is null || insertions[^1].Position < payload);
        var length = position - payload;
        var sizeBytes = VarintSize((uint)length);
        if (sizeBytes > 1)
        {
            Take(sizeBytes - 1);
            buffer.AsSpan(payload, length).CopyTo(buffer.AsSpan(payload + sizeBytes - 1));
        }
        var end = position;
        position = payload - 1;
        WriteUnsignedVarint((uint)length);
        position = end;
    }
}
