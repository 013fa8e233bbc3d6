using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

public class RecordBatchViewTests
{
    private const long T = 1_700_000_000_000;

    // Three records of producer 4000, epoch 3, sequence 10 in a transaction.
    private static readonly byte[] Transactional = Vectors.Bytes("batch.v2.txn");
    private static readonly byte[] Legacy = Vectors.Bytes("msgset.v1.none");

    [Fact]
    public void Every_field_of_the_header_is_shown()
    {
        var batch = new RecordBatchView(Transactional);
        Assert.Equal(100, batch.BaseOffset);
        Assert.Equal(102, batch.LastOffset);
        Assert.Equal(103, batch.NextOffset);
        Assert.Equal(104, batch.SizeInBytes);
        Assert.Equal(7, batch.PartitionLeaderEpoch);
        Assert.Equal(2, batch.Magic);
        Assert.True(batch.IsValidCrc);
        Assert.Equal(CompressionCodec.None, batch.Codec);
        Assert.Equal(TimestampType.CreateTime, batch.TimestampType);
        Assert.True(batch.IsTransactional);
        Assert.False(batch.IsControl);
        Assert.Null(batch.DeleteHorizon);
        Assert.Equal(T, batch.BaseTimestamp);
        Assert.Equal(T + 7, batch.MaxTimestamp);
        Assert.Equal(4000, batch.ProducerId);
        Assert.Equal(3, batch.ProducerEpoch);
        Assert.Equal(10, batch.BaseSequence);
        Assert.Equal(12, batch.LastSequence);
        Assert.Equal(3, batch.RecordCount);
        Assert.Equal(104 - 61, batch.RecordsData.Length);
    }

    [Fact]
    public void A_legacy_message_shows_what_it_has()
    {
        Assert.True(RecordBatchView.TryRead(Legacy, out var batch));
        Assert.True(batch.IsLegacy);
        Assert.Equal(1, batch.Magic);
        Assert.True(batch.IsValidCrc);
        Assert.Equal(5, batch.BaseOffset);
        Assert.Equal(5, batch.LastOffset);
        Assert.Equal(T, batch.MaxTimestamp);
        Assert.Equal(-1, batch.ProducerId);
        Assert.Equal(-1, batch.PartitionLeaderEpoch);
        Assert.False(batch.IsControl);
    }

    [Fact]
    public void Giving_a_batch_its_place_leaves_the_crc_alone()
    {
        byte[] bytes = [.. Transactional];
        RecordBatchHeader.SetBaseOffset(bytes, 1L << 40);
        RecordBatchHeader.SetPartitionLeaderEpoch(bytes, 77);
        var batch = new RecordBatchView(bytes);
        Assert.Equal((1L << 40) + 2, batch.LastOffset);
        Assert.Equal(77, batch.PartitionLeaderEpoch);
        Assert.True(batch.IsValidCrc);
        Assert.Equal(new RecordBatchView(Transactional).Crc, batch.Crc);
    }

    [Fact]
    public void Other_changes_renew_the_crc()
    {
        byte[] bytes = [.. Transactional];
        RecordBatchHeader.SetMaxTimestamp(bytes, TimestampType.LogAppendTime, T + 99);
        RecordBatchHeader.SetProducer(bytes, 5, 6, int.MaxValue, transactional: false);
        var batch = new RecordBatchView(bytes);
        Assert.True(batch.IsValidCrc);
        Assert.Equal(TimestampType.LogAppendTime, batch.TimestampType);
        Assert.Equal(T + 99, batch.MaxTimestamp);
        Assert.Equal(1, batch.LastSequence); // 2147483647, 0, 1
        Assert.False(batch.IsTransactional);
        bytes[^1] ^= 1;
        Assert.False(new RecordBatchView(bytes).IsValidCrc);
    }

    [Fact]
    public void Batches_of_all_formats_follow_each_other()
    {
        byte[] bytes = [.. Transactional, .. Legacy, .. Transactional, .. Transactional[..^1]];
        var positions = new List<(int Position, sbyte Magic)>();
        var batches = RecordBatches.Enumerate(bytes);
        while (batches.MoveNext())
            positions.Add((batches.Position, batches.Current.Magic));
        Assert.Equal([(0, 2), (104, 1), (147, 1), (183, 2)], positions);
        Assert.Equal(BatchRunEnd.Partial, batches.End);
        Assert.Equal(287, batches.Consumed);
        Assert.Equal(104, batches.NeededSize);
    }

    [Fact]
    public void A_run_tells_how_it_ended()
    {
        Assert.Equal(BatchRunEnd.Complete, End(Transactional));
        Assert.Equal(BatchRunEnd.Complete, End([]));
        Assert.Equal(BatchRunEnd.Partial, End([.. Transactional, 0, 0]));
        Assert.Equal(BatchRunEnd.Corrupt, End([.. Transactional, .. new byte[100]]));
        byte[] wrongMagic = [.. Transactional];
        wrongMagic[RecordBatchHeader.MagicOffset] = 3;
        Assert.Equal(BatchRunEnd.Corrupt, End(wrongMagic));
        byte[] negativeLength = [.. Transactional];
        negativeLength[RecordBatchHeader.LengthOffset] = 0xff;
        Assert.Equal(BatchRunEnd.Corrupt, End(negativeLength));

        static BatchRunEnd End(byte[] bytes)
        {
            var batches = RecordBatches.Enumerate(bytes);
            while (batches.MoveNext())
            {
            }

            return batches.End;
        }
    }

    [Fact]
    public void A_header_alone_can_be_viewed()
    {
        Assert.False(RecordBatchView.TryRead(Transactional.AsSpan(0, 61), out _));
        Assert.True(RecordBatchView.TryReadHeader(Transactional.AsSpan(0, 61), out var batch));
        Assert.False(batch.IsComplete);
        Assert.Equal(104, batch.SizeInBytes);
        Assert.Equal(3, batch.RecordCount);
        Assert.False(RecordBatchView.TryReadHeader(Transactional.AsSpan(0, 60), out _));
        Assert.Throws<MalformedMessageException>(() => new RecordBatchView(Transactional.AsSpan(0, 103)).Magic);
    }
}
