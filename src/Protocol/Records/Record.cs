using System.Text;

namespace Milena.Protocol.Records;

/// <summary>One record where it lies. Its parts have been checked, so nothing here fails. It holds as long as the bytes do.</summary>
public readonly ref struct Record
{
    private readonly ReadOnlySpan<byte> body;
    private readonly int keyOffset;
    private readonly int keyLength;
    private readonly int valueOffset;
    private readonly int valueLength;
    private readonly int headersOffset;

    internal Record(
        ReadOnlySpan<byte> body, long offset, long timestampMs,
        int keyOffset, int keyLength, int valueOffset, int valueLength, int headersOffset, int headerCount)
    {
        this.body = body;
        this.keyOffset = keyOffset;
        this.keyLength = keyLength;
        this.valueOffset = valueOffset;
        this.valueLength = valueLength;
        this.headersOffset = headersOffset;
        Offset = offset;
        TimestampMs = timestampMs;
        HeaderCount = headerCount;
    }

    /// <summary>The record's place in the log.</summary>
    public long Offset { get; }

    /// <summary>In ms; the time of the append under LogAppendTime; -1 for none.</summary>
    public long TimestampMs { get; }

    /// <summary>How many headers there are.</summary>
    public int HeaderCount { get; }

    /// <summary>What decides the partition and, in compacted topics, what is replaced.</summary>
    public NullableSpan Key => keyLength < 0 ? default : new(body.Slice(keyOffset, keyLength));

    /// <summary>The payload; null is a tombstone.</summary>
    public NullableSpan Value => valueLength < 0 ? default : new(body.Slice(valueOffset, valueLength));

    /// <summary>The headers in their order; names may repeat.</summary>
    public RecordHeaders Headers => new(HeaderBytes, HeaderCount);

    /// <summary>The headers as they are encoded, without their count.</summary>
    internal ReadOnlySpan<byte> HeaderBytes => HeaderCount == 0 ? [] : body[headersOffset..];
}

/// <summary>The headers of a record.</summary>
public readonly ref struct RecordHeaders
{
    private readonly ReadOnlySpan<byte> bytes;

    internal RecordHeaders(ReadOnlySpan<byte> bytes, int count)
    {
        this.bytes = bytes;
        Count = count;
    }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>For foreach.</summary>
    public Enumerator GetEnumerator() => new(bytes, Count);

    /// <summary>Goes through the headers, which have been checked before.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> bytes;
        private int left;
        private int position;

        internal Enumerator(ReadOnlySpan<byte> bytes, int count)
        {
            this.bytes = bytes;
            left = count;
        }

        /// <summary>The header it stands on.</summary>
        public RecordHeaderView Current { readonly get; private set; }

        /// <summary>Goes to the next.</summary>
        public bool MoveNext()
        {
            if (left == 0)
                return false;
            left--;
            var nameLength = Varint.ReadInt32(bytes, ref position);
            var name = bytes.Slice(position, nameLength);
            position += nameLength;
            var valueLength = Varint.ReadInt32(bytes, ref position);
            var value = valueLength < 0 ? default : new NullableSpan(bytes.Slice(position, valueLength));
            position += Math.Max(valueLength, 0);
            Current = new(name, value);
            return true;
        }
    }
}

/// <summary>One header of a record where it lies.</summary>
public readonly ref struct RecordHeaderView
{
    internal RecordHeaderView(ReadOnlySpan<byte> nameUtf8, NullableSpan value)
    {
        NameUtf8 = nameUtf8;
        Value = value;
    }

    /// <summary>The name's bytes; nobody has checked that they are UTF-8.</summary>
    public ReadOnlySpan<byte> NameUtf8 { get; }

    /// <summary>The name as a string.</summary>
    public string Name => Encoding.UTF8.GetString(NameUtf8);

    /// <summary>The value.</summary>
    public NullableSpan Value { get; }
}

/// <summary>A header to write.</summary>
/// <param name="Name">Its name, which need not be the only one of its kind.</param>
/// <param name="Value">Its value, or null.</param>
public readonly record struct RecordHeader(string Name, ReadOnlyMemory<byte>? Value);
