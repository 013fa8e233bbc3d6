using System.Buffers.Binary;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

public class BatchValidatorTests
{
    private const long Now = 1_700_000_000_000;
    private const long Hour = 3_600_000;

    private static readonly BatchRules Default = new();

    [Fact]
    public void A_good_batch_is_taken_as_it_is()
    {
        foreach (var codec in RandomBatches.Codecs)
        {
            var sent = Batch(codec);
            byte[] bytes = [.. sent];
            using var validation = BatchValidator.Validate(bytes, Default, Now);
            Assert.Equal(ErrorCode.None, validation.Error);
            Assert.False(validation.IsConverted);
            Assert.Equal(-1, validation.LogAppendTimeMs);
            Assert.Equal(sent, validation.Batch.ToArray());
        }
    }

    [Theory]
    [InlineData(0, ErrorCode.CorruptMessage)] // a wrong byte in the records
    [InlineData(RecordBatchHeader.MagicOffset, ErrorCode.CorruptMessage)]
    [InlineData(RecordBatchHeader.CrcOffset, ErrorCode.CorruptMessage)]
    public void Corrupt_batches_are_refused(int offset, ErrorCode error)
    {
        var bytes = Batch();
        bytes[offset == 0 ? bytes.Length - 1 : offset] ^= 0x44;
        Refused(bytes, error);
    }

    [Fact]
    public void A_header_that_contradicts_itself_is_refused()
    {
        Refused(Changed(RecordBatchHeader.BaseOffsetOffset + 7, 1), ErrorCode.InvalidRecord, "base offset");
        Refused(Changed(RecordBatchHeader.LastOffsetDeltaOffset, 0xff), ErrorCode.InvalidRecord, "last offset delta");
        Refused(Changed(RecordBatchHeader.LastOffsetDeltaOffset + 3, 5), ErrorCode.InvalidRecord, "cannot have a last offset delta");
        Refused(Changed(RecordBatchHeader.RecordCountOffset + 3, 0), ErrorCode.InvalidRecord, "count of records");
        Refused(Changed(RecordBatchHeader.RecordCountOffset, 0xff), ErrorCode.InvalidRecord, "count of records");
        Refused(Changed(RecordBatchHeader.AttributesOffset + 1, 0x20), ErrorCode.InvalidRecord, "control");
        Refused(Changed(RecordBatchHeader.AttributesOffset + 1, 0x10), ErrorCode.InvalidRecord, "transaction");
        Refused(Changed(RecordBatchHeader.AttributesOffset + 1, 0x40), ErrorCode.InvalidRecord, "delete horizon");
        Refused(Changed(RecordBatchHeader.AttributesOffset + 1, 0x08), ErrorCode.InvalidTimestamp, "only a broker");
        Refused(Changed(RecordBatchHeader.AttributesOffset + 1, 0x05), ErrorCode.UnsupportedCompressionType);
    }

    [Fact]
    public void A_producer_needs_a_sequence_number()
    {
        var bytes = Batch();
        RecordBatchHeader.SetProducer(bytes, 4000, 1, -1, transactional: true);
        Refused(bytes, ErrorCode.InvalidRecord, "sequence");
        RecordBatchHeader.SetProducer(bytes, 4000, 1, 0, transactional: true);
        Accepted(bytes, Default);
    }

