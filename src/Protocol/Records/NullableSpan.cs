namespace Milena.Protocol.Records;

/// <summary>Bytes or null, which is not the same as no bytes: a null value is a tombstone.</summary>
public readonly ref struct NullableSpan
{
    private readonly bool present;

    /// <summary>These bytes.</summary>
    public NullableSpan(ReadOnlySpan<byte> span)
    {
        Span = span;
        present = true;
    }

    /// <summary>The null of the protocol.</summary>
    public static NullableSpan Null => default;

    /// <summary>True if there are no bytes, not even none.</summary>
    public bool IsNull => !present;

    /// <summary>The bytes; empty for null.</summary>
    public ReadOnlySpan<byte> Span { get; }

    /// <summary>The number of bytes, -1 for null, as records count.</summary>
    public int Length => present ? Span.Length : -1;

    /// <summary>A copy of the bytes, or null.</summary>
    public byte[]? ToArray() => present ? Span.ToArray() : null;

    /// <summary>A span is never null, whatever it was made of.</summary>
    public static implicit operator NullableSpan(ReadOnlySpan<byte> span) => new(span);

    /// <summary>A span is never null, whatever it was made of.</summary>
    public static implicit operator NullableSpan(Span<byte> span) => new(span);

    /// <summary>An array, or null for null.</summary>
    public static implicit operator NullableSpan(byte[]? array) => array is null ? default : new(array);

    /// <summary>A memory, or null for null.</summary>
    public static implicit operator NullableSpan(ReadOnlyMemory<byte>? memory) => memory is { } m ? new(m.Span) : default;
}
