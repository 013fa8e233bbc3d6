using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>
/// A log lives through appends, transactions, flushes, rolls, truncations, retention, crashes, power cuts and failing disks in a random
/// order. After each start: everything below what was flushed is there, everything that is served is what was written at that offset,
/// after a mere crash of the process nothing is missing at all, and the transactions are those that the records tell of.
/// </summary>
public class CrashSimulationTests
{
    private const int Steps = 60;

    [Fact]
    public async Task What_was_flushed_survives_and_nothing_else_is_served()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            try
            {
                using var life = new Life(seed);
                await life.Live();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    private sealed class Life : IDisposable
    {
        private const int FirstTransactional = 3;

        private readonly Random random;
        private readonly LogFixture logs;
        private readonly SortedDictionary<long, byte[]> model = [];
        private readonly int[] sequences = new int[5];
        private readonly bool[] isOpen = new bool[5];
        private long flushed;
        private int epoch;

        public Life(int seed)
        {
            random = new Random(seed);
            logs = new(LogConfig.Default with
            {
                SegmentBytes = random.Next(900, 6000),
                IndexIntervalBytes = random.Next(0, 500),
                SegmentIndexBytes = random.Next(60, 400),
                RetentionBytes = random.Next(2) == 0 ? -1 : 8000,
                Preallocate = random.Next(4) == 0,
            });
            _ = logs.Log;
            logs.Disk.SyncDirectory(Root); // the topic was created long ago
        }

        private PartitionLog Log => logs.Log;

        public async Task Live()
        {
            for (var step = 0; step < Steps; step++)
            {
                switch (random.Next(14))
                {
                    case < 6:
                        Assert.Equal(ErrorCode.None, Append());
                        break;
                    case 6:
                        Assert.Equal(ErrorCode.None, await Log.FlushAsync(Log.LogEndOffset));
                        flushed = Log.LogEndOffset;
                        break;
                    case 7:
                        PassTime();
                        break;
                    case 8:
                        epoch++;
                        break;
                    case 9 when random.Next(3) == 0:
                        Assert.Equal(ErrorCode.None, Truncate());
                        break;
                    case 10:
                        logs.Crash();
                        Examine(lossFrom: long.MaxValue);
                        break;
                    case 11:
                        logs.Crash(random, powerCut: true);
                        Examine(lossFrom: flushed);
                        break;
                    case 12:
                        FailAndCrash(powerCut: random.Next(2) == 0);
                        break;
                    default:
                        logs.Restart();
                        flushed = Log.LogEndOffset;
                        Examine(lossFrom: long.MaxValue);
                        break;
                }

                await Log.BackgroundFlush; // so that a seed tells the same story each time
                Assert.False(Log.IsOffline);
            }
        }

        public void Dispose() => logs.Dispose();

        private void PassTime() => logs.Time.Advance(TimeSpan.FromSeconds(random.Next(1, 400))); // checkpoints, retention, files removed

        // The disk fails at some operation, the directory goes offline, and the process dies. What was under way may have happened or not.
        private void FailAndCrash(bool powerCut)
        {
            var operations = random.Next(12);
            logs.Disk.Fault = (_, _) => operations-- <= 0 ? new IOException("no space left") : null;
            logs.Disk.PartOfFailedWrite = count => random.Next(count + 1);
            var lossFrom = powerCut ? flushed : long.MaxValue;
            switch (random.Next(3))
            {
                case 0:
                    _ = Append();
                    lossFrom = Math.Min(lossFrom, model.Count == 0 ? 0 : model.Keys.Last());
                    break;
                case 1:
                    var before = Log.LogEndOffset;
                    _ = Truncate();
                    lossFrom = Math.Min(lossFrom, truncatedTo);
                    Assert.True(Log.LogEndOffset <= before);
                    break;
                default:
                    PassTime();
                    break;
            }

            logs.Disk.Fault = null;
            logs.Crash(random, powerCut);
            Examine(lossFrom);
        }

        private ErrorCode Append()
        {
            var producer = random.Next(-3, sequences.Length);
            if (producer >= FirstTransactional && isOpen[producer] && random.Next(2) == 0)
                return AppendMarker(producer);
            var records = Enumerable.Range(0, random.Next(1, 4)).Select(i => (T + (model.Count * 10) + i, "k", new string('v', random.Next(200)))).ToArray();
            var batch = producer switch
            {
                < 0 => Batches.Plain(records),
                < FirstTransactional => Batches.Idempotent(producer, 0, sequences[producer], records),
                _ => Batches.Transactional(producer, 0, sequences[producer], records),
            };
            var error = Append(batch, AppendOrigin.Client);
            if (error == ErrorCode.None && producer >= 0)
            {
                sequences[producer] += records.Length;
                isOpen[producer] = producer >= FirstTransactional;
            }

            return error;
        }

        private ErrorCode AppendMarker(int producer)
        {
            var marker = Batches.Marker(random.Next(2) == 0, producer, 0, coordinatorEpoch: 0, T + (model.Count * 10));
            var error = Append(marker, AppendOrigin.Coordinator);
            isOpen[producer] = error != ErrorCode.None;
            return error;
        }

        private ErrorCode Append(byte[] batch, AppendOrigin origin)
        {
            var result = Log.Append(batch, epoch, origin);
            model[new RecordBatchView(batch).BaseOffset] = batch; // what failed may be there after the next start
            return result.Error;
        }

        private long truncatedTo;

        private ErrorCode Truncate()
        {
            truncatedTo = Log.LogEndOffset;
            if (Log.LogEndOffset == Log.LogStartOffset)
                return ErrorCode.None;
            truncatedTo = random.NextInt64(Log.LogStartOffset, Log.LogEndOffset);
            var error = Log.TruncateTo(truncatedTo);
            logs.Disk.Fault = null;
            if (error != ErrorCode.None)
            {
                truncatedTo = Math.Min(truncatedTo, model.Last(batch => batch.Key <= truncatedTo).Key);
                return error;
            }

            Assert.True(Log.LogEndOffset <= truncatedTo);
            flushed = Math.Min(flushed, Log.LogEndOffset);
            Forget();
            Log.AdvanceHighWatermark(Log.LogEndOffset);
            return error;
        }

        private void Examine(long lossFrom)
        {
            var log = Log;
            log.AdvanceHighWatermark(log.LogEndOffset);
            var served = log.ReadAll();
            foreach (var (baseOffset, bytes) in served)
                Assert.True(model.TryGetValue(baseOffset, out var written) && written.AsSpan().SequenceEqual(bytes), $"offset {baseOffset}");
            var offsets = served.Select(batch => batch.BaseOffset).ToHashSet();
            foreach (var (baseOffset, bytes) in model)
            {
                var last = new RecordBatchView(bytes).LastOffset;
                if (last < lossFrom && last >= log.LogStartOffset)
                    Assert.Contains(baseOffset, offsets);
            }

            // Every offset is found through the indexes, whatever they have been through, and so is every time.
            foreach (var (baseOffset, bytes) in served)
            {
                var batch = new RecordBatchView(bytes);
                var read = log.Read(batch.LastOffset, 1, long.MaxValue, minOneBatch: true);
                Assert.Equal(bytes, read.Records.ToArray());
                var found = log.FindByTimestamp(batch.MaxTimestamp);
                Assert.True(found.Offset <= batch.LastOffset && found.Timestamp >= batch.MaxTimestamp, $"time of offset {baseOffset}");
            }

            if (lossFrom < long.MaxValue)
            {
                Forget();
                flushed = Math.Min(flushed, log.LogEndOffset);
            }

            ExamineTransactions();
        }

        // A fold over all records ever, as far as they were not lost, tells which transactions there are.
        private void ExamineTransactions()
        {
            var open = new Dictionary<long, long>();
            var aborted = new List<(long ProducerId, long FirstOffset, long LastOffset)>();
            foreach (var (offset, bytes) in model)
            {
                var batch = new RecordBatchView(bytes);
                if (ControlRecordBatch.TryReadMarker(batch, out var commit, out _))
                {
                    if (open.Remove(batch.ProducerId, out var first) && !commit && offset >= Log.LogStartOffset)
                        aborted.Add((batch.ProducerId, first, offset));
                }
                else if (batch.IsTransactional)
                {
                    open.TryAdd(batch.ProducerId, offset);
                }
            }

            Array.Clear(isOpen);
            foreach (var producerId in open.Keys)
                isOpen[producerId] = true;
            var end = Log.LogEndOffset;
            Assert.Equal(Math.Max(Log.LogStartOffset, open.Values.Append(end).Min()), Log.LastStableOffset);
            for (var offset = Log.LogStartOffset; offset < end; offset++)
            {
                var read = Log.Read(offset, int.MaxValue, end, minOneBatch: true);
                var covered = RecordBatches.Enumerate(read.Records.ToArray());
                var next = offset;
                while (covered.MoveNext())
                    next = covered.Current.NextOffset;
                var found = Log.AbortedTransactions(offset, read).Select(entry => (entry.ProducerId, entry.FirstOffset, entry.LastOffset)).ToList();
                Assert.Equal(found.Order().Distinct(), found.Order());
                Assert.Subset(aborted.ToHashSet(), found.ToHashSet());
                Assert.Superset(aborted.Where(entry => entry.LastOffset >= offset && entry.FirstOffset < next).ToHashSet(), found.ToHashSet());
            }
        }

        private void Forget()
        {
            var kept = Log.ReadAll().Select(batch => batch.BaseOffset).ToHashSet();
            foreach (var offset in model.Keys.Where(offset => offset >= Log.LogStartOffset && !kept.Contains(offset)).ToList())
                model.Remove(offset);
            Array.Clear(sequences);
            foreach (var producer in Log.DescribeProducers())
                sequences[producer.ProducerId] = producer.LastSequence + 1;
        }
    }
}