    [Fact]
    public void A_count_that_cannot_be_is_refused_without_looking_at_records()
    {
        var bytes = Batch();
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(RecordBatchHeader.RecordCountOffset), 1_000_000);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(RecordBatchHeader.LastOffsetDeltaOffset), 999_999);
        RecordBatchHeader.UpdateCrc(bytes);
        Refused(bytes, ErrorCode.InvalidRecord, "do not fit");
    }

    [Fact]
    public void There_must_be_exactly_one_batch()
    {
        Refused([], ErrorCode.InvalidRecord, "no whole");
        Refused(Batch()[..^1], ErrorCode.InvalidRecord, "no whole");
        Refused([.. Batch(), .. Batch()], ErrorCode.InvalidRecord, "more than one");
        Refused([.. Batch(), .. Batch()[..40]], ErrorCode.InvalidRecord, "cut");
        Refused([.. Batch(), .. new byte[40]], ErrorCode.CorruptMessage);
        Refused([.. Vectors.Bytes("msgset.v1.none"), .. Batch()], ErrorCode.InvalidRecord, "more than one");
        Refused(new byte[100], ErrorCode.CorruptMessage);
    }

    [Fact]
    public void The_size_is_checked_before_the_CRC()
    {
        var bytes = Batch();
        bytes[^1] ^= 1;
        Refused(bytes, ErrorCode.MessageTooLarge, rules: Default with { MaxMessageBytes = bytes.Length - 1 });
        Refused(bytes, ErrorCode.CorruptMessage, rules: Default with { MaxMessageBytes = bytes.Length });
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Zstd)]
    public void Times_out_of_bounds_are_refused_and_their_records_named(CompressionCodec codec)
    {
        var bytes = Batch(codec, Now, Now + Hour, Now + Hour + 1);
        Refused(bytes, ErrorCode.InvalidTimestamp, faults: [2]);
        Accepted(bytes, Default with { TimestampAfterMaxMs = Hour + 1 });
        Accepted(bytes, Default with { TimestampAfterMaxMs = long.MaxValue });

        bytes = Batch(codec, Now - Hour - 1, Now, -1);
        Accepted(bytes, Default);
        Refused(bytes, ErrorCode.InvalidTimestamp, rules: Default with { TimestampBeforeMaxMs = Hour }, faults: [0]);
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    public void An_old_time_in_the_middle_is_seen_where_the_past_is_bounded(CompressionCodec codec)
    {
        var bytes = Batch(codec, Now, Now - Hour - 1, Now);
        Refused(bytes, ErrorCode.InvalidTimestamp, rules: Default with { TimestampBeforeMaxMs = Hour }, faults: [1]);
    }

    [Fact]
    public void Faults_are_listed_up_to_a_limit()
    {
        var bytes = Batch(CompressionCodec.None, [.. Enumerable.Repeat(Now + (2 * Hour), 1000)]);
        using var validation = BatchValidator.Validate(bytes, Default, Now);
        Assert.Equal(BatchValidator.RecordFaultsMax, validation.RecordFaults.Count);
    }

    [Fact]
    public void Log_append_time_is_written_into_the_batch()
    {
        var bytes = Batch(CompressionCodec.None, 5, Now + (9 * Hour));
        using var validation = BatchValidator.Validate(bytes, Default with { TimestampType = TimestampType.LogAppendTime }, Now);
        Assert.Equal(ErrorCode.None, validation.Error);
        Assert.Equal(Now, validation.LogAppendTimeMs);
        Assert.False(validation.IsConverted);
        var batch = new RecordBatchView(bytes);
        Assert.True(batch.IsValidCrc);
        Assert.Equal((TimestampType.LogAppendTime, Now), (batch.TimestampType, batch.MaxTimestamp));
        Assert.All(TestRecord.All(batch), record => Assert.Equal(Now, record.TimestampMs));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Lz4)]
    public void Compacted_topics_want_keys(CompressionCodec codec)
    {
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Default with { Codec = codec });
        builder.Append(Now, "k"u8, "v"u8);
        builder.Append(Now + (2 * Hour), NullableSpan.Null, "v"u8);
        builder.Append(Now + (2 * Hour), ReadOnlySpan<byte>.Empty, "v"u8);
        Refused(builder.Build().ToArray(), ErrorCode.InvalidRecord, rules: Default with { RequireKeys = true }, faults: [1, 2]);
        Accepted(builder.Build().ToArray(), Default with { RequireKeys = true, TimestampAfterMaxMs = 2 * Hour }, refusedFor: ErrorCode.InvalidRecord);
        Accepted(Batch(codec), Default with { RequireKeys = true });
    }

    [Fact]
    public void Another_codec_of_the_topics_rewrites_the_batch()
    {
        foreach (var from in RandomBatches.Codecs)
        {
            foreach (var to in RandomBatches.Codecs)
            {
                var sent = Batch(from);
                RecordBatchHeader.SetProducer(sent, 9, 8, 7, transactional: true);
                using var validation = BatchValidator.Validate(sent, Default with { Codec = to }, Now);
                Assert.Equal(ErrorCode.None, validation.Error);
                Assert.Equal(from != to, validation.IsConverted);
                var batch = new RecordBatchView(validation.Batch.Span);
                Assert.True(batch.IsComplete && batch.IsValidCrc && batch.SizeInBytes == validation.Batch.Length);
                Assert.Equal(to, batch.Codec);
                Assert.Equal((9L, (short)8, 7, true), (batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence, batch.IsTransactional));
                Assert.Equal(TestRecord.All(new(sent)), TestRecord.All(batch));
            }
        }
    }

    [Fact]
    public void The_size_is_checked_again_after_compression_changed()
    {
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Default with { Codec = CompressionCodec.Zstd });
        builder.Append(Now, "k"u8, new byte[10_000]);
        var rules = Default with { MaxMessageBytes = 5_000, Codec = CompressionCodec.None };
        Refused(builder.Build().ToArray(), ErrorCode.MessageTooLarge, rules: rules);
        Refused(builder.Build().ToArray(), ErrorCode.MessageTooLarge, "decompresses to more", rules with { DecompressedBytesMax = 9_000 });
    }

    [Fact]
    public void Records_are_checked_where_they_must_be_looked_at()
    {
        using var builder = new RecordBatchBuilder();
        builder.AppendAt(1, Now, "k"u8, "v"u8);
        builder.AppendAt(2, Now, "k"u8, "v"u8);
        var gap = builder.Build().ToArray();
        BinaryPrimitives.WriteInt32BigEndian(gap.AsSpan(RecordBatchHeader.RecordCountOffset), 3);
        RecordBatchHeader.UpdateCrc(gap);
        Refused(gap, ErrorCode.InvalidRecord, rules: Default with { RequireKeys = true });

        BinaryPrimitives.WriteInt32BigEndian(gap.AsSpan(RecordBatchHeader.RecordCountOffset), 2);
        BinaryPrimitives.WriteInt32BigEndian(gap.AsSpan(RecordBatchHeader.LastOffsetDeltaOffset), 1);
        RecordBatchHeader.UpdateCrc(gap);
        Refused(gap, ErrorCode.InvalidRecord, rules: Default with { RequireKeys = true });
        gap.AsSpan(RecordBatchHeader.Size).Fill(0xff);
        RecordBatchHeader.UpdateCrc(gap);
        Refused(gap, ErrorCode.InvalidRecord, rules: Default with { Codec = CompressionCodec.Gzip });
    }

    [Theory]
    [InlineData(2, "msgset.v0.gzip", ErrorCode.None)]
    [InlineData(2, "msgset.v1.none", ErrorCode.None)]
    [InlineData(3, "msgset.v1.none", ErrorCode.InvalidRecord)]
    [InlineData(3, "batch.v2.plain", ErrorCode.None)]
    [InlineData(6, "batch.v2.zstd", ErrorCode.UnsupportedCompressionType)]
    [InlineData(7, "batch.v2.zstd", ErrorCode.None)]
    [InlineData(13, "batch.v2.zstd", ErrorCode.None)]
    public void The_version_of_the_request_decides_what_it_may_carry(short version, string id, ErrorCode error)
    {
        Assert.Equal(error, BatchValidator.CheckRequest(Vectors.Bytes(id), version, out var message));
        Assert.Equal(error == ErrorCode.None, message is null);
        Assert.Equal(ErrorCode.InvalidRecord, BatchValidator.CheckRequest([], version, out _));
        Assert.Equal(ErrorCode.InvalidRecord, BatchValidator.CheckRequest([.. Batch(), .. Batch()], version, out _));
    }

    [Fact]
    public void Messages_of_old_clients_become_one_batch()
    {
        foreach (var codec in (string[])["none", "gzip", "snappy", "lz4"])
        {
            foreach (var magic in (int[])[0, 1])
            {
                var time = magic == 0 ? -1 : Now;
                using var validation = BatchValidator.Validate(Vectors.Bytes($"msgset.v{magic}.{codec}"), Default, Now);
                Assert.Equal(ErrorCode.None, validation.Error);
                Assert.True(validation.IsConverted);
                var batch = new RecordBatchView(validation.Batch.Span);
                Assert.True(batch.IsValidCrc);
                Assert.Equal(codec, CompressionCodecs.Name(batch.Codec));
                Assert.Equal(
                    [new TestRecord(0, time, "k1", "value-1"), new TestRecord(1, magic == 0 ? -1 : Now + 5, null, "v2")], TestRecord.All(batch));
            }
        }
    }

    [Fact]
    public void Messages_of_old_clients_are_checked_as_batches_are()
    {
        var messages = Vectors.Bytes("msgset.v1.none");
        Refused(messages, ErrorCode.InvalidRecord, rules: Default with { RequireKeys = true }, faults: [1]);
        Refused(messages, ErrorCode.InvalidTimestamp, rules: Default with { TimestampAfterMaxMs = 4 }, faults: [1]);
        Refused(messages, ErrorCode.MessageTooLarge, rules: Default with { MaxMessageBytes = 40 });
        Refused(Vectors.Bytes("msgset.v0.gzip"), ErrorCode.MessageTooLarge, rules: Default with { DecompressedBytesMax = 30 });
        messages[^1] ^= 1;
        Refused(messages, ErrorCode.CorruptMessage);

        using var stamped = BatchValidator.Validate(
            Vectors.Bytes("msgset.v0.lz4"), Default with { TimestampType = TimestampType.LogAppendTime, Codec = CompressionCodec.Zstd }, Now);
        Assert.Equal(Now, stamped.LogAppendTimeMs);
        Assert.All(TestRecord.AllOf(stamped.Batch.Span), record => Assert.Equal(Now, record.TimestampMs));
        Assert.Equal(CompressionCodec.Zstd, new RecordBatchView(stamped.Batch.Span).Codec);
    }

    [Fact]
    public void Random_bytes_are_refused_and_never_throw()
    {
        var random = new Random(11);
        var rules = (BatchRules[])[Default, Default with { RequireKeys = true, DecompressedBytesMax = 100_000 }, Default with { Codec = CompressionCodec.Lz4, DecompressedBytesMax = 100_000 }];
        var samples = RandomBatches.Codecs.Select(codec => Batch(codec))
            .Concat(((string[])["msgset.v0.none", "msgset.v0.gzip", "msgset.v1.snappy", "msgset.v1.lz4"]).Select(Vectors.Bytes)).ToList();
        for (var round = 0; round < 5_000; round++)
        {
            byte[] bytes = [.. samples[round % samples.Count]];
            for (var i = random.Next(1, 4); i > 0; i--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (round % 2 == 0 && bytes[RecordBatchHeader.MagicOffset] == 2 && bytes.Length > RecordBatchHeader.Size)
                RecordBatchHeader.UpdateCrc(bytes);
            BatchValidator.CheckRequest(bytes, (short)(round % 14), out _);
            using var validation = BatchValidator.Validate(bytes, rules[round % rules.Length], Now);
            Assert.Equal(validation.Error == ErrorCode.None, validation.Message is null);
            if (validation.Error == ErrorCode.None)
                Assert.True(new RecordBatchView(validation.Batch.Span).IsValidCrc);
        }
    }

    private static byte[] Batch(CompressionCodec codec = CompressionCodec.None, params long[] timestamps)
    {
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Default with { Codec = codec });
        foreach (var timestamp in timestamps is [] ? [Now, Now + 1] : timestamps)
            builder.Append(timestamp, "key"u8, "a value, a value, a value, a value"u8, [new("h", null)]);
        return builder.Build().ToArray();
    }

    private static byte[] Changed(int offset, byte value)
    {
        var bytes = Batch();
        bytes[offset] = value;
        RecordBatchHeader.UpdateCrc(bytes);
        return bytes;
    }

    private static void Accepted(byte[] bytes, BatchRules rules, ErrorCode refusedFor = ErrorCode.None)
    {
        using var validation = BatchValidator.Validate(bytes, rules, Now);
        Assert.Equal(refusedFor, validation.Error);
    }

    private static void Refused(byte[] bytes, ErrorCode error, string? message = null, BatchRules? rules = null, int[]? faults = null)
    {
        using var validation = BatchValidator.Validate(bytes, rules ?? Default, Now);
        Assert.Equal(error, validation.Error);
        Assert.True(validation.Batch.IsEmpty);
        Assert.Contains(message ?? "", validation.Message, StringComparison.Ordinal);
        if (faults is not null)
            Assert.Equal(faults, validation.RecordFaults.Select(fault => fault.BatchIndex));
    }
}
