using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

public class ProducerStatesTests
{
    [Fact]
    public void The_last_five_batches_are_known_again()
    {
        using var logs = new LogFixture();
        var batches = Enumerable.Range(0, 7).Select(i => Batches.Idempotent(9, 0, i * 2, (T + i, "a", "b"), (T + i, "c", "d"))).ToArray();
        foreach (var batch in batches)
            Assert.False(logs.Log.Append(batch.ToArray()).IsDuplicate);
        for (var i = 0; i < 7; i++)
        {
            var again = logs.Log.Append(batches[i].ToArray());
            if (i >= 2)
                Assert.Equal((ErrorCode.None, true, i * 2, (i * 2) + 1), (again.Error, again.IsDuplicate, again.BaseOffset, again.LastOffset));
            else
                Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, again.Error);
        }

        Assert.Equal(14, logs.Log.LogEndOffset);
    }

    [Fact]
    public void After_a_restart_the_last_batch_is_known_again()
    {
        foreach (var crash in new[] { false, true })
        {
            using var logs = new LogFixture();
            logs.Log.Append(Batches.Idempotent(9, 0, 0, (T, "a", "b")));
            var last = Batches.Idempotent(9, 0, 1, (T, "a", "b"), (T, "c", "d"));
            logs.Log.Append(last.ToArray());
            if (crash)
                logs.Crash();
            else
                logs.Restart();
            var again = logs.Log.Append(last.ToArray());
            Assert.Equal((true, 1, 2), (again.IsDuplicate, again.BaseOffset, again.LastOffset));
            Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, logs.Log.Append(Batches.Idempotent(9, 0, 5, (T, "a", "b"))).Error);
            Assert.Equal(3, logs.Log.Append(Batches.Idempotent(9, 0, 3, (T, "a", "b"))).BaseOffset);
        }
    }

    [Fact]
    public void Sequence_numbers_begin_again_behind_the_largest()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Idempotent(9, 0, int.MaxValue - 1, (T, "a", "b")));
        var wrapping = Batches.Idempotent(9, 0, int.MaxValue, (T, "a", "b"), (T, "c", "d"), (T, "e", "f"));
        Assert.Equal(ErrorCode.None, logs.Log.Append(wrapping.ToArray()).Error);
        Assert.True(logs.Log.Append(wrapping.ToArray()).IsDuplicate);
        Assert.Equal(1, Assert.Single(logs.Log.DescribeProducers()).LastSequence);
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Idempotent(9, 0, 2, (T, "a", "b"))).Error);
    }

    [Fact]
    public void A_new_producer_may_begin_anywhere_and_a_new_epoch_only_at_0()
    {
        using var logs = new LogFixture();
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Idempotent(9, 3, 77, (T, "a", "b"))).Error); // its records may have been removed
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, logs.Log.Append(Batches.Idempotent(9, 4, 78, (T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Idempotent(9, 4, 0, (T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, logs.Log.Append(Batches.Idempotent(9, 3, 78, (T, "a", "b"))).Error);
    }

    [Fact]
    public void Transactions_hold_producers_to_their_rules()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(9, 1, 0, (T, "a", "b")));
        Assert.Equal(ErrorCode.InvalidTxnState, log.Append(Batches.Idempotent(9, 1, 1, (T, "a", "b"))).Error);
        Assert.Equal(0, log.LastStableOffset);

        // A marker of the second version of transactions fences by raising the epoch.
        Assert.Equal(ErrorCode.None, log.Append(Batches.Marker(commit: true, 9, 2, 5, T), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(2, log.LastStableOffset);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, log.Append(Batches.Transactional(9, 1, 1, (T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, log.Append(Batches.Transactional(9, 2, 1, (T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.None, log.Append(Batches.Transactional(9, 2, 0, (T, "a", "b"))).Error);
        Assert.Equal(ErrorCode.TransactionCoordinatorFenced, log.Append(Batches.Marker(commit: true, 9, 2, 4, T), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, log.Append(Batches.Marker(commit: true, 9, 1, 6, T), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(2, log.LastStableOffset);
    }

    [Fact]
    public void A_marker_without_records_ends_nothing()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Marker(commit: false, 9, 0, 1, T), origin: AppendOrigin.Coordinator);
        Assert.Equal((1, 1), (logs.Log.LogEndOffset, logs.Log.LastStableOffset));
        Assert.Empty(logs.Log.AbortedTransactions(0, logs.Log.Read(0, 1000, 1, true)));
        Assert.Equal(new ProducerInfo(9, 0, -1, T, 1, -1), Assert.Single(logs.Log.DescribeProducers()));
    }

    [Fact]
    public void The_second_of_two_open_transactions_holds_back_what_is_stable_when_the_first_has_ended()
    {
        using var logs = new LogFixture();
        var log = logs.Log;
        log.Append(Batches.Transactional(1, 0, 0, (T, "a", "b")));
        log.Append(Batches.Transactional(2, 0, 0, (T, "a", "b")));
        log.Append(Batches.Marker(commit: false, 1, 0, 0, T), origin: AppendOrigin.Coordinator);
        Assert.Equal(1, log.LastStableOffset);
        Assert.Equal([new AbortedTransaction(1, 0, 2, 1)], log.AbortedTransactions(0, log.Read(0, 1000, 3, true)));
        log.Append(Batches.Marker(commit: false, 2, 0, 0, T), origin: AppendOrigin.Coordinator);
        Assert.Equal(4, log.LastStableOffset);
        Assert.Equal([new AbortedTransaction(1, 0, 2, 1), new(2, 1, 3, 4)], log.AbortedTransactions(0, log.Read(0, 1000, 4, true)));
        Assert.Equal([new AbortedTransaction(2, 1, 3, 4)], log.AbortedTransactions(3, log.Read(3, 1000, 4, true)));
    }

    [Fact]
    public void A_damaged_transaction_index_is_built_again()
    {
        foreach (var wasClean in new[] { true, false })
        {
            using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500, IndexIntervalBytes = 100 });
            for (var i = 0; i < 12; i++)
            {
                logs.Log.Append(Batches.Transactional(i % 2, 0, i / 2, (T, "a", "b")));
                if (i % 3 == 2)
                    logs.Log.Append(Batches.Marker(commit: false, i % 2, 0, 0, T), origin: AppendOrigin.Coordinator);
            }

            var expected = AllAborted(logs.Log);
            Assert.Equal(4, expected.Count);
            logs.Close();
            var indexes = logs.Disk.Contents.Keys.Where(path => path.EndsWith(".txnindex", StringComparison.Ordinal)).ToList();
            Assert.True(indexes.Count > 1);
            logs.Damage(Path.GetFileName(indexes.Order().First()), bytes => [.. bytes.Select(value => (byte)(value ^ 0x55))]);
            logs.Damage(Path.GetFileName(indexes.Order().Last()), bytes => bytes[..^5]);
            if (!wasClean)
                logs.Disk.DeleteFile($"{Root}/.kafka_cleanshutdown");
            logs.Crash();
            Assert.Equal(expected, AllAborted(logs.Log));
        }

        static List<AbortedTransaction> AllAborted(PartitionLog log)
        {
            var all = new HashSet<AbortedTransaction>();
            for (var offset = 0L; offset < log.LogEndOffset; offset++)
                all.UnionWith(log.AbortedTransactions(offset, log.Read(offset, 10_000, log.LogEndOffset, true)));
            return [.. all.OrderBy(aborted => aborted.LastOffset)];
        }
    }

    [Fact]
    public void A_damaged_snapshot_is_passed_over()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500 });
        for (var i = 0; i < 20; i++)
            logs.Log.Append(Batches.Idempotent(9, 0, i, (T + i, "a", "b")));
        var expected = logs.Log.DescribeProducers();
        logs.Close();
        foreach (var path in logs.Disk.Contents.Keys.Where(path => path.EndsWith(".snapshot", StringComparison.Ordinal)).Order().Skip(1))
            logs.Damage(Path.GetFileName(path), bytes => [.. bytes.Reverse()]);
        logs.Crash();
        Assert.Equal(expected, logs.Log.DescribeProducers());
    }

    [Fact]
    public void Idle_producers_are_forgotten_unless_a_transaction_is_open()
    {
        using var logs = new LogFixture();
        logs.Log.Append(Batches.Idempotent(1, 0, 0, (T, "a", "b")));
        logs.Log.Append(Batches.Transactional(2, 0, 0, (T, "a", "b")));
        logs.Time.Advance(TimeSpan.FromHours(23));
        Assert.Equal(2, logs.Log.DescribeProducers().Count);
        logs.Time.Advance(TimeSpan.FromHours(1.2));
        Assert.Equal(2, Assert.Single(logs.Log.DescribeProducers()).ProducerId);
        Assert.Equal(ErrorCode.None, logs.Log.Append(Batches.Idempotent(1, 0, 5, (T, "a", "b"))).Error);
        logs.Restart(); // the times that count are the records'
        Assert.Equal(2, Assert.Single(logs.Log.DescribeProducers()).ProducerId);
    }

    [Fact]
    public void A_truncation_takes_producers_back_in_time()
    {
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 500 });
        var log = logs.Log;
        for (var i = 0; i < 20; i++)
            log.Append(Batches.Transactional(9, 0, i, (T + i, "a", "b")));
        log.Append(Batches.Marker(commit: false, 9, 0, 0, T), origin: AppendOrigin.Coordinator);
        Assert.Equal(ErrorCode.None, log.TruncateTo(12));
        Assert.Equal(new ProducerInfo(9, 0, 11, T + 11, -1, 0), Assert.Single(log.DescribeProducers()));
        Assert.Equal(0, log.LastStableOffset);
        Assert.Empty(log.AbortedTransactions(0, log.Read(0, 10_000, 12, true)));
        Assert.Equal(12, log.Append(Batches.Transactional(9, 0, 12, (T, "a", "b"))).BaseOffset);
    }

    /// <summary>Random batches of a few producers, judged by the log and by the rules written down once more, plainly.</summary>
    [Fact]
    public void Sequences_are_judged_as_by_the_rules()
    {
        var random = new Random(17);
        using var logs = new LogFixture(LogConfig.Default with { SegmentBytes = 3000 });
        var model = new Dictionary<long, Producer>();
        var seen = new HashSet<string>();
        for (var i = 0; i < 4000; i++)
        {
            var producerId = random.Next(3);
            var known = model.GetValueOrDefault(producerId);
            var epoch = (short)Math.Max(0, (known?.Epoch ?? 0) + (random.Next(20) == 0 ? random.Next(-1, 2) : 0));
            var count = random.Next(1, 4);
            var next = known is null ? 0 : (int)((known.Batches[^1].Base + (long)known.Batches[^1].Count) & int.MaxValue);
            var sequence = random.Next(10) switch
            {
                0 => random.Next(3),
                1 when known is not null => known.Batches[random.Next(known.Batches.Count)].Base,
                2 => (int)((next + (long)random.Next(1, 3)) & int.MaxValue),
                3 when random.Next(200) == 0 => int.MaxValue - 1,
                _ => epoch == known?.Epoch ? next : 0,
            };
            var records = Enumerable.Range(0, count).Select(_ => (T, "a", "b")).ToArray();
            var (error, baseOffset) = Judge(model, producerId, epoch, sequence, count, logs.Log.LogEndOffset, out var isDuplicate);
            var result = logs.Log.Append(Batches.Idempotent(producerId, epoch, sequence, records));
            Assert.Equal((error, isDuplicate, baseOffset), (result.Error, result.IsDuplicate, result.BaseOffset));
            seen.Add(isDuplicate ? "duplicate" : error.ToString());
            if (random.Next(500) == 0)
            {
                logs.Restart(); // of each producer, only the last batch is in the snapshot
                foreach (var producer in model.Values)
                    producer.Batches.RemoveRange(0, producer.Batches.Count - 1);
            }
        }

        Assert.Equal(["InvalidProducerEpoch", "None", "OutOfOrderSequenceNumber", "duplicate"], seen.Order(StringComparer.Ordinal));
    }

    private static (ErrorCode, long) Judge(Dictionary<long, Producer> model, long id, short epoch, int sequence, int count, long end, out bool isDuplicate)
    {
        isDuplicate = false;
        if (model.TryGetValue(id, out var known))
        {
            foreach (var batch in known.Batches)
            {
                if (epoch == known.Epoch && batch.Base == sequence && batch.Count == count)
                {
                    isDuplicate = true;
                    return (ErrorCode.None, batch.Offset);
                }
            }

            if (epoch < known.Epoch)
                return (ErrorCode.InvalidProducerEpoch, -1);
            var expected = epoch == known.Epoch ? (known.Batches[^1].Base + (long)known.Batches[^1].Count) % (1L << 31) : 0;
            if (sequence != expected)
                return (ErrorCode.OutOfOrderSequenceNumber, -1);
        }

        if (known is null || known.Epoch != epoch)
            model[id] = known = new(epoch, []);
        known.Batches.Add((sequence, count, end));
        if (known.Batches.Count > 5)
            known.Batches.RemoveAt(0);
        return (ErrorCode.None, end);
    }

    private sealed record Producer(short Epoch, List<(int Base, int Count, long Offset)> Batches);
}
