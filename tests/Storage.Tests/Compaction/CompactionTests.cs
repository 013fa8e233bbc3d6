using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests.Compaction;

/// <summary>What happens to a compacted log, one story after another. Each record is a segment of its own unless it says otherwise.</summary>
public class CompactionTests
{
    private static readonly LogConfig Compacted = LogConfig.Default with
    {
        CleanupPolicy = CleanupPolicy.Compact,
        MinCleanableDirtyRatio = 0.01,
        TimestampAfterMaxMs = long.MaxValue,
    };

    [Fact]
    public void Of_each_key_the_last_record_stays_where_it_was()
    {
        using var logs = new LogFixture(Compacted);
        Write(logs, "a=1", "b=1", "a=2", "c=1", "b=2", "a=3", "c=2");
        Assert.Equal(1, logs.Clean());
        Assert.Equal("3 c=1, 4 b=2, 5 a=3, 6 c=2", Read(logs.Log)); // the active segment is not looked at
        Assert.Equal((0, 7, 2), (logs.Log.LogStartOffset, logs.Log.LogEndOffset, logs.Log.SegmentCount));
        Assert.Equal(0, logs.Clean());
        logs.Restart();
        Assert.Equal("3 c=1, 4 b=2, 5 a=3, 6 c=2", Read(logs.Log));
        Assert.Equal(0, logs.Clean()); // the checkpoint says that it is done
        Assert.Equal(6, logs.Log.CleanedTo);
    }

    [Fact]
    public void A_key_without_a_value_goes_when_everybody_had_the_time_to_see_it()
    {
        using var logs = new LogFixture(Compacted with { DeleteRetentionMs = 10_000 });
        Write(logs, "a=1", "a=-", "b=1");
        logs.Clean();
        Assert.Equal("1 a=-, 2 b=1", Read(logs.Log));
        logs.Time.Advance(TimeSpan.FromMilliseconds(9_999));
        Write(logs, "b=2");
        logs.Clean();
        Assert.Equal("1 a=-, 2 b=1, 3 b=2", Read(logs.Log));
        logs.Time.Advance(TimeSpan.FromMilliseconds(1));
        Write(logs, "b=3");
        logs.Clean();
        Assert.Equal("3 b=2, 4 b=3", Read(logs.Log));
    }

