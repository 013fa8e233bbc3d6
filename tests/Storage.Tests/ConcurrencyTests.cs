using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>
/// One thread appends, rolls, truncates and trims; others read, look times up, wait for syncs and close idle files. Readers see errors
/// only of offsets that are gone, and never take the directory offline.
/// </summary>
public class ConcurrencyTests
{
    [Fact]
    public async Task Readers_and_flushers_get_along_with_whatever_the_writer_does()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 4000, IndexIntervalBytes = 300, SegmentIndexBytes = 600, FileDeleteDelayMs = 0 });
        var log = logs.Log;
        var isDone = false;
        var reads = 0;
        var helpers = new List<Task>();
        for (var seed = 0; seed < 2; seed++)
        {
            var random = new Random(seed);
            helpers.Add(Task.Run(() =>
            {
                while (!Volatile.Read(ref isDone))
                    Read(log, random, ref reads);
            }));
        }

        helpers.Add(Task.Run(async () =>
        {
            while (!Volatile.Read(ref isDone))
            {
                var end = log.LogEndOffset;
                if (end <= log.LogEndOffset)
                    Assert.Equal(ErrorCode.None, await log.FlushAsync(Math.Min(end, log.RecoveryPoint + 1)));
                log.CloseIdleFiles();
                log.FindByTimestamp(T);
            }
        }));

        var writer = new Random(77);
        for (var step = 0; step < 3000; step++)
        {
            switch (writer.Next(40))
            {
                case 0:
                    Assert.Equal(ErrorCode.None, log.AdvanceLogStart(Math.Max(log.LogStartOffset, log.HighWatermark - writer.Next(100))));
                    break;
                case 1:
                    logs.Time.Advance(TimeSpan.FromSeconds(2)); // files that have left the log are removed
                    break;
                default:
                    Assert.Equal(ErrorCode.None, log.Append(Batches.Sized(writer.Next(100, 900))).Error);
                    break;
            }
        }

        Volatile.Write(ref isDone, true);
        await Task.WhenAll(helpers);
        Assert.False(log.IsOffline);
        Assert.True(reads > 100);
        ReadTests.AssertReadsLikeModel(log, [.. log.ReadAll().Select(batch => (batch.BaseOffset, new RecordBatchView(batch.Bytes).LastOffset, batch.Bytes))]);
    }

    [Fact]
    public async Task Readers_that_meet_truncations_find_what_is_there_before_or_after()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 3000, IndexIntervalBytes = 300, SegmentIndexBytes = 600 });
        var log = logs.Log;
        var isDone = false;
        var helpers = Enumerable.Range(0, 2).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref isDone))
            {
                var offset = random.NextInt64(0, log.LogEndOffset + 3);
                var read = log.Read(offset, 2000, long.MaxValue, minOneBatch: true);
                Assert.Contains(read.Error, new[] { ErrorCode.None, ErrorCode.OffsetOutOfRange });
                Assert.Equal(ErrorCode.None, log.FindByTimestamp(T + random.Next(1000)).Error);
            }
        })).ToArray();

        var writer = new Random(5);
        for (var step = 0; step < 600; step++)
        {
            for (var i = 0; i < 10; i++)
                Assert.Equal(ErrorCode.None, log.Append(Batches.Sized(writer.Next(100, 900), T + step)).Error);
            Assert.Equal(ErrorCode.None, log.TruncateTo(log.LogEndOffset - Math.Min(log.LogEndOffset, writer.Next(9))));
        }

        Volatile.Write(ref isDone, true);
        await Task.WhenAll(helpers);
        Assert.False(log.IsOffline);
    }

    private static void Read(PartitionLog log, Random random, ref int reads)
    {
        var bound = log.LogEndOffset;
        var offset = Math.Max(log.LogStartOffset, bound - random.Next(300));
        var read = log.Read(offset, 5000, bound, minOneBatch: true);
        if (read.Error == ErrorCode.OffsetOutOfRange)
            return; // the log's start has moved meanwhile
        Assert.Equal(ErrorCode.None, read.Error);
        byte[] bytes;
        try
        {
            bytes = read.Records.ToArray();
        }
        catch (IOException)
        {
            Assert.True(log.LogStartOffset > offset); // removed before it could be read
            return;
        }

        var next = -1L;
        foreach (var batch in RecordBatches.Enumerate(bytes))
        {
            Assert.True(batch.IsValidCrc);
            Assert.True(next < 0 ? batch.BaseOffset <= offset && batch.LastOffset >= offset : batch.BaseOffset == next);
            next = batch.NextOffset;
        }

        Interlocked.Increment(ref reads);
    }
}
