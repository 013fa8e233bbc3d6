using Milena.Common;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

public class RecordBatchBuilderTests
{
    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void Whatever_is_written_is_read_again(CompressionCodec codec)
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var expected = new List<TestRecord>();
            var bytes = RandomBatches.Next(new Random(seed), seed % 10 == 0 ? 2_000 : 20, expected, codec);
            var batch = new RecordBatchView(bytes);
            Assert.True(batch.IsValidCrc);
            Assert.Equal(codec, batch.Codec);
            Assert.Equal(expected.Count, batch.RecordCount);
            Assert.Equal(expected[0].Offset, batch.BaseOffset);
            Assert.Equal(expected[^1].Offset, batch.LastOffset);
            Assert.Equal(expected.Max(record => record.TimestampMs), batch.MaxTimestamp);
            Assert.Equal(expected, TestRecord.All(batch));
        }
    }

    [Fact]
    public void The_header_says_what_the_options_say()
    {
        var options = RecordBatchOptions.Default with
        {
            BaseOffset = 100,
            PartitionLeaderEpoch = 7,
            ProducerId = 4000,
            ProducerEpoch = 3,
            BaseSequence = int.MaxValue,
            IsTransactional = true,
            TimestampType = TimestampType.LogAppendTime,
            LogAppendTimeMs = 55,
            LastOffset = 110,
        };
        using var builder = new RecordBatchBuilder(options);
        builder.Append(3, NullableSpan.Null, NullableSpan.Null);
        builder.Append(9, NullableSpan.Null, NullableSpan.Null);
        var batch = new RecordBatchView(builder.Build().Span);
        Assert.Equal((100, 110, 2), (batch.BaseOffset, batch.LastOffset, batch.RecordCount));
        Assert.Equal((3, 55), (batch.BaseTimestamp, batch.MaxTimestamp));
        Assert.Equal(9, batch.LastSequence); // 2147483647, 0, ... 9
        Assert.Equal(options, RecordBatchOptions.Of(batch));
    }

    [Fact]
    public void An_emptied_batch_keeps_its_place_and_producer()
    {
        var options = RecordBatchOptions.Default with
        {
            BaseOffset = 20, LastOffset = 24, ProducerId = 5, ProducerEpoch = 1, BaseSequence = 8, MaxTimestampMs = 77, Codec = CompressionCodec.Lz4,
        };
        using var builder = new RecordBatchBuilder(options);
        var batch = new RecordBatchView(builder.Build().Span);
        Assert.Equal(RecordBatchHeader.Size, batch.SizeInBytes);
        Assert.Equal((20, 24, 0), (batch.BaseOffset, batch.LastOffset, batch.RecordCount));
        Assert.Equal((-1, 77), (batch.BaseTimestamp, batch.MaxTimestamp));
        Assert.Equal((8, 12), (batch.BaseSequence, batch.LastSequence));
        Assert.Equal(CompressionCodec.None, batch.Codec);
        Assert.True(batch.IsValidCrc);
        Assert.Empty(TestRecord.All(batch));
    }

    [Fact]
    public void A_builder_is_used_again_and_offsets_only_ascend()
    {
        using var builder = new RecordBatchBuilder();
        builder.Append(1, "a"u8, "b"u8);
        var first = builder.Build().ToArray();
        Assert.Throws<InvariantViolation>(() => builder.AppendAt(0, 1, NullableSpan.Null, NullableSpan.Null));
        builder.Begin(RecordBatchOptions.Default);
        builder.Append(1, "a"u8, "b"u8);
        Assert.Equal(first, builder.Build().ToArray());
    }

    [Fact]
    public void Truncated_and_changed_batches_throw_nothing_but_the_typed_error()
    {
        using var scratch = new PooledBuffer();
        var random = new Random(3);
        for (var round = 0; round < 3_000; round++)
        {
            var bytes = RandomBatches.Next(random, 10);
            if (round % 3 == 0)
            {
                bytes = bytes[..random.Next(bytes.Length)];
                if (bytes.Length > RecordBatchHeader.Size)
                    RecordBatchHeader.SetLength(bytes);
            }
            else
            {
                for (var i = random.Next(1, 4); i > 0; i--)
                    bytes[random.Next(RecordBatchHeader.AttributesOffset, bytes.Length)] = (byte)random.Next(256);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Read(bytes, scratch);
            }
            catch (MalformedMessageException)
            {
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, (2 * MaxBytes) + 200_000);
        }
    }

    private const int MaxBytes = 256 * 1024;

    private static void Read(ReadOnlySpan<byte> bytes, PooledBuffer scratch)
    {
        foreach (var batch in RecordBatches.Enumerate(bytes))
        {
            foreach (var record in batch.ReadRecords(scratch, MaxBytes))
            {
                foreach (var header in record.Headers)
                    _ = header.NameUtf8.Length + header.Value.Length;
                _ = record.Key.Length + record.Value.Length;
            }
        }
    }
}
