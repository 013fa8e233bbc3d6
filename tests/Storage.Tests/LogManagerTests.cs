using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class LogManagerTests
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeMilliseconds(T));
    private readonly MemoryFileSystem disk = new();

    [Fact]
    public async Task A_new_directory_is_given_to_cluster_and_node_and_keeps_its_id()
    {
        await using var first = Open();
        var id = Assert.Single(first.LogDirs).Id;
        Assert.False(id.IsReserved);
        await first.CloseAsync();
        Assert.Equal(new MetaProperties(first.ClusterId, 1, id), MetaProperties.Read(disk, Root));

        await using var second = Open();
        Assert.Equal((first.ClusterId, id), (second.ClusterId, Assert.Single(second.LogDirs).Id));
    }

    [Fact]
    public async Task A_directory_of_another_cluster_or_node_is_refused_and_given_back()
    {
        disk.Put($"{Root}/meta.properties", Encoding.UTF8.GetBytes("version=1\ncluster.id=theirs\nnode.id=7\n"));
        var other = Assert.Throws<LogDirectoryException>(() => Open(nodeId: 7, clusterId: "ours"));
        Assert.Equal("/logs belongs to cluster theirs, not to ours", other.Message);
        other = Assert.Throws<LogDirectoryException>(() => Open(nodeId: 1));
        Assert.Equal("/logs belongs to node 7, not to 1", other.Message);
        await using var right = Open(nodeId: 7);
        Assert.Equal("theirs", right.ClusterId);
    }

    [Fact]
    public async Task A_directory_in_use_is_refused()
    {
        await using var first = Open();
        var refusal = Assert.Throws<LogDirectoryException>(() => Open());
        Assert.Equal("/logs is in use by another process, which holds its .lock", refusal.Message);
        await first.CloseAsync();
        await using var second = Open();
    }

    [Fact]
    public void When_no_directory_can_be_used_the_reason_is_told()
    {
        disk.Put($"{Root}/meta.properties", Encoding.UTF8.GetBytes("nonsense"));
        var refusal = Assert.Throws<LogDirectoryException>(() => Open());
        Assert.Equal("none of the log directories can be used: /logs/meta.properties: there is no version", refusal.Message);
    }

    [Fact]
    public async Task The_brokers_epoch_comes_back_after_a_clean_shutdown_only()
    {
        await using (var manager = Open())
        {
            Assert.Equal(-1, manager.PreviousBrokerEpoch);
            manager.LoadLogs(_ => LogConfig.Default);
            await manager.CloseAsync(brokerEpoch: 33);
        }

        await using (var manager = Open())
            Assert.Equal(33, manager.PreviousBrokerEpoch);
    }

    [Fact]
    public async Task A_start_that_goes_no_further_than_the_metadata_log_spoils_nothing()
    {
        using (var logs = new LogFixture(null, disk))
        {
            for (var i = 0; i < 5; i++)
                logs.Log.Append(Batches.Plain((T, "a", "b")));
            logs.Log.AdvanceLogStart(2);
        }

        await using (var manager = Open())
        {
            var metadata = manager.OpenMetadataLog(LogConfig.Default);
            metadata.AppendAsLeader(Batches.Plain((T, "a", "b")), 1, AppendOrigin.Raft);
            Assert.Null(manager.Find(metadata.Partition));
        }

        using var again = new LogFixture(null, disk);
        Assert.Equal((2, 5, 5, 5), (again.Log.LogStartOffset, again.Log.LogEndOffset, again.Log.RecoveryPoint, again.Log.HighWatermark));
        Assert.Equal(1, again.Manager.OpenMetadataLog(LogConfig.Default).LogEndOffset);
        Assert.DoesNotContain(again.Manager.Logs, log => log.Partition.Topic == "__cluster_metadata");
    }

    [Fact]
    public void A_partition_is_made_once_and_belongs_to_its_topics_id()
    {
        using var logs = new LogFixture();
        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(Foo, FooId, logs.Config, out var log));
        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(Foo, FooId, logs.Config, out var same));
        Assert.Same(log, same);
        Assert.Equal(ErrorCode.InconsistentTopicId, logs.Manager.GetOrCreate(Foo, new Uuid(1, 1), logs.Config, out _));
        Assert.Equal(FooId, log!.TopicId);
        logs.Restart();
        Assert.Equal(FooId, logs.Manager.Find(Foo)!.TopicId);
        Assert.Equal(ErrorCode.InconsistentTopicId, logs.Manager.GetOrCreate(Foo, new Uuid(1, 1), logs.Config, out _));
    }

    [Fact]
    public async Task A_deleted_log_can_be_read_to_the_end_and_made_anew_at_once()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        var old = logs.Log;
        var read = old.Read(0, 1000, 1, minOneBatch: true);
        Assert.True(logs.Manager.Delete(Foo));
        Assert.False(logs.Manager.Delete(Foo));
        Assert.Null(logs.Manager.Find(Foo));
        Assert.NotEmpty(read.Records.ToArray());
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, old.Append(Batches.Plain((T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await old.FlushAsync(1));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, old.Read(0, 1000, 1, minOneBatch: true).Error);

        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(Foo, new Uuid(5, 5), logs.Config, out var anew));
        Assert.Equal(0, anew!.LogEndOffset);
        Assert.Contains(logs.Disk.ListDirectories(Root), name => name.StartsWith("foo-0.", StringComparison.Ordinal) && name.EndsWith("-delete", StringComparison.Ordinal));
        logs.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["foo-0"], logs.Disk.ListDirectories(Root));
        Assert.Throws<FileNotFoundException>(() => read.Records.ToArray());
        Assert.False(anew.IsOffline);
    }

    [Fact]
    public void A_deletion_that_a_crash_interrupted_is_finished()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Manager.Delete(Foo);
        logs.Crash();
        Assert.Empty(logs.Manager.Logs);
        logs.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(logs.Disk.ListDirectories(Root));
    }

    [Fact]
    public void Names_of_renamed_directories_fit_the_file_system()
    {
        var name = LogDirectoryNames.Renamed(new(new string('t', 249), 123), Guid.Empty, LogDirectoryNames.DeleteSuffix);
        Assert.Equal(255, name.Length);
        Assert.EndsWith("t-123.00000000000000000000000000000000-delete", name);
    }

    [Fact]
    public void Strays_are_put_aside_and_kept()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Manager.GetOrCreate(new("bar", 1), new Uuid(2, 2), logs.Config, out _);
        logs.Restart();
        Assert.Equal([Foo], logs.Manager.MoveStrays((partition, topicId) => partition.Topic == "bar" && topicId == new Uuid(2, 2)));
        Assert.Null(logs.Manager.Find(Foo));
        logs.Restart();
        Assert.Equal(new TopicPartition("bar", 1), Assert.Single(logs.Manager.Logs).Partition);
        Assert.Contains(logs.Disk.Contents, file => file.Key.Contains("-stray/", StringComparison.Ordinal) && file.Key.EndsWith(".log", StringComparison.Ordinal) && file.Value.Length > 0);
    }

    [Fact]
    public void What_is_no_log_is_left_alone()
    {
        disk.Put($"{Root}/lost+found/x", [1]);
        disk.Put($"{Root}/foo-bar/x", [1]);
        disk.Put($"{Root}/-1/x", [1]);
        disk.Put($"{Root}/a-b.c_d-12/00000000000000000000.log", []);
        using var logs = new LogFixture(null, disk);
        Assert.Equal("a-b.c_d-12", Assert.Single(logs.Manager.Logs).ToString());
        logs.Restart();
        Assert.Contains($"{Root}/foo-bar/x", disk.Contents.Keys);
    }

    [Fact]
    public void High_watermarks_come_back()
    {
        using var logs = new LogFixture();
        for (var i = 0; i < 4; i++)
            logs.Log.AppendAsLeader(Batches.Plain((T, "a", "b")), 0, AppendOrigin.Client);
        logs.Log.AdvanceHighWatermark(3);
        logs.Time.Advance(TimeSpan.FromSeconds(5));
        logs.Crash();
        Assert.Equal((3, 4), (logs.Log.HighWatermark, logs.Log.LogEndOffset));
        Assert.Equal("0\n1\nfoo 0 3\n", Encoding.UTF8.GetString(logs.Disk.Contents[$"{Root}/replication-offset-checkpoint"]));
    }

    [Fact]
    public async Task Files_that_nobody_uses_are_closed_and_opened_again()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        var slice = logs.Log.Read(0, 1000, 1, minOneBatch: true);
        logs.Time.Advance(TimeSpan.FromSeconds(10));
        await logs.Log.BackgroundFlush;
        Assert.NotEqual(0, logs.Disk.OpenFiles);
        logs.Time.Advance(TimeSpan.FromMinutes(3));
        logs.Time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(0, logs.Disk.OpenFiles);
        Assert.NotEmpty(slice.Records.ToArray());
        Assert.Equal(1, logs.Log.Append(Batches.Plain((T, "a", "b"))).BaseOffset);
        Assert.Equal(2, logs.Log.ReadAll().Count);
    }

    [Fact]
    public async Task However_many_partitions_are_in_use_the_number_of_open_files_is_bounded()
    {
        await using var manager = LogManager.Open(
            new() { LogDirs = [Root], NodeId = 1, OpenFilesMax = 10 }, time, new Random(9), NullLoggerFactory.Instance, disk);
        manager.LoadLogs(_ => LogConfig.Default);
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(ErrorCode.None, manager.GetOrCreate(new("t", i), FooId, LogConfig.Default, out var log));
                Assert.Equal(round, log!.Append(Batches.Plain((T, "a", "b"))).BaseOffset);
                Assert.Equal(round + 1, log!.ReadAll().Count);
                Assert.InRange(disk.OpenFiles, 1, 10);
            }
        }
    }

    [Fact]
    public async Task The_machines_own_disk_serves_as_well()
    {
        var root = Path.Combine(Path.GetTempPath(), $"storage-tests-{Guid.NewGuid():n}");
        try
        {
            var options = new LogManagerOptions { LogDirs = [root], NodeId = 1 };
            await using (var manager = LogManager.Open(options, time, new Random(1), NullLoggerFactory.Instance))
            {
                manager.LoadLogs(_ => LogConfig.Default);
                Assert.Throws<LogDirectoryException>(() => LogManager.Open(options, time, new Random(1), NullLoggerFactory.Instance));
                manager.GetOrCreate(Foo, FooId, LogConfig.Default with { SegmentBytes = 1000 }, out var log);
                for (var i = 0; i < 10; i++)
                    log!.Append(Batches.Sized(400));
                Assert.Equal(ErrorCode.None, await log!.FlushAsync(10));
                Assert.Equal(10, log.ReadAll().Count);
                Assert.Equal(ErrorCode.None, log.TruncateTo(7));
                var (total, usable) = manager.SpaceOf(root);
                Assert.InRange(usable, 1, total);
            }

            await using (var manager = LogManager.Open(options, time, new Random(1), NullLoggerFactory.Instance))
            {
                manager.LoadLogs(_ => LogConfig.Default);
                Assert.Equal(7, manager.Find(Foo)!.ReadAll().Count);
                manager.Delete(Foo);
                time.Advance(TimeSpan.FromMinutes(2));
                Assert.Empty(Directory.GetDirectories(root));
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private LogManager Open(int nodeId = 1, string? clusterId = null) =>
        LogManager.Open(new() { LogDirs = [Root], NodeId = nodeId, ClusterId = clusterId }, time, new Random(9), NullLoggerFactory.Instance, disk);
}
