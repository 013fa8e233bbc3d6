using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests;

/// <summary>
/// Producers of all kinds write in any order, and a consumer reads what is committed as clients do: what it sees is what a list of all
/// that happened says, also after restarts, crashes, retention and from any offset.
/// </summary>
public class ReadCommittedTests
{
    [Fact]
    public void What_is_committed_is_seen_in_order_and_nothing_else()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            try
            {
                new Story(seed).Tell();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }

    private sealed class Story(int seed)
    {
        private readonly Random random = new(seed);
        private readonly LogFixture logs = new(LogConfig.Default with { SegmentBytes = 1500, IndexIntervalBytes = 200 });
        private readonly List<Written> written = [];
        private readonly Dictionary<long, (short Epoch, int Sequence, bool IsOpen)> producers = [];

        public void Tell()
        {
            using var _ = logs;
            for (var step = 0; step < 120; step++)
            {
                Step();
                Assert.Equal(LastStable(), logs.Log.LastStableOffset);
                if (step % 10 == 9)
                    Read(random.NextInt64(logs.Log.LogStartOffset, logs.Log.LogEndOffset + 1));
            }

            Read(logs.Log.LogStartOffset);
        }

        private void Step()
        {
            var id = random.NextInt64(1, 5);
            var known = producers.GetValueOrDefault(id);
            switch (random.Next(12))
            {
                case < 2:
                    Append(Batches.Plain((T, "k", $"{written.Count}")), -1, isTransactional: false);
                    break;
                case 2:
                    Append(Batches.Idempotent(100 + id, 0, written.Count(one => one.ProducerId == 100 + id), (T, "k", $"{written.Count}")), 100 + id, false);
                    break;
                case 3:
                    logs.Restart();
                    logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
                    break;
                case 4:
                    logs.Crash(random);
                    logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
                    break;
                case 5 when random.Next(4) == 0:
                    Assert.Equal(ErrorCode.None, logs.Log.AdvanceLogStart(random.NextInt64(logs.Log.LogStartOffset, logs.Log.LastStableOffset + 1)));
                    break;
                case < 9 when known.IsOpen:
                    var commit = random.Next(2) == 0;
                    var marker = Batches.Marker(commit, id, (short)(known.Epoch + 1), 3, T);
                    Assert.Equal(ErrorCode.None, Advance(logs.Log.AppendAsLeader(marker, 0, AppendOrigin.Coordinator, new(BumpsEpochs: true))));
                    foreach (var one in written.Where(one => one.ProducerId == id && one.IsCommitted is null))
                        one.IsCommitted = commit;
                    producers[id] = ((short)(known.Epoch + 1), 0, false);
                    break;
                default:
                    var batch = Batches.Transactional(id, known.Epoch, known.Sequence, (T, "k", $"{written.Count}"));
                    Append(batch, id, isTransactional: true);
                    producers[id] = (known.Epoch, known.Sequence + 1, true);
                    break;
            }
        }

        private void Append(byte[] batch, long producerId, bool isTransactional)
        {
            var guard = isTransactional ? logs.Log.BeginVerification(producerId, new RecordBatchView(batch).ProducerEpoch, 0) : null;
            var result = logs.Log.AppendAsLeader(batch, 0, AppendOrigin.Client, new(MustBeKnown: true, guard, BumpsEpochs: true));
            Assert.Equal(ErrorCode.None, Advance(result));
            written.Add(new(result.BaseOffset, $"{written.Count}", producerId) { IsCommitted = isTransactional ? null : true });
        }

        private ErrorCode Advance(AppendResult result)
        {
            logs.Log.AdvanceHighWatermark(logs.Log.LogEndOffset);
            return result.Error;
        }

        private long LastStable() => written.Where(one => one.IsCommitted is null).Select(one => one.Offset).Append(logs.Log.LogEndOffset).Min();

        private void Read(long from)
        {
            var expected = written
                .Where(one => one.Offset >= from && one.Offset < LastStable() && one.IsCommitted == true)
                .Select(one => (one.Offset, one.Value));
            Assert.Equal(expected, ReadCommitted(logs.Log, from, random));
        }
    }

    /// <summary>Reads as clients do: whoever is aborted is skipped from the first offset of its transaction to its marker.</summary>
    private static List<(long Offset, string Value)> ReadCommitted(PartitionLog log, long offset, Random random)
    {
        var seen = new List<(long, string)>();
        using var scratch = new PooledBuffer();
        while (true)
        {
            var read = log.Read(offset, random.Next(1, 2000), log.LastStableOffset, minOneBatch: true);
            Assert.Equal(ErrorCode.None, read.Error);
            if (read.Records.Length == 0)
                return seen;
            var begins = new Queue<AbortedTransaction>(log.AbortedTransactions(offset, read).OrderBy(aborted => aborted.FirstOffset));
            var aborted = new HashSet<long>();
            foreach (var batch in RecordBatches.Enumerate(read.Records.ToArray()))
            {
                while (begins.TryPeek(out var next) && next.FirstOffset <= batch.LastOffset)
                    aborted.Add(begins.Dequeue().ProducerId);
                if (ControlRecordBatch.TryReadMarker(batch, out var commit, out _))
                {
                    if (!commit)
                        aborted.Remove(batch.ProducerId);
                }
                else if (!batch.IsTransactional || !aborted.Contains(batch.ProducerId))
                {
                    foreach (var record in batch.ReadRecords(scratch, 1 << 20))
                    {
                        if (record.Offset >= offset)
                            seen.Add((record.Offset, System.Text.Encoding.UTF8.GetString(record.Value.Span)));
                    }
                }

                offset = Math.Max(offset, batch.NextOffset);
            }
        }
    }

    private sealed record Written(long Offset, string Value, long ProducerId)
    {
        public bool? IsCommitted { get; set; }
    }
}
