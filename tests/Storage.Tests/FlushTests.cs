using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class FlushTests
{
    [Fact]
    public async Task Those_who_wait_during_a_sync_share_the_next()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Plain((T, "a", "b")));
        Assert.Equal(ErrorCode.None, await log.FlushAsync(1)); // names and epochs are synced once
        await log.BackgroundFlush;

        using var entered = new SemaphoreSlim(0);
        using var gate = new SemaphoreSlim(0);
        logs.Disk.Syncing = _ =>
        {
            entered.Release();
            gate.Wait();
        };
        var before = logs.Disk.Syncs;
        log.Append(Batches.Plain((T, "a", "b")));
        var first = log.FlushAsync(2).AsTask();
        await entered.WaitAsync();
        var waiting = new List<Task<ErrorCode>>();
        for (var i = 0; i < 64; i++)
        {
            log.Append(Batches.Plain((T, "a", "b")));
            waiting.Add(log.FlushAsync(log.LogEndOffset).AsTask());
        }

        var alsoFirst = log.FlushAsync(2).AsTask(); // covered by the sync that runs
        gate.Release();
        Assert.Equal(ErrorCode.None, await first);
        Assert.Equal(ErrorCode.None, await alsoFirst);
        Assert.Equal(2, log.RecoveryPoint);
        await entered.WaitAsync();
        Assert.All(waiting, task => Assert.False(task.IsCompleted));

        // Readers and writers go on while the disk is busy.
        Assert.Equal(66, log.ReadAll().Count);
        Assert.Equal(66, log.Append(Batches.Plain((T, "a", "b"))).BaseOffset);
        gate.Release();
        Assert.All(await Task.WhenAll(waiting), error => Assert.Equal(ErrorCode.None, error));
        Assert.Equal(2, logs.Disk.Syncs - before);
        Assert.Equal(66, log.RecoveryPoint);
        logs.Disk.Syncing = null;
    }

    [Fact]
    public async Task What_is_synced_already_is_not_synced_again()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        await logs.Log.FlushAsync(1);
        var before = logs.Disk.Syncs;
        Assert.True(logs.Log.FlushAsync(1).IsCompletedSuccessfully);
        Assert.True(logs.Log.FlushAsync(0).IsCompletedSuccessfully);
        Assert.Equal(before, logs.Disk.Syncs);
    }

    [Fact]
    public async Task Flush_messages_says_when_to_wait()
    {
        using var logs = new LogFixture(LogConfig.Default with { FlushMessages = 3 });
        Assert.False(logs.Log.Append(Batches.Plain((T, "a", "b"), (T, "a", "b"))).MustFlush);
        Assert.True(logs.Log.Append(Batches.Plain((T, "a", "b"))).MustFlush);
        Assert.Equal(ErrorCode.None, await logs.Log.FlushAsync(3));
        Assert.Equal(3, logs.Log.RecoveryPoint);
        Assert.False(logs.Log.Append(Batches.Plain((T, "a", "b"))).MustFlush);
    }

    [Theory]
    [InlineData(2000, 2)]
    [InlineData(long.MaxValue, 5)] // the recovery point never lags more than so many seconds
    public async Task Time_alone_makes_the_log_safe(long flushMs, int seconds)
    {
        using var logs = new LogFixture(LogConfig.Default with { FlushMs = flushMs });
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Time.Advance(TimeSpan.FromSeconds(seconds - 1));
        await logs.Log.BackgroundFlush;
        Assert.Equal(0, logs.Log.RecoveryPoint);
        logs.Time.Advance(TimeSpan.FromSeconds(1));
        await logs.Log.BackgroundFlush;
        Assert.Equal(1, logs.Log.RecoveryPoint);
        logs.Time.Advance(TimeSpan.FromSeconds(5)); // and the checkpoint says so
        logs.Crash();
        Assert.Equal(1, logs.Log.RecoveryPoint);
    }

    [Fact]
    public async Task A_rolled_segment_is_synced_in_the_background()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500 });
        logs.Log.Append(Batches.Sized(400));
        logs.Log.Append(Batches.Sized(400));
        await logs.Log.BackgroundFlush;
        Assert.InRange(logs.Log.RecoveryPoint, 1, 2);
        Assert.False(logs.Log.AllSegments[0].HasUnsyncedSeal);
    }

    [Fact]
    public async Task An_idle_node_leaves_its_disk_alone()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Plain((T, "a", "b")));
        logs.Time.Advance(TimeSpan.FromMinutes(10));
        await logs.Log.BackgroundFlush;
        logs.Time.Advance(TimeSpan.FromMinutes(10));
        var before = logs.Disk.Syncs;
        logs.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(before, logs.Disk.Syncs);
    }
}
