using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>Logs move from one directory to another while they are written and read, and whatever happens there is one of each.</summary>
public sealed class MoveTests : IDisposable
{
    private const string A = "/a";
    private const string B = "/b";

    private readonly LogFixture logs = new(LogConfig.Default with { SegmentBytes = 2000, IndexIntervalBytes = 200 }, null, A, B);
    private readonly List<string> written = [];

    private PartitionLog Log => logs.Log;

    public void Dispose() => logs.Dispose();

    [Fact]
    public void A_log_that_moves_is_the_same_log_in_another_directory()
    {
        Append(30);
        var log = Log;
        Assert.Equal((A, ErrorCode.None), (log.LogDir, logs.Manager.BeginMove(Foo, B)));
        var move = logs.Manager.MoveOf(Foo)!;
        Assert.Equal((B, 30, true), (move.LogDir, move.Lag, move.IsUnderWay));
        Assert.Single(Directories(B), name => name.StartsWith("foo-0.") && name.EndsWith("-future"));
        Append(5);
        Assert.True(move.Copy(1000) > 0);
        Append(5);
        CopyAll(move);
        Assert.Equal((0, log.Size), (move.Lag, move.Size));
        Append(3); // what is still missing is copied while appends wait
        Assert.True(move.TryFinish());

        Assert.Same(log, Log);
        Assert.Equal((B, false, 43), (log.LogDir, move.IsUnderWay, log.LogEndOffset));
        Assert.Null(logs.Manager.MoveOf(Foo));
        Assert.Equal(["foo-0"], Directories(B));
        Assert.Single(Directories(A), name => name.EndsWith("-delete"));
        Append(10);
        AssertAllThere();
        logs.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(Directories(A));

        logs.Restart();
        Assert.Equal(B, Log.LogDir);
        AssertAllThere();
    }

    [Fact]
    public void What_is_being_read_in_the_old_directory_is_read_on()
    {
        Append(10);
        var read = Log.Read(0, 1 << 20, long.MaxValue, minOneBatch: true);
        Move(B);
        Assert.NotEmpty(read.Records.ToArray());
        AssertAllThere();
    }