    [Fact]
    public void A_topic_that_becomes_compacted_loses_its_records_without_keys_and_takes_no_more()
    {
        using var logs = new LogFixture(Compacted with { CleanupPolicy = CleanupPolicy.Delete });
        Write(logs, "a=1", "-=lost", "a=2", "c=1");
        Assert.Equal(0, logs.Clean());
        logs.Log.Config = Compacted;
        var refused = logs.Log.Append(Keyed("-=x"));
        Assert.Equal((ErrorCode.InvalidRecord, 0), (refused.Error, Assert.Single(refused.RecordFaults!).BatchIndex));
        Assert.Equal(4, logs.Log.LogEndOffset);
        logs.Clean();
        Assert.Equal("2 a=2, 3 c=1", Read(logs.Log));
        logs.Log.Config = Compacted with { CleanupPolicy = CleanupPolicy.Delete };
        Write(logs, "a=3", "a=4");
        Assert.Equal(0, logs.Clean());
        Assert.Equal("2 a=2, 3 c=1, 4 a=3, 5 a=4", Read(logs.Log));
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void A_batch_that_loses_nothing_is_copied_and_one_that_does_keeps_its_codec(CompressionCodec codec)
    {
        using var logs = new LogFixture(Compacted);
        var options = RecordBatchOptions.Default with { Codec = codec };
        logs.Log.Append(Batches.Keyed(options, (T, "whole", "1"), (T + 1, "whole too", "1")), epoch: 3);
        logs.Log.AppendToNewSegment(Batches.Keyed(options, (T + 5, "a", "1"), (T + 3, "b", "1"), (T + 4, "c", "1")), epoch: 4);
        logs.Log.AppendToNewSegment(Keyed("a=2"), epoch: 5);
        logs.Log.AppendToNewSegment(Keyed("c=2"), epoch: 5);
        var before = logs.Log.ReadAll();
        logs.Clean();
        var after = logs.Log.ReadAll();
        Assert.Equal(before[0].Bytes, after[0].Bytes);
        var cut = new RecordBatchView(after[1].Bytes);
        Assert.Equal(
            (2, 4, 2, codec, 4, T + 4), (cut.BaseOffset, cut.LastOffset, cut.RecordCount, cut.Codec, cut.PartitionLeaderEpoch, cut.MaxTimestamp));
        Assert.Equal("0 whole=1, 1 whole too=1, 3 b=1, 4 c=1, 5 a=2, 6 c=2", Read(logs.Log)); // c=2 is in the active segment
        Assert.Equal([new(3, 0), new(4, 2), new(5, 5)], logs.Log.Epochs.All);
        logs.Crash();
        Assert.Equal([new(3, 0), new(4, 2), new(5, 5)], logs.Log.Epochs.All);
    }

    [Fact]
    public void A_batch_larger_than_any_buffer_is_compacted_like_the_others()
    {
        using var logs = new LogFixture(Compacted with { MaxMessageBytes = 8 << 20 });
        logs.Cleaner = logs.Cleaner with { IoBufferBytes = 1 };
        var large = new string('v', 3_000_000);
        logs.Log.Append(Batches.Plain((T, "a", "1"), (T, "b", large), (T, "c", large)));
        logs.Log.AppendToNewSegment(Keyed("b=2"));
        logs.Log.AppendToNewSegment(Keyed("x=1"));
        logs.Clean();
        Assert.Equal($"0 a=1, 2 c={large}, 3 b=2, 4 x=1", Read(logs.Log));
    }

    [Fact]
    public void With_room_for_few_keys_a_pass_ends_where_it_is_full_and_the_next_goes_on()
    {
        using var logs = new LogFixture(Compacted);
        logs.Cleaner = logs.Cleaner with { DedupeBufferBytes = 4 * OffsetMap.EntryBytes };
        logs.Log.Append(Batches.Plain([.. Enumerable.Range(0, 20).Select(i => (T, $"key {i % 10}", $"{i}"))]));
        logs.Log.AppendToNewSegment(Keyed("x=1"));
        Assert.True(logs.Clean() > 3);
        Assert.Equal(string.Join(", ", Enumerable.Range(10, 10).Select(i => $"{i} key {i % 10}={i}")) + ", 20 x=1", Read(logs.Log));
        Assert.InRange(logs.Manager.Cleaner.MaxBufferUtilizationPercent, 25, 100);
    }

    [Fact]
    public void Messages_of_old_formats_become_batches()
    {
        using var logs = new LogFixture(Compacted with { DeleteRetentionMs = 0 });
        Write(logs, "a=1", "b=1", "a=2", "b=-", "c=1", "d=1");
        logs.Close();
        foreach (var path in logs.Disk.Contents.Keys.Where(path => path.EndsWith(".log", StringComparison.Ordinal)).ToList())
        {
            using var old = new PooledBuffer();
            var magic = (sbyte)(path.Contains("01.log", StringComparison.Ordinal) ? 0 : 1);
            LegacyMessages.FromBatches(logs.Disk.Contents[path], magic, 0, old, int.MaxValue);
            logs.Disk.Put(path, old.Span.ToArray());
            logs.Disk.SetLastWritten(path, DateTimeOffset.FromUnixTimeMilliseconds(T));
        }

        logs.Crash();
        logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
        Assert.Equal("0 a=1, 1 b=1, 2 a=2, 3 b=-, 4 c=1, 5 d=1", Read(logs.Log));
        logs.Clean();
        Assert.Equal("2 a=2, 3 b=-, 4 c=1, 5 d=1", Read(logs.Log));
        Assert.All(logs.Log.ReadAll()[..^1], batch => Assert.Equal(2, new RecordBatchView(batch.Bytes).Magic));
    }

    [Fact]
    public void With_both_policies_what_is_old_goes_as_well()
    {
        using var logs = new LogFixture(Compacted with { CleanupPolicy = CleanupPolicy.Compact | CleanupPolicy.Delete, RetentionMs = 400_000 });
        Write(logs, "a=1", "b=1", "a=2", "x=1");
        logs.Clean();
        Assert.Equal("1 b=1, 2 a=2, 3 x=1", Read(logs.Log));
        logs.Time.Advance(TimeSpan.FromSeconds(390));
        Write(logs, "c=1");
        Assert.Equal("1 b=1, 2 a=2, 3 x=1, 4 c=1", Read(logs.Log));
        logs.Time.Advance(TimeSpan.FromSeconds(300)); // retention looks
        Assert.Equal("4 c=1", Read(logs.Log));
        Write(logs, "c=2", "d=1");
        logs.Clean();
        Assert.Equal("5 c=2, 6 d=1", Read(logs.Log));
    }

    [Fact]
    public async Task Who_reads_a_segment_that_was_replaced_reads_on_twice_over()
    {
        using var logs = new LogFixture(Compacted);
        Write(logs, "a=1", "b=1", "a=2", "b=2");
        var held = new List<(LogRead Read, byte[] Bytes)>();
        for (var i = 0; i < 3; i++)
        {
            logs.Log.CloseIdleFiles();
            logs.Log.CloseIdleFiles(); // so that they must be found by name
            for (var offset = 0; offset < logs.Log.LogEndOffset; offset++)
            {
                var read = logs.Log.Read(offset, 1000, long.MaxValue, minOneBatch: true);
                held.Add((read, read.Records.ToArray()));
            }

            Write(logs, "a=3", "b=3");
            Assert.Equal(ErrorCode.None, await logs.Log.FlushAsync(logs.Log.LogEndOffset));
            logs.Log.CloseIdleFiles();
            logs.Log.CloseIdleFiles();
            Assert.Equal(1, logs.Clean());
        }

        Assert.All(held, one => Assert.Equal(one.Bytes, one.Read.Records.ToArray()));
        logs.Time.Advance(TimeSpan.FromMilliseconds(Compacted.FileDeleteDelayMs + 2000));
        Assert.DoesNotContain(logs.Disk.Contents.Keys, path => path.EndsWith(".deleted", StringComparison.Ordinal));
        Assert.Equal("7 b=3, 8 a=3, 9 b=3", Read(logs.Log));
    }

    [Fact]
    public void Who_has_found_records_of_an_aborted_transaction_is_told_of_it_whatever_happens_meanwhile()
    {
        using var logs = new LogFixture(Compacted);
        var log = logs.Log;
        log.Append(Batches.Transactional(7, 0, 0, (T, "a", "1")));
        log.Append(Batches.Marker(commit: false, 7, 0, 0, T), origin: AppendOrigin.Coordinator);
        log.Append(Batches.Transactional(7, 0, 1, (T, "a", "2"))); // or the first would stay, without records, for its sequence number
        log.Append(Batches.Marker(commit: true, 7, 0, 0, T), origin: AppendOrigin.Coordinator);
        Write(logs, "b=1", "c=1", "c=2");
        var read = log.Read(0, 1000, log.LastStableOffset, minOneBatch: true);
        logs.Clean();
        Write(logs, "c=3");
        logs.Clean();
        Assert.Equal([new AbortedTransaction(7, 0, 1, 2)], log.AbortedTransactions(0, read));
        Assert.Equal([], log.AbortedTransactions(0, log.Read(0, 1000, log.LastStableOffset, minOneBatch: true)));
    }

    [Theory]
    [InlineData("close")]
    [InlineData("delete")]
    [InlineData("truncate")]
    [InlineData("start anew")]
    [InlineData("policy")]
    [InlineData("disk")]
    [InlineData("retention")]
    public void What_happens_to_a_log_during_a_pass_ends_the_pass_and_nothing_else(string what)
    {
        using var logs = new LogFixture(Compacted);
        Write(logs, "a=1", "b=1", "a=2", "b=2", "c=1");
        var log = logs.Log;
        var isHappening = false;
        logs.Disk.Syncing = path =>
        {
            if (isHappening || !path.EndsWith(".log.cleaned", StringComparison.Ordinal))
                return;
            isHappening = true;
            switch (what)
            {
                case "close":
                    log.BeginClose();
                    break;
                case "delete":
                    Assert.True(logs.Manager.Delete(Foo));
                    logs.Time.Advance(TimeSpan.FromMinutes(10)); // and its files are gone
                    break;
                case "truncate":
                    Assert.Equal(ErrorCode.None, log.TruncateTo(3));
                    break;
                case "start anew":
                    Assert.Equal(ErrorCode.None, log.TruncateFullyAndStartAt(77));
                    break;
                case "policy":
                    log.Config = log.Config with { CleanupPolicy = CleanupPolicy.Delete };
                    break;
                case "disk":
                    logs.Disk.Fault = (_, _) => new IOException("no space left");
                    break;
                default:
                    log.Config = log.Config with { CleanupPolicy = CleanupPolicy.Compact | CleanupPolicy.Delete };
                    Assert.Equal(ErrorCode.None, log.AdvanceLogStart(2));
                    break;
            }
        };

        using var pass = logs.Manager.Cleaner.NewPass(logs.Cleaner, CancellationToken.None);
        Assert.True(logs.Manager.Cleaner.CleanOne(pass));
        Assert.True(isHappening);
        logs.Disk.Fault = null;
        Assert.Equal(what == "disk", log.IsOffline);
        Assert.Equal(-1, log.CleanedTo);
        Assert.Equal(0, logs.Manager.Cleaner.UncleanablePartitions(Root));
        if (what != "disk")
            Assert.DoesNotContain(logs.Disk.Contents.Keys, path => path.EndsWith(".cleaned", StringComparison.Ordinal) || path.EndsWith(".swap", StringComparison.Ordinal));
        var expected = what switch
        {
            "truncate" => "0 a=1, 1 b=1, 2 a=2",
            "retention" => "2 a=2, 3 b=2, 4 c=1",
            "delete" or "start anew" => "",
            _ => "0 a=1, 1 b=1, 2 a=2, 3 b=2, 4 c=1",
        };
        logs.Crash();
        logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
        Assert.Equal(expected, Read(logs.Log));
    }

    [Fact]
    public void The_last_batch_of_a_producer_stays_without_its_records_until_there_is_a_later_one()
    {
        using var logs = new LogFixture(Compacted);
        logs.Log.Append(Batches.Idempotent(7, 2, 0, (T, "a", "1"), (T, "b", "1")));
        Write(logs, "a=2", "b=2", "c=1");
        logs.Clean();
        var empty = new RecordBatchView(logs.Log.ReadAll()[0].Bytes);
        Assert.Equal((0L, 1L, 0, 7L), (empty.BaseOffset, empty.LastOffset, empty.RecordCount, empty.ProducerId));
        Assert.Equal((2, 0, 1), (empty.ProducerEpoch, empty.BaseSequence, empty.LastSequence));
        Assert.Equal("2 a=2, 3 b=2, 4 c=1", Read(logs.Log));

        // Nothing but that batch tells of the producer.
        logs.Close();
        foreach (var path in logs.Disk.Contents.Keys.Where(path => path.EndsWith(".snapshot", StringComparison.Ordinal)).ToList())
            logs.Disk.DeleteFile(path);
        logs.Disk.DeleteFile($"{Root}/.kafka_cleanshutdown");
        logs.Crash();
        logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
        Assert.Equal([new ProducerInfo(7, 2, 1, T, -1, -1)], logs.Log.DescribeProducers());
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, logs.Log.Append(Batches.Idempotent(7, 2, 3, (T, "x", "1"))).Error);
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Idempotent(7, 2, 2, (T, "x", "1"))).Error);
        Write(logs, "d=1");
        logs.Clean();
        Assert.DoesNotContain(logs.Log.ReadAll(), batch => batch.BaseOffset == 0);
    }

    [Fact]
    public void A_log_that_moves_to_another_directory_during_a_pass_is_compacted_there()
    {
        using var logs = new LogFixture(Compacted with { FileDeleteDelayMs = 0 }, null, "/a", "/b");
        Write(logs, "a=1", "b=1", "a=2", "b=2", "c=1");
        var log = logs.Log;
        var (from, to) = log.LogDir == "/a" ? ("/a", "/b") : ("/b", "/a");
        var isHappening = false;
        logs.Disk.Syncing = path =>
        {
            if (isHappening || !path.EndsWith(".log.cleaned", StringComparison.Ordinal))
                return;
            isHappening = true;
            Assert.Equal(ErrorCode.None, logs.Manager.BeginMove(Foo, to));
            var move = logs.Manager.MoveOf(Foo)!;
            while (move.Copy(1 << 20) > 0)
            {
                // until everything is there
            }

            Assert.True(move.TryFinish());
            logs.Time.Advance(TimeSpan.FromSeconds(10)); // and the old files are gone
        };
        using var pass = logs.Manager.Cleaner.NewPass(logs.Cleaner, CancellationToken.None);
        Assert.True(logs.Manager.Cleaner.CleanOne(pass));
        Assert.Equal((to, -1), (log.LogDir, log.CleanedTo));
        Assert.All(logs.Manager.LogDirs, directory => Assert.False(directory.IsOffline));
        Assert.DoesNotContain(logs.Disk.Contents.Keys, path => path.StartsWith($"{from}/foo", StringComparison.Ordinal));
        Assert.Equal("0 a=1, 1 b=1, 2 a=2, 3 b=2, 4 c=1", Read(log));
        Write(logs, "d=1");
        Assert.Equal(1, logs.Clean());
        Assert.Equal("2 a=2, 3 b=2, 4 c=1, 5 d=1", Read(log));
        Assert.EndsWith("foo 0 5\n", System.Text.Encoding.UTF8.GetString(logs.Disk.Contents[$"{to}/cleaner-offset-checkpoint"]));
    }

    [Fact]
    public void What_a_truncation_took_is_not_taken_for_compacted_when_it_is_written_anew()
    {
        using var logs = new LogFixture(Compacted);
        Write(logs, "a=1", "a=2", "b=1", "c=1");
        logs.Clean();
        Assert.Equal(3, logs.Log.CleanedTo);
        logs.Log.TruncateTo(2);
        Assert.Equal(2, logs.Log.CleanedTo);
        Assert.Equal("0\n1\nfoo 0 2\n", System.Text.Encoding.UTF8.GetString(logs.Disk.Contents[$"{Root}/cleaner-offset-checkpoint"]));
        logs.Crash();
        Assert.Equal(2, logs.Log.CleanedTo);
    }

    [Theory]
    [InlineData("crc")]
    [InlineData("cut")]
    [InlineData("records")]
    public void A_damaged_segment_stops_its_own_partition_alone(string damage)
    {
        using var logs = new LogFixture(Compacted with { CleanupPolicy = CleanupPolicy.Delete });
        if (damage == "records") // stored as they came, for nobody looked into them while the topic was not compacted
            logs.Log.Append(Garbage());
        Write(logs, "a=1", "a=2", "b=1");
        logs.Log.Config = Compacted;
        var bar = new TopicPartition("bar", 0);
        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(bar, FooId, Compacted, out var other));
        Assert.NotNull(other);
        other.Append(Keyed("a=1"));
        other.AppendToNewSegment(Keyed("a=2"));
        other.AppendToNewSegment(Keyed("b=1"));
        if (damage != "records")
        {
            var segment = logs.Log.AllSegments[1];
            if (damage == "crc")
                segment.File.Write(segment.Size - 1, [1]);
            else
                segment.File.SetSize(segment.Size - 3);
        }

        var before = logs.Log.AllSegments.Select(segment => segment.BaseOffset).ToArray();
        Assert.Equal(2, logs.Clean());
        Assert.Equal("1 a=2, 2 b=1", Read(other));
        Assert.Equal(before, logs.Log.AllSegments.Select(segment => segment.BaseOffset));
        Assert.False(logs.Log.IsOffline);
        Assert.Equal(1, logs.Manager.Cleaner.UncleanablePartitions(Root));
        Assert.True(logs.Manager.Cleaner.UncleanableBytes(Root) > 100);
        Assert.Equal(0, logs.Manager.Cleaner.UncleanablePartitions("/elsewhere"));
        Assert.DoesNotContain(logs.Disk.Contents.Keys, path => path.EndsWith(".cleaned", StringComparison.Ordinal));

        logs.Log.Append(Keyed("a=3"));
        Assert.Equal(0, logs.Clean());
        Assert.True(logs.Manager.Delete(Foo));
        Assert.Equal(0, logs.Manager.Cleaner.UncleanablePartitions(Root));
    }

    [Fact]
    public void The_figures_tell_what_the_last_pass_did()
    {
        using var logs = new LogFixture(Compacted with { MaxCompactionLagMs = 100_000 });
        var cleaner = logs.Manager.Cleaner;
        Write(logs, "a=1", "a=2", "b=1", "b=2");
        logs.Time.Advance(TimeSpan.FromSeconds(150));
        Assert.Equal(150_000, cleaner.TimeSinceLastRunMs);
        var bytes = logs.Log.AllSegments.Take(3).Sum(segment => segment.Size);
        using (var pass = cleaner.NewPass(logs.Cleaner, CancellationToken.None))
            Assert.True(cleaner.CleanOne(pass));
        Assert.Equal((100, 50, bytes, 0), (cleaner.MaxDirtyPercent, cleaner.MaxCompactionDelaySecs, cleaner.CleanedBytes, cleaner.TimeSinceLastRunMs));
        Assert.InRange(cleaner.CleanerRecopyPercent, 60, 70);
        Assert.InRange(cleaner.MaxBufferUtilizationPercent, 0.001, 0.1);
        Assert.Equal(0, cleaner.DeadThreadCount);
        logs.Clean();
        Assert.Equal((0, 0), (cleaner.MaxDirtyPercent, cleaner.MaxCompactionDelaySecs));
    }

    private static byte[] Garbage()
    {
        var batch = Batches.Plain((T, "a", "1"));
        batch[RecordBatchHeader.Size] ^= 0x7e; // the length of the record
        RecordBatchHeader.UpdateCrc(batch);
        return batch;
    }

    private static void Write(LogFixture logs, params string[] records)
    {
        foreach (var record in records)
            Assert.Equal(ErrorCode.None, logs.Log.AppendToNewSegment(Keyed(record, logs.Time.GetUtcNow().ToUnixTimeMilliseconds())).Error);
    }

    private static byte[] Keyed(string record, long time = T)
    {
        var parts = record.Split('=');
        return Batches.Keyed(RecordBatchOptions.Default, (time, parts[0] == "-" ? null : parts[0], parts[1] == "-" ? null : parts[1]));
    }

    private static string Read(PartitionLog log)
    {
        var found = new List<string>();
        using var scratch = new PooledBuffer();
        foreach (var (_, bytes) in log.ReadAll())
        {
            foreach (var batch in RecordBatches.Enumerate(bytes))
            {
                foreach (var record in batch.ReadRecords(scratch, int.MaxValue))
                    found.Add($"{record.Offset} {Text(record.Key)}={Text(record.Value)}");
            }
        }

        return string.Join(", ", found);
    }

    private static string Text(NullableSpan bytes) => bytes.IsNull ? "-" : System.Text.Encoding.UTF8.GetString(bytes.Span);
}
