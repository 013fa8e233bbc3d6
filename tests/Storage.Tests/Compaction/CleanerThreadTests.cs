using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Protocol;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests.Compaction;

/// <summary>The cleaner's threads: when they work, when they rest, and how they end.</summary>
public class CleanerThreadTests
{
    private const long BackoffMs = 7_000;

    private static readonly LogConfig Compacted = LogConfig.Default with
    {
        CleanupPolicy = CleanupPolicy.Compact,
        TimestampAfterMaxMs = long.MaxValue,
    };

    private readonly MemoryFileSystem disk = new();
    private readonly RestingTime time = new();

    [Fact]
    public async Task After_each_rest_everything_that_is_dirty_is_compacted()
    {
        await using var manager = Open(new() { BackoffMs = BackoffMs, DedupeBufferBytes = 1 << 20 });
        var logs = new[] { "a", "b", "c" }.Select(topic => Dirty(manager, topic)).ToArray();
        await time.Rests(BackoffMs);
        time.Advance(TimeSpan.FromMilliseconds(BackoffMs - 1));
        Assert.All(logs, log => Assert.Equal(-1, log.CleanedTo));
        time.Advance(TimeSpan.FromMilliseconds(1));
        await time.Rests(BackoffMs);
        Assert.All(logs, log => Assert.Equal(2, log.CleanedTo));
    }

    [Fact]
    public async Task Threads_come_and_go_with_the_options()
    {
        await using var manager = Open(new() { Threads = 0, BackoffMs = BackoffMs });
        var log = Dirty(manager, "a");
        manager.Cleaner.Options = manager.Cleaner.Options with { Threads = 2 };
        await time.Rests(BackoffMs);
        await time.Rests(BackoffMs);
        manager.Cleaner.Options = manager.Cleaner.Options with { Threads = 1, BackoffMs = 50 };
        await time.Rests(50);
        time.Advance(TimeSpan.FromMilliseconds(50));
        await time.Rests(50);
        Assert.Equal(2, log.CleanedTo);
        Assert.Equal(0, manager.Cleaner.DeadThreadCount);
    }

    [Fact]
    public async Task A_limit_on_bytes_a_second_is_kept_and_a_thread_that_waits_for_it_can_be_stopped()
    {
        await using (var manager = Open(new() { BackoffMs = BackoffMs, IoMaxBytesPerSecond = 100 }))
        {
            var log = Dirty(manager, "a");
            await time.Rests(BackoffMs);
            time.Advance(TimeSpan.FromMilliseconds(BackoffMs));
            var size = log.AllSegments[0].Size;
            await time.Rests(size * 10); // which it has read for the keys
            Assert.Equal(-1, log.CleanedTo);
        }

        Assert.DoesNotContain(disk.Contents.Keys, path => path.EndsWith(".cleaned", StringComparison.Ordinal));
    }

    private static PartitionLog Dirty(LogManager manager, string topic)
    {
        Assert.Equal(ErrorCode.None, manager.GetOrCreate(new(topic, 0), new Uuid(1, topic[0]), Compacted, out var log));
        Assert.NotNull(log);
        log.Append(Batches.Plain((T, "k", "1")));
        log.AppendToNewSegment(Batches.Plain((T, "k", "2")));
        log.AppendToNewSegment(Batches.Plain((T, "k", "3")));
        return log;
    }

    private LogManager Open(CleanerOptions options)
    {
        var manager = LogManager.Open(
            new() { LogDirs = [Root], NodeId = 1, Cleaner = options }, time, new Random(7), NullLoggerFactory.Instance, disk);
        manager.LoadLogs(_ => Compacted);
        return manager;
    }

    /// <summary>A clock that tells when somebody has begun to wait for it.</summary>
    private sealed class RestingTime() : FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(T))
    {
        private readonly Lock gate = new();
        private readonly List<(TimeSpan For, TaskCompletionSource Begun)> awaited = [];
        private readonly List<TimeSpan> begun = [];

        public Task Rests(long milliseconds)
        {
            var span = TimeSpan.FromMilliseconds(milliseconds);
            lock (gate)
            {
                if (begun.Remove(span))
                    return Task.CompletedTask;
                var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                awaited.Add((span, source));
                return source.Task.WaitAsync(TimeSpan.FromSeconds(60));
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            lock (gate)
            {
                var index = awaited.FindIndex(one => one.For == dueTime);
                if (index < 0)
                {
                    begun.Add(dueTime);
                    return timer;
                }

                awaited[index].Begun.SetResult();
                awaited.RemoveAt(index);
            }

            return timer;
        }
    }
}
