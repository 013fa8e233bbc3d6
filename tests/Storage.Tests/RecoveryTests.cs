using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>What is there after a process was killed, and after its disk has suffered.</summary>
public class RecoveryTests
{
    private static readonly LogConfig Small = LogConfig.Default with { SegmentBytes = 2000, IndexIntervalBytes = 200, SegmentIndexBytes = 240 };

    [Fact]
    public void After_kill_9_every_record_is_there()
    {
        using var logs = new LogFixture(Small);
        var random = new Random(1);
        var model = ReadTests.Fill(logs.Log, random, 50);
        logs.Crash();
        ReadTests.AssertReadsLikeModel(logs.Log, model);
        foreach (var more in Enumerable.Range(0, 3))
        {
            model.AddRange(ReadTests.Fill(logs.Log, random, 5));
            logs.Crash();
            ReadTests.AssertReadsLikeModel(logs.Log, model);
        }
    }

    [Fact]
    public void A_tail_that_is_cut_anywhere_is_cut_to_whole_batches()
    {
        using var whole = new LogFixture(Small);
        var model = ReadTests.Fill(whole.Log, new Random(4), 40);
        var files = whole.Disk.Contents;
        var logFiles = files.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)).Order().TakeLast(2).ToArray();
        foreach (var path in logFiles)
        {
            for (var length = 0; length < files[path].Length; length++)
            {
                using var logs = Copy(files, path, files[path][..length]);
                var baseOffset = long.Parse(Path.GetFileNameWithoutExtension(path));
                var position = 0;
                var survivors = model.TakeWhile(batch => batch.BaseOffset < baseOffset || (position += batch.Bytes.Length) <= length).ToList();
                Assert.Equal(survivors is [] ? 0 : Math.Max(survivors[^1].LastOffset + 1, baseOffset), logs.Log.LogEndOffset);
                Assert.Equal(survivors.Sum(batch => batch.Bytes.Length), logs.Log.ReadAll().Sum(batch => batch.Bytes.Length));
                if (length % 97 == 0)
                {
                    ReadTests.AssertReadsLikeModel(logs.Log, survivors);
                    Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Plain((T, "a", "b"))).Error);
                    Assert.Equal(survivors.Count + 1, logs.Log.ReadAll().Count);
                }
            }
        }
    }

    [Fact]
    public void Where_logs_are_compacted_a_hole_between_segments_is_left_alone()
    {
        using var whole = new LogFixture(Small);
        ReadTests.Fill(whole.Log, new Random(4), 40);
        var files = whole.Disk.Contents;
        var path = files.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)).Order().TakeLast(2).First();
        var run = RecordBatches.Enumerate(files[path]);
        Assert.True(run.MoveNext());
        foreach (var policy in (CleanupPolicy[])[CleanupPolicy.Compact, CleanupPolicy.Delete])
        {
            using var logs = Copy(files, path, files[path][..run.Consumed], Small with { CleanupPolicy = policy });
            Assert.Equal(policy == CleanupPolicy.Compact ? whole.Log.LogEndOffset : run.Current.NextOffset, logs.Log.LogEndOffset);
        }
    }

    [Fact]
    public void A_changed_byte_behind_the_recovery_point_ends_the_log_there()
    {
        using var whole = new LogFixture();
        var model = ReadTests.Fill(whole.Log, new Random(4), 12);
        var files = whole.Disk.Contents;
        var path = $"{whole.Directory}/00000000000000000000.log";
        var bounds = model.Select(batch => batch.Bytes.Length).Aggregate(new List<int> { 0 }, (ends, size) => [.. ends, ends[^1] + size]);
        for (var position = 0; position < files[path].Length; position++)
        {
            var damaged = files[path].ToArray();
            damaged[position] ^= 0x41;
            using var logs = Copy(files, path, damaged);
            var hit = bounds.FindLastIndex(bound => bound <= position);

            // Base offset and leader epoch lie outside the CRC. A wrong epoch cannot be told from a right one, an offset can if it falls.
            var isInEpoch = position - bounds[hit] is >= 12 and < 16;
            var isInOffset = position - bounds[hit] < 8;
            if (!isInEpoch && !isInOffset)
                Assert.Equal(model[hit].BaseOffset, logs.Log.LogEndOffset);
        }
    }

    public static TheoryData<string, Func<byte[], byte[]>?> IndexDamages => new()
    {
        { "missing", null },
        { "empty", _ => [] },
        { "cut within an entry", bytes => bytes[..^3] },
        { "half", bytes => bytes[..(bytes.Length / 24 * 12)] },
        { "zeros", bytes => new byte[bytes.Length] },
        { "ones", bytes => [.. bytes.Select(_ => (byte)0xff)] },
        { "noise", bytes => { var noise = new byte[bytes.Length]; new Random(3).NextBytes(noise); return noise; } },
        { "reversed", bytes => [.. bytes.Reverse()] },
        { "low bits flipped", bytes => [.. bytes.Select((value, i) => i % 4 == 3 ? (byte)(value ^ 1) : value)] },
        { "zeros behind the end, as Kafka leaves them", bytes => [.. bytes, .. new byte[240 - bytes.Length]] },
        { "twice", bytes => [.. bytes, .. bytes] },
    };

    [Theory]
    [MemberData(nameof(IndexDamages))]
    public void Indexes_that_are_missing_or_wrong_are_built_again(string what, Func<byte[], byte[]>? damage)
    {
        Assert.NotEmpty(what);
        foreach (var suffix in new[] { ".index", ".timeindex" })
        {
            foreach (var wasClean in new[] { true, false })
            {
                using var logs = new LogFixture(Small);
                var model = ReadTests.Fill(logs.Log, new Random(8), 60);
                logs.Close();
                if (!wasClean)
                    logs.Disk.DeleteFile($"{Root}/.kafka_cleanshutdown");
                foreach (var path in logs.Disk.Contents.Keys.Where(path => path.EndsWith(suffix, StringComparison.Ordinal)))
                {
                    if (damage is null)
                        logs.Disk.DeleteFile(path);
                    else
                        logs.Disk.Put(path, damage(logs.Disk.Contents[path]));
                }

                logs.Crash();
                ReadTests.AssertReadsLikeModel(logs.Log, model);
                for (var i = 0; i < 60; i++)
                    Assert.Equal(model.First(batch => batch.BaseOffset == model[i].BaseOffset).BaseOffset, logs.Log.FindByTimestamp(T + i).Offset);
                Assert.Equal(T + 59, logs.Log.FindMaxTimestamp().Timestamp);
                model.AddRange(ReadTests.Fill(logs.Log, new Random(9), 20));
                ReadTests.AssertReadsLikeModel(logs.Log, model);
                Assert.False(logs.Log.IsOffline);
            }
        }
    }

    [Fact]
    public void A_clean_start_reads_next_to_nothing()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 300_000 });
        for (var i = 0; i < 100; i++)
            logs.Log.Append(Batches.Sized(10_000));
        logs.Close();
        logs.Disk.BytesRead = 0;
        logs.Restart();
        Assert.Equal(100, logs.Log.LogEndOffset);
        Assert.InRange(logs.Disk.BytesRead, 1, 40_000);
    }

    [Fact]
    public async Task A_start_after_kill_9_reads_what_lies_behind_the_recovery_point()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 3_000_000 });
        for (var i = 0; i < 500; i++)
            logs.Log.Append(Batches.Sized(10_000));
        Assert.Equal(ErrorCode.None, await logs.Log.FlushAsync(logs.Log.LogEndOffset));
        logs.Time.Advance(TimeSpan.FromSeconds(10)); // the recovery point is written down
        for (var i = 0; i < 10; i++)
            logs.Log.Append(Batches.Sized(10_000));
        logs.Disk.BytesRead = 0;

        // What recovery finds is synced in the background; held up here, so that what is claimed before can be seen.
        using var mayEnd = new ManualResetEventSlim();
        logs.Disk.Syncing = path =>
        {
            if (path.EndsWith(".log", StringComparison.Ordinal))
                mayEnd.Wait();
        };
        try
        {
            logs.Crash();
            Assert.Equal(510, logs.Log.LogEndOffset);
            // The ten batches behind the recovery point, the headers of the segment for the producers, and what index entries in memory were lost.
            Assert.InRange(logs.Disk.BytesRead, 100_000, 1_200_000);
            Assert.Equal(500, logs.Log.RecoveryPoint);
        }
        finally
        {
            mayEnd.Set();
        }

        await logs.Log.BackgroundFlush;
        Assert.Equal(510, logs.Log.RecoveryPoint);
    }

    [Fact]
    public void What_a_crash_left_half_done_is_finished_or_undone()
    {
        using var logs = new LogFixture(Small);
        var model = ReadTests.Fill(logs.Log, new Random(8), 60);
        logs.Close();
        var names = logs.Disk.Contents.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)).Order().ToArray();
        var (first, second, third) = (names[0][..^4], names[1][..^4], names[2][..^4]);
        var contents = logs.Disk.Contents;

        // Compaction has made one segment of the first two, but not yet removed them; of the third it has made a beginning.
        logs.Disk.Put($"{first}.log.swap", [.. contents[$"{first}.log"], .. contents[$"{second}.log"]]);
        logs.Disk.Put($"{third}.log.cleaned", [1, 2, 3]);
        logs.Disk.Put($"{third}.index.cleaned", []);
        logs.Disk.Put($"{logs.Directory}/00000000000000000000.log.deleted", [1]);
        logs.Disk.Put($"{logs.Directory}/00000000000000009999.index", [1]);
        logs.Disk.Put($"{logs.Directory}/00000000000000000000-0000000000.checkpoint.deleted", [1]); // KRaft's, not ours
        logs.Crash();

        ReadTests.AssertReadsLikeModel(logs.Log, model);
        Assert.Equal(names.Length - 1, logs.Log.SegmentCount);
        Assert.Equal(
            ["00000000000000000000-0000000000.checkpoint.deleted"],
            logs.Disk.Contents.Keys.Where(path => path.EndsWith("ed", StringComparison.Ordinal) || path.EndsWith(".swap", StringComparison.Ordinal)).Select(Path.GetFileName));
        Assert.DoesNotContain($"{second}.log", logs.Disk.Contents.Keys);
        Assert.DoesNotContain($"{logs.Directory}/00000000000000009999.index", logs.Disk.Contents.Keys);
    }

    [Fact]
    public void A_swap_behind_what_is_still_being_cleaned_is_dropped()
    {
        using var logs = new LogFixture(Small);
        var model = ReadTests.Fill(logs.Log, new Random(8), 60);
        logs.Close();
        logs.Disk.Put($"{logs.Directory}/00000000000000000000.log.cleaned", [1]);
        logs.Disk.Put($"{logs.Directory}/00000000000000000000.log.swap", [1]);
        logs.Crash();
        ReadTests.AssertReadsLikeModel(logs.Log, model);
    }

    [Fact]
    public void Zeros_of_a_preallocated_file_are_no_batches()
    {
        using var logs = new LogFixture(Small with { Preallocate = true });
        var model = ReadTests.Fill(logs.Log, new Random(8), 10);
        Assert.Equal(2000, logs.Disk.Contents.Where(file => file.Key.EndsWith(".log", StringComparison.Ordinal)).MaxBy(file => file.Key).Value.Length);
        logs.Crash();
        ReadTests.AssertReadsLikeModel(logs.Log, model);
        model.AddRange(ReadTests.Fill(logs.Log, new Random(9), 10));
        logs.Restart();
        ReadTests.AssertReadsLikeModel(logs.Log, model);
        Assert.Equal(model.Sum(batch => batch.Bytes.Length), logs.Disk.Contents.Where(file => file.Key.EndsWith(".log", StringComparison.Ordinal)).Sum(file => file.Value.Length));
    }

    [Fact]
    public void Epochs_that_the_file_does_not_know_are_found_in_the_batches()
    {
        using var logs = new LogFixture(Small);
        logs.Log.Append(Batches.Plain((T, "a", "b")), epoch: 2);
        logs.Log.Append(Batches.Plain((T, "a", "b"), (T, "a", "b")), epoch: 2);
        logs.Log.Append(Batches.Plain((T, "a", "b")), epoch: 7);
        logs.Crash();
        Assert.Equal([new(2, 0), new(7, 3)], logs.Log.Epochs.All);
    }

    [Fact]
    public async Task Epochs_that_a_truncation_took_do_not_come_back_from_the_file()
    {
        using var logs = new LogFixture(Small);
        for (var i = 0; i < 10; i++)
            logs.Log.Append(Batches.Plain((T, "a", "b")), epoch: i < 6 ? 1 : 5);
        await logs.Log.FlushAsync(10);
        Assert.Equal("0\n2\n1 0\n5 6\n", System.Text.Encoding.UTF8.GetString(logs.File("leader-epoch-checkpoint")));

        // Another node led in epoch 3, of which this one has heard nothing. It takes what it missed.
        logs.Log.TruncateTo(4);
        for (var offset = 4L; offset < 9; offset++)
            logs.Log.AppendAsFollower(Batches.Build(RecordBatchOptions.Default with { BaseOffset = offset, PartitionLeaderEpoch = 3 }, (T, "a", "b")));
        Assert.Equal([new(1, 0), new(3, 4)], logs.Log.Epochs.All);
        logs.Crash();
        Assert.Equal([new(1, 0), new(3, 4)], logs.Log.Epochs.All);
    }

    [Fact]
    public void A_log_that_ends_before_its_start_goes_on_from_there()
    {
        using var logs = new LogFixture();
        ReadTests.Fill(logs.Log, new Random(8), 10);
        var end = logs.Log.LogEndOffset;
        logs.Log.AdvanceLogStart(end);
        logs.Close();
        logs.Damage($"{end:D20}.log".Replace($"{end:D20}", "00000000000000000000"), bytes => bytes[..100]);
        logs.Disk.DeleteFile($"{Root}/.kafka_cleanshutdown");
        logs.Crash();
        Assert.Equal((end, end), (logs.Log.LogStartOffset, logs.Log.LogEndOffset));
        Assert.Equal(end, logs.Log.Append(Batches.Plain((T, "a", "b"))).BaseOffset);
    }

    [Theory]
    [InlineData("leader-epoch-checkpoint")]
    [InlineData("partition.metadata")]
    public void A_malformed_checkpoint_takes_the_directory_offline(string name)
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Close();
        logs.Damage(name, _ => [1, 2, 3]);
        logs.Crash();
        Assert.True(Assert.Single(logs.Manager.LogDirs).IsOffline);
    }

    /// <summary>A log directory with these files, one of them changed, that was never closed.</summary>
    private static LogFixture Copy(IReadOnlyDictionary<string, byte[]> files, string changed, byte[] bytes, LogConfig? config = null)
    {
        var disk = new MemoryFileSystem();
        foreach (var (path, content) in files)
            disk.Put(path, path == changed ? bytes : content);
        return new(config ?? Small, disk);
    }
}
