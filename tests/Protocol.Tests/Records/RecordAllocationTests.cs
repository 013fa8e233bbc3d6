using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

/// <summary>Nothing is allocated for a record, and for a batch only what the codec's library needs.</summary>
public class RecordAllocationTests
{
    private const int Records = 1_000;

    [Theory]
    [InlineData(CompressionCodec.None, 0)]
    [InlineData(CompressionCodec.Snappy, 600)]
    [InlineData(CompressionCodec.Lz4, 0)]
    [InlineData(CompressionCodec.Zstd, 100)]
    [InlineData(CompressionCodec.Gzip, 12_000)]
    public void Reading_and_writing_a_batch_allocates_nothing_per_record(CompressionCodec codec, long allowed)
    {
        using var builder = new RecordBatchBuilder();
        using var scratch = new PooledBuffer();
        var options = RecordBatchOptions.Default with { Codec = codec };
        var value = new byte[100];
        RecordHeader[] headers = [new("name", value.AsMemory(0, 10))];

        Write(builder, options, value, headers);
        Read(builder.Build().Span, scratch);
        var written = Allocated(() => Write(builder, options, value, headers));
        var read = Allocated(() => Read(builder.Build().Span, scratch)) - Allocated(() => builder.Build());
        Assert.InRange(written, 0, allowed);
        Assert.InRange(read, -100, allowed);
    }

    [Fact]
    public void Validating_a_batch_that_stays_as_it_is_allocates_nothing()
    {
        using var builder = new RecordBatchBuilder();
        Write(builder, RecordBatchOptions.Default with { Codec = CompressionCodec.Lz4 }, new byte[100], []);
        var batch = builder.Build();
        var rules = new BatchRules { TimestampType = TimestampType.LogAppendTime };
        byte[] sent = batch.ToArray();
        var accepted = true;
        Assert.Equal(0, Allocated(() =>
        {
            batch.Span.CopyTo(sent);
            accepted &= BatchValidator.CheckRequest(sent, 9, out _) == ErrorCode.None;
            using var validation = BatchValidator.Validate(sent, rules, nowMs: 1_700_000_000_000);
            accepted &= validation.Error == ErrorCode.None;
        }));
        Assert.True(accepted);
    }

    private static long Allocated(Action action)
    {
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Write(RecordBatchBuilder builder, RecordBatchOptions options, byte[] value, RecordHeader[] headers)
    {
        builder.Begin(options);
        for (var i = 0; i < Records; i++)
            builder.Append(1_700_000_000_000 + i, value.AsSpan(0, 8), value, headers);
        Assert.True(builder.Build().Length > RecordBatchHeader.Size);
    }

    private static void Read(ReadOnlySpan<byte> bytes, PooledBuffer scratch)
    {
        var batch = new RecordBatchView(bytes);
        long total = 0;
        foreach (var record in batch.ReadRecords(scratch, TestRecord.MaxBytes))
        {
            total += record.Key.Length + record.Value.Length;
            foreach (var header in record.Headers)
                total += header.NameUtf8.Length;
        }

        Assert.True(total > Records);
    }
}
