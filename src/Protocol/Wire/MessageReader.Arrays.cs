using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Milena.Common;

namespace Milena.Protocol;

/// <content>Arrays. A count is believed only as far as its elements fit into what is left.</content>
public ref partial struct MessageReader
{
    /// <summary>
    /// The count of an array, -1 for null. <paramref name="elementBytesMin"/> is the least that one element takes, so that
    /// nobody allocates for elements that cannot be there.
    /// </summary>
    public int ReadArrayCount(bool isFlexible, int elementBytesMin)
    {
        var count = isFlexible ? ReadCompactLength() : ReadInt32();
        if (count < 0 && IsNull(count))
            return -1;
        if ((long)count * elementBytesMin > Remaining)
            throw MalformedMessageException.At(position, $"an array of {count}, but {Remaining} bytes are left");
        return count;
    }

    /// <summary>An array of strings that may not be null.</summary>
    public string[] ReadStringArray(bool isFlexible) => NotNull(ReadNullableStringArray(isFlexible));

    /// <summary>An array of strings, or null.</summary>
    public string[]? ReadNullableStringArray(bool isFlexible)
    {
        var values = NewArray<string>(isFlexible, isFlexible ? 1 : 2);
        for (var i = 0; i < values?.Length; i++)
            values[i] = ReadString(isFlexible);
        return values;
    }

    /// <summary>An array of ids that may not be null.</summary>
    public Uuid[] ReadUuidArray(bool isFlexible) => NotNull(ReadNullableUuidArray(isFlexible));

    /// <summary>An array of ids, or null.</summary>
    public Uuid[]? ReadNullableUuidArray(bool isFlexible)
    {
        var values = NewArray<Uuid>(isFlexible, Uuid.Size);
        for (var i = 0; i < values?.Length; i++)
            values[i] = ReadUuid();
        return values;
    }

    /// <summary>An array of bytes that may not be null.</summary>
    public sbyte[] ReadInt8Array(bool isFlexible) => NotNull(ReadNullableInt8Array(isFlexible));

    /// <summary>An array of bytes, or null.</summary>
    public sbyte[]? ReadNullableInt8Array(bool isFlexible)
    {
        var values = NewArray<sbyte>(isFlexible, 1);
        if (values is not null)
            MemoryMarshal.Cast<byte, sbyte>(Take(values.Length)).CopyTo(values);
        return values;
    }

    /// <summary>An array of int16 that may not be null.</summary>
    public short[] ReadInt16Array(bool isFlexible) => NotNull(ReadNullableInt16Array(isFlexible));

    /// <summary>An array of int16, or null.</summary>
    public short[]? ReadNullableInt16Array(bool isFlexible)
    {
        var values = NewArray<short>(isFlexible, sizeof(short));
        for (var i = 0; i < values?.Length; i++)
            values[i] = ReadInt16();
        return values;
    }

    /// <summary>An array of int32 that may not be null.</summary>
    public int[] ReadInt32Array(bool isFlexible) => NotNull(ReadNullableInt32Array(isFlexible));

    /// <summary>An array of int32, or null.</summary>
    public int[]? ReadNullableInt32Array(bool isFlexible)
    {
        var values = NewArray<int>(isFlexible, sizeof(int));
        var bytes = Take((values?.Length ?? 0) * sizeof(int));
        for (var i = 0; i < values?.Length; i++)
            values[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(i * sizeof(int))..]);
        return values;
    }

    /// <summary>An array of int64 that may not be null.</summary>
    public long[] ReadInt64Array(bool isFlexible) => NotNull(ReadNullableInt64Array(isFlexible));

    /// <summary>An array of int64, or null.</summary>
    public long[]? ReadNullableInt64Array(bool isFlexible)
    {
        var values = NewArray<long>(isFlexible, sizeof(long));
        for (var i = 0; i < values?.Length; i++)
            values[i] = ReadInt64();
        return values;
    }

    private T[]? NewArray<T>(bool isFlexible, int elementBytes)
    {
        var count = ReadArrayCount(isFlexible, elementBytes);
        return count > 0 ? new T[count] : count == 0 ? [] : null;
    }

    private static T[] NotNull<T>(T[]? values) => values ?? throw MalformedMessageException.Null("array");
}
