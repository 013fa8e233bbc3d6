using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>Our log and Apache Kafka's, given the same batches and settings, leave the same bytes in every file.</summary>
public class GoldenLogTests
{
    private static readonly LogConfig Config = LogConfig.Default with
    {
        IndexIntervalBytes = 100,
        SegmentIndexBytes = 1000,
        SegmentBytes = 533, // the recording rolled by hand where the segment had this size
    };

    [Fact]
    public void The_same_batches_make_the_same_files()
    {
        using var logs = new LogFixture(Config);
        Write(logs.Log);
        Assert.Equal(13, logs.Log.LogEndOffset);
        logs.Restart();

        foreach (var (name, bytes) in Vectors.Golden)
            Assert.Equal(Convert.ToHexStringLower(bytes), Convert.ToHexStringLower(logs.File(name)));
        var names = logs.Disk.Contents.Keys.Where(path => path.StartsWith(logs.Directory + "/", StringComparison.Ordinal)).Select(Path.GetFileName);
        Assert.Equal(Vectors.Golden.Keys.Append("00000000000000000010.timeindex").Distinct().Order(), names.Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_directory_of_Kafkas_opens(bool wasClean)
    {
        var disk = new MemoryFileSystem();
        foreach (var (name, bytes) in Vectors.Golden)
            disk.Put($"{Root}/foo-0/{name}", bytes);
        if (wasClean)
            disk.Put($"{Root}/.kafka_cleanshutdown", []);
        using var logs = new LogFixture(Config, disk);

        var log = logs.Log;
        Assert.Equal(FooId, log.TopicId);
        Assert.Equal((0, 13), (log.LogStartOffset, log.LogEndOffset));
        Assert.Equal(2, log.SegmentCount);
        Assert.Equal([new EpochStart(0, 0), new EpochStart(3, 10)], log.Epochs.All);
        Assert.Equal([0, 3, 5, 6, 7, 8, 9, 10, 11, 12], log.ReadAll().Select(batch => batch.BaseOffset));
        Assert.Equal(
            [new(11, 0, 2, T + 11, -1, -1), new(12, 1, 1, T + 9, 7, -1), new(13, 0, 0, T + 12, -1, 12)],
            log.DescribeProducers().OrderBy(producer => producer.ProducerId));

        log.AdvanceHighWatermark(13);
        Assert.Equal(12, log.LastStableOffset);
        var read = log.Read(0, 1000, log.LastStableOffset, minOneBatch: true);
        Assert.Equal([new AbortedTransaction(12, 7, 9, 10)], log.AbortedTransactions(0, read));
        foreach (var (name, bytes) in Vectors.Golden)
            Assert.Equal(Convert.ToHexStringLower(bytes), Convert.ToHexStringLower(logs.File(name)));
    }

    [Fact]
    public void The_open_transaction_of_the_recording_holds_back_what_is_stable()
    {
        using var logs = new LogFixture(Config);
        logs.Log.Append(Batches.Plain((T, "a", "1")));
        logs.Log.Append(Batches.Transactional(31, 0, 0, (T + 1, "t", "2")));
        logs.Log.Append(Batches.Plain((T + 2, "b", "3")));
        Assert.Equal((3, 1), (logs.Log.LogEndOffset, logs.Log.LastStableOffset));

        logs.Log.AppendAsLeader(Batches.Marker(commit: true, 31, 0, 7, T + 3), 0, AppendOrigin.Coordinator);
        Assert.Equal(1, logs.Log.LastStableOffset); // the marker is not replicated yet
        logs.Log.AdvanceHighWatermark(4);
        Assert.Equal(4, logs.Log.LastStableOffset);
    }

    private static void Write(PartitionLog log)
    {
        log.Append(Batches.Plain((T, "a", "1"), (T + 1, "b", "2"), (T + 2, "c", "3")));
        log.Append(Batches.Idempotent(11, 0, 0, (T + 3, "a", "4"), (T + 4, "b", "5")));
        log.Append(Batches.Transactional(12, 1, 0, (T + 5, "t", "6")));
        log.Append(Batches.Marker(commit: true, 12, 1, 7, T + 6), origin: AppendOrigin.Coordinator);
        log.Append(Batches.Transactional(12, 1, 1, (T + 7, "t", "7")));
        log.Append(Batches.Plain((T + 8, "d", "8")));
        log.Append(Batches.Marker(commit: false, 12, 1, 7, T + 9), origin: AppendOrigin.Coordinator);
        log.Append(Batches.Plain((T + 10, "e", "9")), epoch: 3);
        log.Append(Batches.Idempotent(11, 0, 2, (T + 11, "a", "10")), epoch: 3);
        var last = log.Append(Batches.Transactional(13, 0, 0, (T + 12, "o", "open")), epoch: 3);
        Assert.Equal((ErrorCode.None, 12), (last.Error, last.LastOffset));
    }
}
