using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using Record = Milena.Protocol.Records.Record;

namespace Milena.Protocol.Tests.Records;

/// <summary>A record as a value that can be compared and printed: offset, timestamp, key, value and headers.</summary>
internal sealed record TestRecord(long Offset, long TimestampMs, string? Key, string? Value, string Headers = "")
{
    /// <summary>More than any test needs.</summary>
    internal const int MaxBytes = 16 * 1024 * 1024;

    internal static TestRecord Of(in Record record)
    {
        var headers = "";
        foreach (var header in record.Headers)
            headers += $"{header.Name}={Text(header.Value) ?? "null"};";
        return new(record.Offset, record.TimestampMs, Text(record.Key), Text(record.Value), headers);
    }

    /// <summary>All records of a batch of any magic.</summary>
    internal static List<TestRecord> All(RecordBatchView batch)
    {
        using var scratch = new PooledBuffer();
        var records = new List<TestRecord>();
        foreach (var record in batch.ReadRecords(scratch, MaxBytes))
            records.Add(Of(record));
        return records;
    }

    /// <summary>All records of a run of batches.</summary>
    internal static List<TestRecord> AllOf(ReadOnlySpan<byte> batches)
    {
        var records = new List<TestRecord>();
        foreach (var batch in RecordBatches.Enumerate(batches))
            records.AddRange(All(batch));
        return records;
    }

    // One char a byte, so that nothing is lost whatever the bytes are.
    private static string? Text(NullableSpan bytes) => bytes.IsNull ? null : System.Text.Encoding.Latin1.GetString(bytes.Span);
}
