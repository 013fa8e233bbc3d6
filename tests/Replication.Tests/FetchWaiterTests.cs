using Milena.Protocol;
using Milena.Storage;

namespace Milena.Replication.Tests;

/// <summary>Fetches that wait at partitions.</summary>
public sealed class FetchWaiterTests : IAsyncLifetime
{
    private readonly Node node = new();
    private Partition first = null!;
    private Partition second = null!;

    public ValueTask InitializeAsync()
    {
        (first, second) = (node.Lead("a"), node.Lead("b"));
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => node.DisposeAsync();

    [Fact]
    public async Task It_goes_on_when_its_partitions_have_gained_enough_together()
    {
        var batch = Node.Batch("a");
        using var waiter = Park(missing: 2 * batch.Length);
        var woken = waiter.Wait();
        first.Append(batch, AppendOrigin.Client, 1);
        Assert.False(woken.IsCompleted);
        second.Append(Node.Batch("b"), AppendOrigin.Client, 1);
        Assert.Equal(FetchWake.Ready, await woken);
    }

    [Fact]
    public async Task It_goes_on_when_its_time_is_up()
    {
        using var waiter = Park(missing: 1, TimeSpan.FromMilliseconds(500));
        var woken = waiter.Wait();
        node.Time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(woken.IsCompleted);
        node.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(FetchWake.TimedOut, await woken);
    }

    [Fact]
    public async Task It_goes_on_when_nobody_waits_for_the_answer_any_more()
    {
        using var gone = new CancellationTokenSource();
        using var waiter = new FetchWaiter([first], 1, TimeSpan.FromDays(1), node.Time, gone.Token);
        var woken = waiter.Wait();
        await gone.CancelAsync();
        Assert.Equal(FetchWake.Cancelled, await woken);

        using var late = new FetchWaiter([first], 1, TimeSpan.FromDays(1), node.Time, gone.Token);
        Assert.Equal(FetchWake.Cancelled, await late.Wait());
    }

    [Fact]
    public async Task A_change_of_leadership_and_a_deletion_wake_it()
    {
        using (var waiter = Park(missing: 1))
        {
            node.Tell(Node.Partition("b", leader: Node.Other, epoch: 1, replicas: [Node.Id, Node.Other]));
            Assert.Equal(FetchWake.Ready, await waiter.Wait());
        }

        using (var waiter = Park(missing: 1))
        {
            node.Tell(new Protocol.Messages.RemoveTopicRecord { TopicId = Node.TopicId("a") });
            Assert.Equal(FetchWake.Ready, await waiter.Wait());
        }
    }

    [Fact]
    public async Task What_came_between_the_read_and_the_wait_wakes_it_at_once()
    {
        first.Append(Node.Batch("a"), AppendOrigin.Client, 1);
        using (var waiter = Park(missing: 1))
        {
            waiter.CompleteIfMoved(second, highWatermarkRead: 0, currentLeaderEpoch: -1);
            Assert.False(waiter.Wait().IsCompleted);
            waiter.CompleteIfMoved(first, highWatermarkRead: 0, currentLeaderEpoch: -1);
            Assert.Equal(FetchWake.Ready, await waiter.Wait());
        }

        // A leadership that was lost in between is nothing that the high watermark tells.
        node.Tell(Node.Partition("a", leader: -1, epoch: 1));
        using (var waiter = Park(missing: 1))
        {
            waiter.CompleteIfMoved(first, highWatermarkRead: 1, currentLeaderEpoch: -1);
            Assert.Equal(FetchWake.Ready, await waiter.Wait());
        }
    }

    [Fact]
    public async Task It_completes_once_and_leaves_nothing_behind()
    {
        using (var waiter = Park(missing: 1))
        {
            Assert.Equal((1, 1), (first.WaitingCount, second.WaitingCount));
            var woken = waiter.Wait();
            first.Append(Node.Batch("a"), AppendOrigin.Client, 1);
            second.Append(Node.Batch("a"), AppendOrigin.Client, 1);
            first.WakeAll();
            node.Time.Advance(TimeSpan.FromDays(2));
            Assert.Equal(FetchWake.Ready, await woken);
        }

        Assert.Equal((0, 0), (first.WaitingCount, second.WaitingCount));
        first.Append(Node.Batch("b"), AppendOrigin.Client, 1);
    }

    [Fact]
    public async Task A_duplicate_wakes_nobody()
    {
        using var waiter = Park(missing: 1);
        var batch = new Protocol.Records.RecordBatchBuilder(
            Protocol.Records.RecordBatchOptions.Default with { ProducerId = 1, ProducerEpoch = 0, BaseSequence = 0 });
        batch.Append(1, default, "a"u8);
        var bytes = batch.Build().ToArray();
        first.Append(bytes.ToArray(), AppendOrigin.Client, 1);
        Assert.Equal(FetchWake.Ready, await waiter.Wait());

        using var second = Park(missing: 1);
        Assert.True(first.Append(bytes.ToArray(), AppendOrigin.Client, 1).IsDuplicate);
        Assert.False(second.Wait().IsCompleted);
    }

    [Fact]
    public async Task Whoever_reads_what_is_committed_waits_for_the_marker_and_gets_all_that_it_makes_stable()
    {
        var large = Transactional(0, new string('x', 500));
        using var waiter = new FetchWaiter([first], large.Length, TimeSpan.FromDays(1), node.Time, CancellationToken.None, isCommitted: true);
        var woken = waiter.Wait();
        first.Append(large, AppendOrigin.Client, 1);
        first.Append(Transactional(1, new string('x', 500)), AppendOrigin.Client, 1);
        Assert.False(woken.IsCompleted);

        var marker = new Protocol.Records.RecordBatchBuilder();
        Protocol.Records.ControlRecordBatch.WriteMarker(marker, commit: true, 9, 0, 0, 1);
        first.Append(marker.Build(), AppendOrigin.Coordinator, -1);
        Assert.Equal(FetchWake.Ready, await woken);

        // Without transactions bytes are counted as for everybody.
        var batch = Node.Batch("a");
        using var plain = new FetchWaiter([first], 2 * batch.Length, TimeSpan.FromDays(1), node.Time, CancellationToken.None, isCommitted: true);
        first.Append(batch, AppendOrigin.Client, 1);
        Assert.False(plain.Wait().IsCompleted);
        first.Append(Node.Batch("a"), AppendOrigin.Client, 1);
        Assert.Equal(FetchWake.Ready, await plain.Wait());

        static byte[] Transactional(int sequence, string value)
        {
            var builder = new Protocol.Records.RecordBatchBuilder(Protocol.Records.RecordBatchOptions.Default with
            {
                ProducerId = 9, ProducerEpoch = 0, BaseSequence = sequence, IsTransactional = true,
            });
            builder.Append(1, default, System.Text.Encoding.UTF8.GetBytes(value));
            return builder.Build().ToArray();
        }
    }

    /// <summary>
    /// A writer and two readers at full speed: a reader looks, finds nothing new, parks and looks again. A wake-up that is lost leaves
    /// it waiting for a clock that stands still, which is a test that does not end.
    /// </summary>
    [Fact]
    public async Task No_wake_up_is_lost_between_looking_and_parking()
    {
        const int Appends = 3000;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            while (first.HighWatermark < Appends)
            {
                var seen = first.HighWatermark;
                if (seen == Appends)
                    break;
                using var waiter = new FetchWaiter(
                    [first, second], 1, TimeSpan.FromDays(1), node.Time, CancellationToken.None, seen: [seen, 0]);
                waiter.CompleteIfMoved(first, seen, -1);
                Assert.Equal(FetchWake.Ready, await waiter.Wait());
                Assert.True(first.HighWatermark > seen);
            }
        })).ToArray();
        await Task.Run(() =>
        {
            for (var i = 0; i < Appends; i++)
                first.Append(Node.Batch("a"), AppendOrigin.Client, 1);
        });
        await Task.WhenAll(readers).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, first.WaitingCount);
    }

    private FetchWaiter Park(long missing, TimeSpan? max = null) =>
        new([first, second], missing, max ?? TimeSpan.FromDays(1), node.Time, CancellationToken.None);
}
