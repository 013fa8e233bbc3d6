using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class ReadTests
{
    // Small segments and sparse indexes, so that reads cross both.
    private static readonly LogConfig Small = LogConfig.Default with { SegmentBytes = 2000, IndexIntervalBytes = 200, SegmentIndexBytes = 240 };

    [Fact]
    public void Every_offset_is_read_as_from_a_list_of_batches()
    {
        using var logs = new LogFixture(Small);
        var model = Fill(logs.Log, new Random(5), 200);
        AssertReadsLikeModel(logs.Log, model);
        logs.Restart();
        AssertReadsLikeModel(logs.Log, model);
        Assert.True(logs.Log.SegmentCount > 3);
    }

    [Fact]
    public void Times_are_found_as_in_a_list_of_records()
    {
        using var logs = new LogFixture(Small);
        var random = new Random(11);
        var records = new List<(long Time, long Offset)>();
        for (var i = 0; i < 150; i++)
        {
            // Times wander, so that neither batches nor segments are in their order.
            var times = Enumerable.Range(0, random.Next(1, 5)).Select(_ => T - 5000 + random.Next(i * 10, (i * 10) + 2000)).ToArray();
            var codec = random.Next(3) == 0 ? CompressionCodec.Gzip : CompressionCodec.None;
            var batch = Batches.Build(RecordBatchOptions.Default with { Codec = codec }, [.. times.Select(time => (time, "k", "v"))]);
            var result = logs.Log.Append(batch);
            records.AddRange(times.Select((time, index) => (time, result.BaseOffset + index)));
        }

        for (var pass = 0; pass < 2; pass++)
        {
            for (var time = T - 6000; time < T; time += 7)
            {
                var expected = records.Where(record => record.Time >= time).Select(record => ((long, long)?)record).FirstOrDefault();
                var found = logs.Log.FindByTimestamp(time);
                Assert.Equal(expected ?? (-1, -1), (found.Timestamp, found.Offset));
                Assert.Equal(expected is null ? -1 : 0, found.LeaderEpoch);
            }

            var max = records.Max(record => record.Time);
            Assert.Equal(records.First(record => record.Time == max), (logs.Log.FindMaxTimestamp().Timestamp, logs.Log.FindMaxTimestamp().Offset));
            logs.Restart();
        }
    }

    [Fact]
    public void Times_below_the_logs_start_are_not_found()
    {
        using var logs = new LogFixture(Small);
        for (var i = 0; i < 10; i++)
            logs.Log.Append(Batches.Plain((T + i, "a", "b"), (T + i, "c", "d")));
        Assert.Equal(ErrorCode.None, logs.Log.AdvanceLogStart(7));
        Assert.Equal((T + 3, 7), (logs.Log.FindByTimestamp(T).Timestamp, logs.Log.FindByTimestamp(T).Offset));
        Assert.False(logs.Log.FindByTimestamp(T + 10).IsFound);
    }

    [Fact]
    public void An_empty_log_has_nothing_to_find()
    {
        using var logs = new LogFixture(Small);
        Assert.Equal(OffsetLookup.NotFound, logs.Log.FindByTimestamp(0));
        Assert.Equal(OffsetLookup.NotFound, logs.Log.FindMaxTimestamp());
        var read = logs.Log.Read(0, 100, 0, minOneBatch: true);
        Assert.Equal((ErrorCode.None, 0), (read.Error, read.Records.Length));
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.Read(1, 100, 1, minOneBatch: true).Error);
    }

    [Fact]
    public void Reads_are_cut_where_they_must_be()
    {
        using var logs = new LogFixture();
        var first = Batches.Sized(300);
        logs.Log.Append(first);
        logs.Log.Append(Batches.Sized(300));
        var size = first.Length;

        Assert.Equal(size, logs.Log.Read(0, 10, 2, minOneBatch: true).Records.Length); // whole, although it does not fit
        Assert.Equal(0, logs.Log.Read(0, 10, 2, minOneBatch: false).Records.Length);
        Assert.Equal(size + 50, logs.Log.Read(0, size + 50, 2, minOneBatch: false).Records.Length); // cut within the second
        Assert.Equal(size, logs.Log.Read(0, 10_000, 1, minOneBatch: true).Records.Length); // not beyond the bound
        Assert.Equal(0, logs.Log.Read(1, 10_000, 1, minOneBatch: true).Records.Length);
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.Read(3, 100, 3, minOneBatch: true).Error);
        Assert.Equal(ErrorCode.OffsetOutOfRange, logs.Log.Read(-1, 100, 3, minOneBatch: true).Error);
    }

    [Fact]
    public void A_slice_can_be_read_after_its_segment_has_left_the_log()
    {
        using var logs = new LogFixture(Small);
        Fill(logs.Log, new Random(5), 100);
        var read = logs.Log.Read(0, 500, long.MaxValue, minOneBatch: true);
        var before = read.Records.ToArray();
        logs.Log.AdvanceLogStart(logs.Log.LogEndOffset);
        Assert.Equal(1, logs.Log.SegmentCount);
        Assert.Equal(before, read.Records.ToArray());

        logs.Time.Advance(TimeSpan.FromMinutes(2)); // file.delete.delay.ms has passed
        Assert.Throws<FileNotFoundException>(() => read.Records.ToArray());
        Assert.False(logs.Log.IsOffline);
        Assert.DoesNotContain(logs.Disk.Contents.Keys, path => path.EndsWith(".deleted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Readers_beside_the_writer_see_a_growing_run_of_whole_batches()
    {
        using var logs = new LogFixture(Small with { SegmentBytes = 20_000, SegmentIndexBytes = 10_000 });
        var log = logs.Log;
        var isDone = false;
        var readers = Enumerable.Range(0, 2).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref isDone))
            {
                var bound = log.LogEndOffset;
                var offset = bound - Math.Min(bound, random.Next(200));
                var run = RecordBatches.Enumerate(log.Read(offset, 3000, bound, minOneBatch: true).Records.ToArray());
                var next = -1L;
                while (run.MoveNext())
                {
                    Assert.True(run.Current.IsValidCrc);
                    Assert.True(run.Current.NextOffset <= bound);
                    Assert.True(next < 0 ? run.Current.BaseOffset <= offset && run.Current.LastOffset >= offset : run.Current.BaseOffset == next);
                    next = run.Current.NextOffset;
                }

                Assert.True(next > offset || offset == bound);
            }
        })).ToArray();
        Fill(log, new Random(2), 3000);
        Volatile.Write(ref isDone, true);
        await Task.WhenAll(readers);
    }

    internal static List<(long BaseOffset, long LastOffset, byte[] Bytes)> Fill(PartitionLog log, Random random, int count)
    {
        var model = new List<(long, long, byte[])>();
        for (var i = 0; i < count; i++)
        {
            var batch = Batches.Plain([.. Enumerable.Range(0, random.Next(1, 6)).Select(n => (T + i, $"k{n}", new string('v', random.Next(60))))]);
            var result = log.Append(batch);
            Assert.Equal(ErrorCode.None, result.Error);
            model.Add((result.BaseOffset, result.LastOffset, batch)); // patched in place, so these are the bytes in the file
        }

        return model;
    }

    internal static void AssertReadsLikeModel(PartitionLog log, List<(long BaseOffset, long LastOffset, byte[] Bytes)> model)
    {
        Assert.Equal(model.Count == 0 ? 0 : model[^1].LastOffset + 1, log.LogEndOffset);
        foreach (var bound in new[] { log.LogEndOffset, log.LogEndOffset / 2 })
        {
            for (var offset = log.LogStartOffset; offset < log.LogEndOffset; offset++)
            {
                var read = log.Read(offset, 150, bound, minOneBatch: true);
                Assert.Equal(ErrorCode.None, read.Error);
                var expected = model.SkipWhile(batch => batch.LastOffset < offset).TakeWhile(batch => batch.LastOffset < bound).SelectMany(batch => batch.Bytes);
                var actual = read.Records.ToArray();
                Assert.True(expected.Take(actual.Length).SequenceEqual(actual), $"offset {offset}, bound {bound}");
                Assert.Equal(offset < bound && model.First(batch => batch.LastOffset >= offset).LastOffset < bound, actual.Length > 0);
            }
        }
    }
}
