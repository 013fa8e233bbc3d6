using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>Full disks and I/O errors: the directory goes offline, clients hear it, nothing is acknowledged falsely, and the process lives.</summary>
public class FailureTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(int.MaxValue)]
    public async Task A_write_that_fails_leaves_no_trace(int written)
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Plain((T, "a", "b")));
        var failed = new TaskCompletionSource<LogDirInfo>();
        logs.Manager.LogDirFailed += (directory, _) => failed.SetResult(directory);
        logs.Disk.PartOfFailedWrite = count => Math.Min(count, written);
        logs.Disk.Fault = (operation, path) => operation == "write" && path.EndsWith(".log", StringComparison.Ordinal) ? new IOException("no space left on device") : null;

        Assert.Equal(ErrorCode.KafkaStorageError, log.Append(Batches.Plain((T, "c", "d"))).Error);
        Assert.Equal((Root, true), ((await failed.Task).Path, (await failed.Task).IsOffline));
        logs.Disk.Fault = null;
        AssertOffline(logs);
        logs.Crash();
        Assert.Equal(1, logs.Log.LogEndOffset);
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Plain((T, "c", "d"))).Error);
    }

    [Fact]
    public async Task A_sync_that_fails_is_not_tried_again_and_nobody_is_told_that_it_worked()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Plain((T, "a", "b")));
        logs.Disk.Fault = (operation, _) => operation == "sync" ? new IOException("input/output error") : null;
        Assert.Equal(ErrorCode.KafkaStorageError, await log.FlushAsync(1));
        logs.Disk.Fault = null;
        Assert.Equal(0, log.RecoveryPoint);
        AssertOffline(logs);
        Assert.Equal(ErrorCode.KafkaStorageError, await log.FlushAsync(1));
    }

    [Fact]
    public void A_read_that_fails_when_records_are_sent_is_an_exception_there_and_an_error_from_then_on()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        var read = logs.Log.Read(0, 1000, 1, minOneBatch: true);
        logs.Disk.Fault = (operation, _) => operation == "read" ? new IOException("input/output error") : null;
        Assert.Throws<IOException>(() => read.Records.ToArray());
        logs.Disk.Fault = null;
        AssertOffline(logs);
    }

    [Fact]
    public void A_failure_of_any_operation_is_survived()
    {
        for (var operations = 0; operations < 60; operations++)
        {
            using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 600, IndexIntervalBytes = 10, RetentionBytes = 1000 });
            _ = logs.Log;
            var left = operations;
            logs.Disk.Fault = (_, _) => left-- <= 0 ? new IOException("input/output error") : null;
            var acknowledged = 0;
            for (var i = 0; i < 12; i++)
            {
                if (logs.Log.Append(Batches.Sized(200)).Error == ErrorCode.None)
                    acknowledged++;
                logs.Log.Read(logs.Log.LogStartOffset, 1000, long.MaxValue, minOneBatch: true);
                logs.Log.FindByTimestamp(T);
            }

            logs.Log.AdvanceLogStart(Math.Min(3, logs.Log.HighWatermark));
            logs.Log.TruncateTo(8);
            logs.Time.Advance(TimeSpan.FromMinutes(10));
            logs.Disk.Fault = null;
            var start = logs.Log.LogStartOffset;
            logs.Crash();
            Assert.True(logs.Log.LogEndOffset >= Math.Min(8, acknowledged), $"after {operations} operations");
            Assert.True(logs.Log.LogStartOffset <= Math.Max(start, 12));
        }
    }

    [Fact]
    public void A_failure_while_logs_are_loaded_costs_the_directory_and_no_record()
    {
        for (var operations = 0; operations < 40; operations++)
        {
            using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 600, IndexIntervalBytes = 10 });
            for (var i = 0; i < 6; i++)
                logs.Log.Append(Batches.Idempotent(1, 0, i, (T, "a", new string('b', 100))));
            logs.Disk.Crash(new Random(1), powerCut: false);
            var left = operations;
            logs.Disk.Fault = (operation, path) => path.Contains("/foo-0", StringComparison.Ordinal) && left-- <= 0 ? new IOException("input/output error") : null;
            logs.Crash();
            Assert.True(logs.Manager.Find(Foo) is not null || logs.Manager.LogDirs[0].IsOffline);
            logs.Disk.Fault = null;
            logs.Crash();
            Assert.Equal(6, logs.Log.ReadAll().Count);
            Assert.Equal(5, Assert.Single(logs.Log.DescribeProducers()).LastSequence);
        }
    }

    [Fact]
    public void Of_several_directories_the_others_go_on()
    {
        using var logs = new LogFixture(null, null, "/a", "/b");
        for (var i = 0; i < 4; i++)
            Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(new("t", i), FooId, logs.Config, out _));
        Assert.Equal(["/a", "/a", "/b", "/b"], logs.Manager.Logs.Select(log => log.LogDir).Order());
        logs.Disk.Fault = (_, path) => path.StartsWith("/a/", StringComparison.Ordinal) ? new IOException("input/output error") : null;
        foreach (var log in logs.Manager.Logs)
            Assert.Equal(log.LogDir == "/a" ? ErrorCode.KafkaStorageError : ErrorCode.None, log.Append(Batches.Plain((T, "a", "b"))).Error);
        Assert.Equal([true, false], logs.Manager.LogDirs.Select(directory => directory.IsOffline));
        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(new("t", 9), FooId, logs.Config, out var another));
        Assert.Equal("/b", another!.LogDir);
        logs.Disk.Fault = null;
        logs.Restart();
        Assert.Equal(5, logs.Manager.Logs.Count);
    }

    [Fact]
    public void Without_a_directory_nothing_is_created()
    {
        using var logs = new LogFixture();
        logs.Disk.Fault = (operation, _) => operation == "mkdir" ? new IOException("read-only file system") : null;
        Assert.Equal(ErrorCode.KafkaStorageError, logs.Manager.GetOrCreate(Foo, FooId, logs.Config, out var log));
        Assert.Null(log);
        logs.Disk.Fault = null;
    }

    [Fact]
    public void A_shutdown_that_could_not_write_everything_was_not_clean()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Disk.Fault = (operation, path) => operation == "sync" && path.EndsWith(".log", StringComparison.Ordinal) ? new IOException("input/output error") : null;
        logs.Close();
        logs.Disk.Fault = null;
        Assert.DoesNotContain($"{Root}/.kafka_cleanshutdown", logs.Disk.Contents.Keys);
        logs.Crash();
        Assert.Equal(1, logs.Log.LogEndOffset);
    }

    private static void AssertOffline(LogFixture logs)
    {
        var log = logs.Manager.Find(Foo)!;
        Assert.True(log.IsOffline);
        Assert.Equal(ErrorCode.KafkaStorageError, log.Append(Batches.Plain((T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.KafkaStorageError, log.AppendAsFollower(Batches.Plain((T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.KafkaStorageError, log.Read(0, 100, 1, minOneBatch: true).Error);
        Assert.Equal(ErrorCode.KafkaStorageError, log.FindByTimestamp(0).Error);
        Assert.Equal(ErrorCode.KafkaStorageError, log.FindMaxTimestamp().Error);
        Assert.Equal(ErrorCode.KafkaStorageError, log.AdvanceLogStart(1));
        Assert.Equal(ErrorCode.KafkaStorageError, log.TruncateTo(0));
        Assert.Equal(ErrorCode.KafkaStorageError, logs.Manager.GetOrCreate(new("bar", 0), FooId, logs.Config, out _));
    }
}
