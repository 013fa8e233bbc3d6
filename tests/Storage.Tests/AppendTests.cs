using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class AppendTests
{
    [Fact]
    public void A_batch_is_stored_as_it_came_but_for_offset_and_epoch()
    {
        using var logs = new LogFixture();
        var sent = Batches.Build(RecordBatchOptions.Default with { Codec = CompressionCodec.Gzip }, (T, "a", "b"), (T + 1, "c", "d"));
        var original = sent.ToArray();
        logs.Log.Append(Batches.Plain((T, "x", "y")), epoch: 4);
        var result = logs.Log.Append(sent, epoch: 5);
        Assert.Equal((ErrorCode.None, 1, 2, -1, 0), (result.Error, result.BaseOffset, result.LastOffset, result.LogAppendTimeMs, result.LogStartOffset));

        var stored = logs.Log.ReadAll(1)[0].Bytes;
        RecordBatchHeader.SetBaseOffset(original, 1);
        RecordBatchHeader.SetPartitionLeaderEpoch(original, 5);
        Assert.Equal(original, stored);
        Assert.Equal([new(4, 0), new(5, 1)], logs.Log.Epochs.All);
    }

    [Fact]
    public void A_topic_can_keep_the_time_of_the_append()
    {
        using var logs = new LogFixture(LogConfig.Default with { TimestampType = TimestampType.LogAppendTime });
        var result = logs.Log.Append(Batches.Plain((5, "a", "b")));
        Assert.Equal(T, result.LogAppendTimeMs);
        var batch = new RecordBatchView(logs.Log.ReadAll()[0].Bytes);
        Assert.Equal((TimestampType.LogAppendTime, T, true), (batch.TimestampType, batch.MaxTimestamp, batch.IsValidCrc));
        Assert.Equal(T, logs.Log.FindByTimestamp(6).Timestamp);
    }

    [Fact]
    public void A_topic_can_ask_for_a_codec()
    {
        using var logs = new LogFixture(LogConfig.Default with { Compression = CompressionCodec.Zstd });
        logs.Log.Append(Batches.Plain((T, "a", new string('b', 1000))));
        var batch = new RecordBatchView(logs.Log.ReadAll()[0].Bytes);
        Assert.Equal((CompressionCodec.Zstd, true), (batch.Codec, batch.IsValidCrc));
        Assert.True(batch.SizeInBytes < 500);
    }

    [Fact]
    public void What_is_refused_leaves_no_trace()
    {
        using var logs = new LogFixture(LogConfig.Default with { MaxMessageBytes = 500, CleanupPolicy = CleanupPolicy.Compact, SegmentBytes = 2000 });
        var log = logs.Log;
        var corrupt = Batches.Plain((T, "a", "b"));
        corrupt[^1] ^= 1;
        Assert.Equal(ErrorCode.CorruptMessage, log.Append(corrupt).Error);
        Assert.Equal(ErrorCode.MessageTooLarge, log.Append(Batches.Sized(600)).Error);
        Assert.Equal(ErrorCode.MessageTooLarge, log.Append(Batches.Sized(600), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(ErrorCode.RecordListTooLarge, log.Append(Batches.Sized(2500), origin: AppendOrigin.Raft).Error);
        Assert.Equal(ErrorCode.InvalidTimestamp, log.Append(Batches.Plain((T + 4_000_000, "a", "b"))).Error);
        Assert.Equal(ErrorCode.InvalidRecord, log.Append(Batches.Marker(true, 1, 0, 0, T)).Error); // a client must not
        Assert.Equal(ErrorCode.InvalidRecord, log.Append([.. Batches.Plain((T, "a", "b")), .. Batches.Plain((T, "a", "b"))]).Error);

        using var builder = new RecordBatchBuilder();
        builder.Append(T, default, "no key"u8);
        var keyless = log.Append(builder.Build().ToArray());
        Assert.Equal((ErrorCode.InvalidRecord, 0), (keyless.Error, Assert.Single(keyless.RecordFaults).BatchIndex));
        Assert.Equal((0, 0), (log.LogEndOffset, log.Size));
        Assert.Equal(0, log.Append(Batches.Plain((T, "a", "b"))).BaseOffset);
    }

    [Fact]
    public void Settings_can_change_while_the_log_is_used()
    {
        using var logs = new LogFixture();
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Sized(600)).Error);
        logs.Log.Config = logs.Log.Config with { MaxMessageBytes = 500 };
        Assert.Equal(ErrorCode.MessageTooLarge, logs.Log.Append(Batches.Sized(600)).Error);
    }

    [Fact]
    public void Coordinators_and_followers_append_several_batches_at_once()
    {
        using var leader = new LogFixture();
        byte[] three = [.. Batches.Plain((T, "a", "b")), .. Batches.Plain((T, "a", "b"), (T, "c", "d")), .. Batches.Plain((T, "a", "b"))];
        var result = leader.Log.AppendAsLeader(three, 3, AppendOrigin.Raft);
        Assert.Equal((0, 3), (result.BaseOffset, result.LastOffset));
        Assert.Equal([0, 1, 3], leader.Log.ReadAll().Select(batch => batch.BaseOffset));

        using var follower = new LogFixture();
        var fetched = leader.Log.Read(0, int.MaxValue, 4, minOneBatch: true).Records.ToArray();
        Assert.Equal(0, follower.Log.AppendAsFollower(fetched.AsMemory(0, 100)).LastOffset); // the second batch was cut off
        Assert.Equal(1, follower.Log.LogEndOffset);
        Assert.Equal(ErrorCode.OffsetOutOfRange, follower.Log.AppendAsFollower(fetched).Error); // the first is there already
        fetched[^1] ^= 1;
        Assert.Equal(ErrorCode.CorruptMessage, follower.Log.AppendAsFollower(fetched.AsMemory(follower.Log.ReadAll()[0].Bytes.Length)).Error);
        fetched[^1] ^= 1;
        Assert.Equal(ErrorCode.None, follower.Log.AppendAsFollower(fetched.AsMemory(follower.Log.ReadAll()[0].Bytes.Length)).Error);
        Assert.Equal(fetched, follower.Log.Read(0, int.MaxValue, 4, minOneBatch: true).Records.ToArray());
        Assert.Equal([new EpochStart(3, 0)], follower.Log.Epochs.All);
        Assert.Equal(ErrorCode.None, follower.Log.AppendAsFollower(ReadOnlyMemory<byte>.Empty).Error);
    }

    [Fact]
    public void A_segment_is_rolled_by_size()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 1000 });
        var size = Batches.Sized(300).Length;
        for (var i = 0; i < 4; i++)
            logs.Log.Append(Batches.Sized(300));
        Assert.Equal([0, 3], logs.Log.AllSegments.Select(segment => segment.BaseOffset));
        Assert.Equal(size * 3, logs.Log.AllSegments[0].Size);
        Assert.Contains($"{logs.Directory}/00000000000000000003.snapshot", logs.Disk.Contents.Keys);
    }

    [Fact]
    public void A_segment_is_rolled_by_the_time_of_its_records()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentMs = 1000 });
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Log.Append(Batches.Plain((T + 1000, "a", "b")));
        Assert.Equal(1, logs.Log.SegmentCount);
        logs.Log.Append(Batches.Plain((T + 1001, "a", "b")));
        Assert.Equal(2, logs.Log.SegmentCount);
        logs.Time.Advance(TimeSpan.FromHours(1)); // the clock does not count where records have times
        logs.Log.Append(Batches.Plain((T + 2001, "a", "b")));
        Assert.Equal(2, logs.Log.SegmentCount);
        logs.Restart();
        logs.Log.Append(Batches.Plain((T + 2002, "a", "b")));
        Assert.Equal(3, logs.Log.SegmentCount);
    }

    [Fact]
    public void A_segment_whose_records_have_no_time_is_rolled_by_the_clock()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentMs = 1000 });
        logs.Log.Append(Batches.Plain((-1, "a", "b")));
        logs.Time.Advance(TimeSpan.FromMilliseconds(1001));
        logs.Log.Append(Batches.Plain((-1, "a", "b")));
        Assert.Equal(2, logs.Log.SegmentCount);
    }

    [Fact]
    public void A_segment_is_rolled_when_an_index_is_full()
    {
        using var logs = new LogFixture(LogConfig.Default with { IndexIntervalBytes = 1, SegmentIndexBytes = 60 });
        for (var i = 0; i < 6; i++)
            logs.Log.Append(Batches.Plain((T + i, "a", "b")));
        Assert.Equal([0, 5], logs.Log.AllSegments.Select(segment => segment.BaseOffset)); // five times, one of them kept for the last
    }

    [Fact]
    public void A_segment_never_spans_more_offsets_than_an_index_can_name()
    {
        using var logs = new LogFixture();
        logs.Log.AppendAsFollower(At(0));
        logs.Log.AppendAsFollower(At(int.MaxValue));
        Assert.Equal(1, logs.Log.SegmentCount);
        logs.Log.AppendAsFollower(At(int.MaxValue + 1L));
        logs.Log.AppendAsFollower(At(10_000_000_000));
        logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
        for (var pass = 0; pass < 3; pass++)
        {
            Assert.Equal([0, int.MaxValue + 1L, 10_000_000_000], logs.Log.AllSegments.Select(segment => segment.BaseOffset));
            Assert.Equal([0, int.MaxValue, int.MaxValue + 1L, 10_000_000_000], logs.Log.ReadAll().Select(batch => batch.BaseOffset));
            Assert.Equal(10_000_000_000, new RecordBatchView(logs.Log.Read(5_000_000_000, 100, long.MaxValue, true).Records.ToArray()).BaseOffset);
            if (pass == 0)
                logs.Restart();
            else
                logs.Crash();
        }

        static byte[] At(long offset) => Batches.Build(RecordBatchOptions.Default with { BaseOffset = offset }, (T, "a", "b"));
    }
}
