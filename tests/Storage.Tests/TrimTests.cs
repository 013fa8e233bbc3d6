using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class TrimTests
{
    private static readonly TimeSpan Check = TimeSpan.FromMinutes(5);

    [Fact]
    public void Retention_is_two_weeks_by_default()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500 });
        Fill(logs.Log, 4, 400);
        logs.Time.Advance(TimeSpan.FromDays(14));
        Assert.Equal(0, logs.Log.LogStartOffset);
        logs.Time.Advance(Check);
        Assert.Equal((4, 4), (logs.Log.LogStartOffset, logs.Log.LogEndOffset)); // the active segment as well, once it is old
        Assert.Equal((1, 0), (logs.Log.SegmentCount, logs.Log.Size));
    }

    [Fact]
    public void Segments_go_when_their_youngest_record_is_too_old()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, RetentionMs = 3_600_000 });
        for (var i = 0; i < 4; i++)
            logs.Log.Append(Batches.Sized(400, T + (i * 600_000)));
        logs.Time.Advance(TimeSpan.FromMinutes(65) + TimeSpan.FromSeconds(30));
        Assert.Equal(1, logs.Log.LogStartOffset);
        logs.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(2, logs.Log.LogStartOffset);
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.Read(1, 100, 4, true).Error);
        logs.Restart();
        Assert.Equal(2, logs.Log.LogStartOffset);
    }

    [Fact]
    public void Segments_go_while_the_log_is_too_large()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, RetentionBytes = 1000, RetentionMs = -1 });
        Fill(logs.Log, 5, 400);
        logs.Time.Advance(Check);
        Assert.Equal(2, logs.Log.LogStartOffset); // 1200 bytes are left: without one more it would be less than 1000
        logs.Log.Config = logs.Log.Config with { RetentionBytes = 0 };
        logs.Time.Advance(Check);
        Assert.Equal((5, 0), (logs.Log.LogStartOffset, logs.Log.Size));
    }

    [Theory]
    [InlineData(CleanupPolicy.Compact)]
    [InlineData(CleanupPolicy.None)]
    public void Without_the_policy_nothing_is_too_old_or_too_large(CleanupPolicy policy)
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, RetentionBytes = 0, RetentionMs = 1, CleanupPolicy = policy });
        Fill(logs.Log, 5, 400);
        logs.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, logs.Log.LogStartOffset);
        Assert.Equal(ErrorCode.None, logs.Log.AdvanceLogStart(3)); // but what was deleted goes
        Assert.Equal(3, logs.Log.AllSegments[0].BaseOffset);
    }

    [Fact]
    public void Nothing_goes_that_is_not_replicated()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, RetentionMs = 1 });
        for (var i = 0; i < 5; i++)
            logs.Log.AppendAsLeader(Batches.Sized(400), 0, AppendOrigin.Client);
        logs.Log.AdvanceHighWatermark(3);
        logs.Time.Advance(Check);
        Assert.Equal(3, logs.Log.LogStartOffset);
    }

    [Fact]
    public void Without_times_the_files_age_counts()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, RetentionMs = 3_600_000 });
        for (var i = 0; i < 3; i++)
            logs.Log.Append(Batches.Sized(400, -1));
        logs.Time.Advance(Check); // the disk in memory says that files are from 1970
        Assert.Equal(3, logs.Log.LogStartOffset);
    }

    [Fact]
    public void Deleted_records_stay_deleted()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 1000 });
        Fill(logs.Log, 6, 400);
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.AdvanceLogStart(7));
        Assert.Equal(ErrorCode.None, logs.Log.AdvanceLogStart(3));
        Assert.Equal(ErrorCode.None, logs.Log.AdvanceLogStart(1)); // changes nothing
        Assert.Equal((3, 2), (logs.Log.LogStartOffset, logs.Log.AllSegments[0].BaseOffset)); // the start lies within a segment
        Assert.Equal([new EpochStart(0, 3)], logs.Log.Epochs.All);
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.Read(2, 100, 6, true).Error);
        logs.Restart();
        Assert.Equal(3, logs.Log.LogStartOffset);
        logs.Time.Advance(TimeSpan.FromMinutes(1));
        logs.Log.AdvanceLogStart(5);
        logs.Time.Advance(TimeSpan.FromMinutes(1)); // the checkpoint
        logs.Crash();
        Assert.Equal(5, logs.Log.LogStartOffset);
    }

    [Fact]
    public void A_truncation_takes_whole_batches_and_what_is_known_about_them()
    {
        for (var offset = 0L; offset <= 40; offset++)
        {
            using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 700, IndexIntervalBytes = 100 });
            var log = logs.Log;
            var model = ReadTests.Fill(log, new Random(3), 20);
            for (var epoch = 1; epoch < 4; epoch++)
                log.Epochs.Assign(epoch, epoch * 10);
            Assert.True(log.LogEndOffset > 40);

            Assert.Equal(ErrorCode.None, log.TruncateTo(offset));
            model.RemoveAll(batch => batch.LastOffset >= offset);
            var end = model is [] ? 0 : model[^1].LastOffset + 1;
            Assert.Equal((end, end, end), (log.LogEndOffset, log.HighWatermark, Math.Max(log.RecoveryPoint, end)));
            Assert.All(log.Epochs.All, epoch => Assert.True(epoch.StartOffset < end));
            ReadTests.AssertReadsLikeModel(log, model);
            model.AddRange(ReadTests.Fill(log, new Random(4), 5));
            ReadTests.AssertReadsLikeModel(log, model);
            logs.Crash();
            ReadTests.AssertReadsLikeModel(logs.Log, model);
        }
    }

    [Fact]
    public void A_log_can_go_on_elsewhere()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(9, 0, 0, (T, "a", "b")), epoch: 4);
        foreach (var offset in new[] { 1000L, 5L })
        {
            Assert.Equal(ErrorCode.None, log.TruncateFullyAndStartAt(offset));
            Assert.Equal((offset, offset, offset, offset), (log.LogStartOffset, log.LogEndOffset, log.HighWatermark, log.RecoveryPoint));
            Assert.Empty(log.Epochs.All);
            Assert.Empty(log.DescribeProducers());
            Assert.Equal(offset, log.Append(Batches.Plain((T, "a", "b")), epoch: 5).BaseOffset);
        }

        logs.Crash();
        Assert.Equal((5, 6), (logs.Log.LogStartOffset, logs.Log.LogEndOffset));
    }

    private static void Fill(PartitionLog log, int count, int bytes)
    {
        for (var i = 0; i < count; i++)
            Assert.Equal(ErrorCode.None, log.Append(Batches.Sized(bytes)).Error);
    }
}