    [Fact]
    public void Producers_and_transactions_come_along()
    {
        Log.Append(Batches.Idempotent(7, 0, 0, (T, "k", "once")));
        Log.Append(Batches.Transactional(8, 0, 0, (T, "k", "aborted")));
        Log.Append(Batches.Marker(false, 8, 0, 0, T), origin: AppendOrigin.Coordinator);
        Log.Append(Batches.Transactional(9, 0, 0, (T, "k", "open")));
        foreach (var crashes in new[] { false, true })
        {
            Move(Log.LogDir == A ? B : A);
            if (crashes)
                logs.Crash(new Random(1), powerCut: true);
            Log.AdvanceHighWatermark(Log.LogEndOffset);
            Assert.True(Log.Append(Batches.Idempotent(7, 0, 0, (T, "k", "once"))).IsDuplicate);
            Assert.Equal(3, Log.LastStableOffset);
            var read = Log.Read(0, 1 << 20, long.MaxValue, minOneBatch: true);
            Assert.Equal(8, Assert.Single(Log.AbortedTransactions(0, read)).ProducerId);
            Assert.Equal([7L, 8L, 9L], Log.DescribeProducers().Select(producer => producer.ProducerId).Order());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_logs_start_is_where_it_was_even_within_a_batch(bool powerCut)
    {
        for (var i = 0; i < 10; i++)
            Log.Append(Batches.Plain((T, "k", "a"), (T, "k", "b"), (T, "k", "c")));
        Assert.Equal(ErrorCode.None, Log.AdvanceLogStart(13));
        logs.Manager.BeginMove(Foo, B);
        var move = logs.Manager.MoveOf(Foo)!;
        CopyAll(move);
        Assert.Equal(ErrorCode.None, Log.AdvanceLogStart(14));
        Assert.True(move.TryFinish());
        logs.Crash(new Random(3), powerCut);
        Assert.Equal((B, 14, 30), (Log.LogDir, Log.LogStartOffset, Log.LogEndOffset));
        Assert.Equal([12, 15, 18, 21, 24, 27], Log.ReadAll().Select(batch => batch.BaseOffset));
    }

    [Fact]
    public void A_hole_at_the_end_stays_one()
    {
        Append(3);
        Assert.Equal(ErrorCode.None, Log.SkipTo(100));
        Move(B);
        Assert.Equal(100, Log.LogEndOffset);
        logs.Restart();
        Assert.Equal((B, 100, 3), (Log.LogDir, Log.LogEndOffset, Log.ReadAll().Count));
    }

    [Fact]
    public void Records_that_are_cut_off_meanwhile_are_not_there_afterwards()
    {
        Append(20);
        logs.Manager.BeginMove(Foo, B);
        var move = logs.Manager.MoveOf(Foo)!;
        CopyAll(move);
        Assert.Equal(ErrorCode.None, Log.TruncateTo(12));
        written.RemoveRange(12, 8);
        Append(10);
        Assert.False(move.TryFinish());
        CopyAll(move);
        Assert.True(move.TryFinish());
        AssertAllThere();
        Assert.Equal((B, 22), (Log.LogDir, Log.LogEndOffset));
    }

    [Fact]
    public void Who_asks_for_another_directory_gives_the_first_move_up()
    {
        Append(5);
        logs.Manager.BeginMove(Foo, B);
        var first = logs.Manager.MoveOf(Foo)!;
        first.Copy(100);
        Assert.Equal(ErrorCode.None, logs.Manager.BeginMove(Foo, B)); // it is under way
        Assert.Same(first, logs.Manager.MoveOf(Foo));
        Assert.Equal(ErrorCode.None, logs.Manager.BeginMove(Foo, A)); // it is there
        Assert.Equal((false, 0, false), (first.IsUnderWay, first.Copy(100), first.TryFinish()));
        Assert.Null(logs.Manager.MoveOf(Foo));
        Assert.Single(Directories(B), name => name.EndsWith("-delete"));
        AssertAllThere();
    }

    [Fact]
    public void A_topic_that_is_deleted_takes_its_copy_along()
    {
        Append(5);
        logs.Manager.BeginMove(Foo, B);
        var move = logs.Manager.MoveOf(Foo)!;
        move.Copy(100);
        Assert.True(logs.Manager.Delete(Foo));
        Assert.Equal((0, false), (move.Copy(100), move.TryFinish()));
        logs.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(Directories(A).Concat(Directories(B)));
    }

    [Fact]
    public void Where_it_cannot_go_it_does_not_go()
    {
        Append(1);
        Assert.Equal(ErrorCode.LogDirNotFound, logs.Manager.BeginMove(Foo, "/c"));
        Assert.Equal(ErrorCode.LogDirNotFound, logs.Manager.BeginMove(Foo, "/a/foo-0"));
        Assert.Equal(ErrorCode.InvalidTopicException, logs.Manager.BeginMove(new TopicPartition(new string('x', 230), 0), B));
        logs.Disk.Fault = (_, path) => path.StartsWith(B) ? new IOException("no disk") : null;
        Assert.Equal(ErrorCode.KafkaStorageError, logs.Manager.BeginMove(Foo, B));
        Assert.Equal(ErrorCode.KafkaStorageError, logs.Manager.BeginMove(Foo, B)); // it is offline by now
        Assert.Null(logs.Manager.MoveOf(Foo));
        Append(1);
        AssertAllThere();
    }

    [Fact]
    public void A_log_that_is_not_there_yet_is_made_where_it_is_wanted()
    {
        Assert.Equal(ErrorCode.ReplicaNotAvailable, logs.Manager.BeginMove(Foo, B));
        Assert.Equal(B, Log.LogDir);
    }

    [Fact]
    public void New_logs_go_where_there_are_fewest_and_those_on_their_way_count()
    {
        Assert.Equal(A, Log.LogDir);
        logs.Manager.BeginMove(Foo, B);
        Assert.Equal(A, Created(1)); // one each, and the first counts
        Assert.Equal(B, Created(2));
        CopyAll(logs.Manager.MoveOf(Foo)!);
        logs.Manager.MoveOf(Foo)!.TryFinish();
        Assert.Equal(A, Created(3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_move_goes_on_after_a_restart(bool crashes)
    {
        Append(20);
        logs.Manager.BeginMove(Foo, B);
        logs.Manager.MoveOf(Foo)!.Copy(1000);
        var size = logs.Manager.MoveOf(Foo)!.Size;
        if (crashes)
            logs.Crash(new Random(5));
        else
            logs.Restart();
        var move = Assert.Single(logs.Manager.Moves);
        Assert.Equal((A, B, size), (Log.LogDir, move.LogDir, move.Size));
        Log.AdvanceHighWatermark(Log.LogEndOffset);
        Append(5);
        CopyAll(move);
        Assert.True(move.TryFinish());
        AssertAllThere();
    }

    [Fact]
    public void A_copy_of_nothing_is_put_aside()
    {
        Append(5);
        logs.Manager.BeginMove(Foo, B);
        logs.Manager.MoveOf(Foo)!.Copy(1000);
        logs.Close();
        logs.Disk.DeleteDirectory($"{A}/foo-0");
        logs.Crash();
        Assert.Empty(logs.Manager.Moves);
        Assert.Null(logs.Manager.Find(Foo));
        Assert.Single(Directories(B), name => name.EndsWith("-stray"));
    }

    [Fact]
    public void A_directory_that_fails_on_the_way_costs_nothing_but_the_move()
    {
        Append(20);
        logs.Manager.BeginMove(Foo, B);
        var move = logs.Manager.MoveOf(Foo)!;
        move.Copy(1000);
        logs.Disk.Fault = (_, path) => path.StartsWith(B) ? new IOException("no disk") : null;
        while (move.Copy(1000) > 0)
        {
        }

        Assert.False(move.TryFinish());
        Append(5);
        AssertAllThere();
        Assert.Equal((A, false), (Log.LogDir, Log.IsOffline));
        logs.Manager.GiveUpMove(move);
        Assert.Null(logs.Manager.MoveOf(Foo));
    }

    [Fact]
    public void The_log_goes_on_where_it_went_if_the_old_directory_fails_at_the_last_moment()
    {
        Append(20);
        logs.Manager.BeginMove(Foo, B);
        var move = logs.Manager.MoveOf(Foo)!;
        CopyAll(move);
        logs.Disk.Fault = (operation, path) => operation == "rename" && path.StartsWith(A) ? new IOException("no disk") : null;
        Assert.True(move.TryFinish());
        Append(5);
        AssertAllThere();
        Assert.Equal((B, false), (Log.LogDir, Log.IsOffline));

        // At the next start there are two, and that one has more.
        logs.Disk.Fault = null;
        logs.Crash();
        Assert.Equal(B, Log.LogDir);
        AssertAllThere();
        Assert.Single(Directories(A), name => name.EndsWith("-stray"));
    }

    [Fact]
    public void The_process_may_die_at_any_operation_of_the_disk()
    {
        var isOver = false;
        for (var operations = 0; !isOver; operations++)
        {
            using var life = new MoveTests();
            try
            {
                isOver = !life.DiesAfter(operations, powerCut: operations % 2 == 0);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"after {operations} operations", e);
            }
        }
    }

    // Returns whether the disk was asked for anything after so many operations.
    private bool DiesAfter(int operations, bool powerCut)
    {
        Append(15);
        Assert.Equal(ErrorCode.None, Log.FlushAsync(Log.LogEndOffset).AsTask().GetAwaiter().GetResult());
        logs.Disk.SyncDirectory(A);
        var isDead = false;
        logs.Disk.Fault = (_, _) => (isDead |= Interlocked.Decrement(ref operations) < 0) ? new IOException("the process is dying") : null;
        var acknowledged = written.Count;
        for (var step = 0; step < 6 && !isDead; step++)
        {
            if (step == 1)
                logs.Manager.BeginMove(Foo, B);
            logs.Manager.MoveOf(Foo)?.Copy(1000);
            if (step == 4 && logs.Manager.MoveOf(Foo) is { } move)
            {
                CopyAll(move);
                move.TryFinish();
            }

            if (TryAppend() && Log.FlushAsync(Log.LogEndOffset).AsTask().GetAwaiter().GetResult() == ErrorCode.None)
                acknowledged = written.Count;
        }

        logs.Disk.Fault = null;
        logs.Crash(new Random(operations), powerCut);
        Assert.Equal(1, Directories(A).Concat(Directories(B)).Count(name => name == "foo-0"));
        Log.AdvanceHighWatermark(Log.LogEndOffset);
        AssertThere(acknowledged);
        var (end, place) = (Log.LogEndOffset, Log.LogDir);
        written.RemoveRange((int)end, written.Count - (int)end);
        Append(3);
        Move(place == A ? B : A);
        AssertAllThere();
        return isDead;
    }

    private void Append(int count)
    {
        for (var i = 0; i < count; i++)
            Assert.True(TryAppend());
    }

    private bool TryAppend()
    {
        var value = $"record {written.Count} " + new string('v', written.Count % 7 * 20);
        written.Add(value); // one that was refused may be there after a crash
        if (Log.Append(Batches.Plain((T, "k", value))).Error == ErrorCode.None)
            return true;
        return false;
    }

    private void Move(string logDir)
    {
        Assert.Equal(ErrorCode.None, logs.Manager.BeginMove(Foo, logDir));
        var move = logs.Manager.MoveOf(Foo)!;
        CopyAll(move);
        Assert.True(move.TryFinish(), $"{move.Failure}");
        Assert.Equal(logDir, Log.LogDir);
    }

    private static void CopyAll(LogMove move)
    {
        while (move.Copy(1000) > 0)
        {
        }
    }

    private void AssertAllThere() => AssertThere(written.Count);

    private void AssertThere(int count)
    {
        var values = new List<string>();
        using var scratch = new Protocol.Compression.PooledBuffer();
        foreach (var (_, bytes) in Log.ReadAll())
        {
            foreach (var record in new RecordBatchView(bytes).ReadRecords(scratch, 1 << 20))
                values.Add(System.Text.Encoding.UTF8.GetString(record.Value.Span));
        }

        Assert.Equal(written.Take(Math.Max(count, values.Count)), values);
    }

    private string Created(int number)
    {
        Assert.Equal(ErrorCode.None, logs.Manager.GetOrCreate(new TopicPartition("foo", number), FooId, logs.Config, out var log));
        return log!.LogDir;
    }

    private IReadOnlyList<string> Directories(string logDir) => logs.Disk.ListDirectories(logDir);
}
