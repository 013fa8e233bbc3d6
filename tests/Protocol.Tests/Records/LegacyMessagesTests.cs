using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

public class LegacyMessagesTests
{
    private const long T = 1_700_000_000_000;

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    public void Messages_become_a_batch_and_the_batch_the_same_messages(string codec)
    {
        using var builder = new RecordBatchBuilder();
        using var down = new PooledBuffer();
        foreach (var magic in (sbyte[])[0, 1])
        {
            var messages = Vectors.Bytes($"msgset.v{magic}.{codec}");
            var batch = LegacyMessages.ToBatch(messages, builder, TestRecord.MaxBytes);
            var view = new RecordBatchView(batch.Span);
            Assert.Equal((5, 6), (view.BaseOffset, view.LastOffset));
            Assert.Equal(codec, CompressionCodecs.Name(view.Codec));
            Assert.Equal(TestRecord.AllOf(messages), TestRecord.All(view));

            down.Clear();
            var conversion = LegacyMessages.FromBatches(batch.Span, magic, 0, down, TestRecord.MaxBytes);
            Assert.Equal(new DownConversion(ErrorCode.None, 7), conversion);
            Assert.Equal(TestRecord.AllOf(messages), TestRecord.AllOf(down.Span));
            foreach (var message in RecordBatches.Enumerate(down.Span))
                Assert.True(message.IsValidCrc && message.Magic == magic);
            if (codec == "none")
                Assert.Equal(Convert.ToHexString(messages), Convert.ToHexString(down.Span));
            else
                Assert.Equal(messages[..12], down.Span[..12].ToArray().Select((b, i) => i is >= 8 and < 12 ? messages[i] : b)); // the wrapper's offset
        }
    }

    [Fact]
    public void Conversion_down_keeps_offsets_keys_values_and_times()
    {
        using var down = new PooledBuffer();
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            foreach (var codec in (CompressionCodec[])[CompressionCodec.None, CompressionCodec.Gzip, CompressionCodec.Snappy, CompressionCodec.Lz4])
            {
                var expected = new List<TestRecord>();
                var batch = RandomBatches.Next(random, 20, expected, codec);
                foreach (var magic in (sbyte[])[0, 1])
                {
                    down.Clear();
                    LegacyMessages.FromBatches(batch, magic, 0, down, TestRecord.MaxBytes);
                    var kept = expected.Select(record => record with { Headers = "", TimestampMs = magic == 0 ? -1 : record.TimestampMs });
                    Assert.Equal(kept, TestRecord.AllOf(down.Span));
                    Assert.True(RecordBatchView.TryRead(down.Span, out var first));
                    Assert.Equal(codec, first.Codec);
                    Assert.Equal(magic, first.Magic);
                }
            }
        }
    }

    [Fact]
    public void Markers_are_left_out_and_passed_over()
    {
        byte[] log = [.. Vectors.Bytes("batch.v2.txn"), .. Vectors.Bytes("control.commit")];
        using var down = new PooledBuffer();
        var conversion = LegacyMessages.FromBatches(log, 1, 0, down, TestRecord.MaxBytes);
        Assert.Equal(new DownConversion(ErrorCode.None, 43), conversion); // behind the marker, whose offset is 42
        Assert.Equal([100, 101, 102], TestRecord.AllOf(down.Span).Select(record => record.Offset));

        down.Clear();
        Assert.Equal(new DownConversion(ErrorCode.None, 43), LegacyMessages.FromBatches(Vectors.Bytes("control.abort"), 0, 0, down, 0));
        Assert.Equal(0, down.Length);
        Assert.Equal(new DownConversion(ErrorCode.None, -1), LegacyMessages.FromBatches([], 0, 0, down, 0));
    }

    [Fact]
    public void Records_before_the_readers_place_are_left_out_where_they_are_not_compressed()
    {
        using var down = new PooledBuffer();
        LegacyMessages.FromBatches(Vectors.Bytes("batch.v2.txn"), 1, 101, down, TestRecord.MaxBytes);
        Assert.Equal([101, 102], TestRecord.AllOf(down.Span).Select(record => record.Offset));
    }

    [Fact]
    public void Zstd_has_no_place_in_old_messages()
    {
        using var down = new PooledBuffer();
        var zstd = Vectors.Bytes("batch.v2.zstd");
        Assert.Equal(new DownConversion(ErrorCode.UnsupportedCompressionType, -1), LegacyMessages.FromBatches(zstd, 1, 0, down, 0));
        Assert.Equal(0, down.Length);

        // What stands before such a batch is delivered first; the reader meets the error with its next fetch.
        byte[] log = [.. Vectors.Bytes("batch.v2.plain"), .. zstd];
        Assert.Equal(new DownConversion(ErrorCode.None, 3), LegacyMessages.FromBatches(log, 1, 0, down, TestRecord.MaxBytes));
    }

    [Fact]
    public void Old_messages_are_copied_to_readers_who_know_them()
    {
        using var down = new PooledBuffer();
        var messages = Vectors.Bytes("msgset.v0.snappy");
        LegacyMessages.FromBatches(messages, 1, 0, down, 0);
        Assert.Equal(messages, down.Span.ToArray());
        down.Clear();
        LegacyMessages.FromBatches(Vectors.Bytes("msgset.v1.gzip"), 0, 0, down, TestRecord.MaxBytes);
        Assert.Equal([new(5, -1, "k1", "value-1"), new(6, -1, null, "v2")], TestRecord.AllOf(down.Span));
    }

    [Fact]
    public void The_time_of_the_append_stays_the_time_of_the_append()
    {
        using var down = new PooledBuffer();
        foreach (var codec in (CompressionCodec[])[CompressionCodec.None, CompressionCodec.Lz4])
        {
            using var builder = new RecordBatchBuilder(
                RecordBatchOptions.Default with { Codec = codec, TimestampType = TimestampType.LogAppendTime, LogAppendTimeMs = T });
            builder.Append(1, "k"u8, "v"u8);
            down.Clear();
            LegacyMessages.FromBatches(builder.Build().Span, 1, 0, down, TestRecord.MaxBytes);
            Assert.True(RecordBatchView.TryRead(down.Span, out var message));
            Assert.Equal((TimestampType.LogAppendTime, T), (message.TimestampType, message.MaxTimestamp));
            Assert.Equal(T, TestRecord.All(message).Single().TimestampMs);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(17, 2)]
    public void The_version_of_fetch_decides_the_format(short version, sbyte magic) => Assert.Equal(magic, LegacyMessages.MagicOfFetch(version));

    [Fact]
    public void Damaged_messages_throw_nothing_but_the_typed_error()
    {
        var random = new Random(5);
        using var builder = new RecordBatchBuilder();
        var samples = ((string[])["none", "gzip", "snappy", "lz4"]).SelectMany(codec => new[] { Vectors.Bytes($"msgset.v0.{codec}"), Vectors.Bytes($"msgset.v1.{codec}") }).ToList();
        for (var round = 0; round < 4_000; round++)
        {
            byte[] bytes = [.. samples[round % samples.Count]];
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var thrown = Xunit.Record.Exception(() => { LegacyMessages.ToBatch(bytes, builder, 100_000); });
            Assert.True(thrown is null or MalformedMessageException, $"round {round}: {thrown}");
        }
    }
}
