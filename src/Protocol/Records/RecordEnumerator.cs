using System.Diagnostics.CodeAnalysis;

namespace Milena.Protocol.Records;

/// <summary>
/// Goes through the records of one batch, of any magic, without allocating. Every length is checked when a record is reached, and
/// the number of records at the end: what does not fit is a <see cref="MalformedMessageException"/>, never anything else.
/// </summary>
public ref struct RecordEnumerator
{
    /// <summary>Six numbers of a byte each, and the attributes.</summary>
    internal const int RecordBytesMin = 7;

    private readonly ReadOnlySpan<byte> bytes;
    private readonly long baseOffset;
    private readonly long baseTimestamp;
    private readonly long? appendTimestamp;
    private readonly int lastOffsetDelta;
    private readonly bool legacy;
    private LegacyReader messages;
    private int left;
    private int position;

    internal RecordEnumerator(RecordBatchView batch, ReadOnlySpan<byte> uncompressed)
    {
        bytes = uncompressed;
        baseOffset = batch.BaseOffset;
        baseTimestamp = batch.BaseTimestamp;
        appendTimestamp = batch.TimestampType == TimestampType.LogAppendTime ? batch.MaxTimestamp : null;
        legacy = batch.IsLegacy;
        lastOffsetDelta = batch.LastOffsetDelta;
        left = batch.RecordCount;
        if (legacy)
            messages = new(batch, uncompressed);
        else if (left < 0 || left > bytes.Length / RecordBytesMin)
            ThrowMalformed("a batch has fewer bytes than its records need");
    }

    /// <summary>The record it stands on.</summary>
    public Record Current { readonly get; private set; }

    /// <summary>For foreach.</summary>
    public readonly RecordEnumerator GetEnumerator() => this;

    /// <summary>Goes to the next record, if there is one.</summary>
    public bool MoveNext()
    {
        if (legacy)
        {
            if (!messages.MoveNext())
                return false;
            Current = messages.Current;
            return true;
        }

        if (left == 0)
        {
            if (position != bytes.Length)
                ThrowMalformed("there are bytes behind the last record");
            return false;
        }

        left--;
        Read();
        return true;
    }

    private void Read()
    {
        var at = position;
        var length = Varint.ReadInt32(bytes, ref at);
        if (length < 0 || length > bytes.Length - at)
            ThrowMalformed("a record is longer than what is left");
        var body = bytes.Slice(at, length);
        position = at + length;

        at = 1; // behind the attributes, of which none is defined
        var timestampDelta = Varint.ReadInt64(body, ref at);
        var offsetDelta = Varint.ReadInt32(body, ref at);
        if (offsetDelta < 0 || offsetDelta > lastOffsetDelta)
            ThrowMalformed("a record's offset lies outside its batch");
        var keyLength = Length(body, ref at, out var keyOffset);
        var valueLength = Length(body, ref at, out var valueOffset);
        var headerCount = Varint.ReadInt32(body, ref at);
        var headersOffset = at;
        if (headerCount != 0)
            SkipHeaders(body, headerCount, ref at);
        if (at != length)
            ThrowMalformed("a record is not as long as it says");
        Current = new(
            body, baseOffset + offsetDelta, appendTimestamp ?? (baseTimestamp + timestampDelta),
            keyOffset, keyLength, valueOffset, valueLength, headersOffset, headerCount);
    }

    private static int Length(ReadOnlySpan<byte> body, ref int at, out int start)
    {
        var length = Varint.ReadInt32(body, ref at);
        start = at;
        if (length < -1 || length > body.Length - at)
            ThrowMalformed("a part of a record is longer than the record");
        at += Math.Max(length, 0);
        return length;
    }

    private static void SkipHeaders(ReadOnlySpan<byte> body, int count, ref int at)
    {
        if (count < 0 || count > (body.Length - at) / 2)
            ThrowMalformed("a record has fewer bytes than its headers need");
        for (var i = 0; i < count; i++)
        {
            if (Length(body, ref at, out _) < 0)
                ThrowMalformed("a header has no name");
            Length(body, ref at, out _);
        }
    }

    [DoesNotReturn]
    private static void ThrowMalformed(string what) => throw new MalformedMessageException(what);
}
