using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests.Compaction;

/// <summary>
/// A compacted log and a list of everything that was ever appended to it. What a seed decides is appended, in any codec, by producers of
/// every kind; what must be true of the log, whatever passes and crashes it has been through, is checked against the list.
/// </summary>
internal sealed class CompactedLog : IDisposable
{
    private const int Keys = 12;
    private const int Idempotent = 2; // producer ids below are idempotent, those from here on transactional
    private const int ProducersMax = 4;

    private readonly Random random;
    private readonly Dictionary<long, long> tombstonesSeenMs = []; // when a pass first left the tombstone behind
    private int[] sequences = new int[ProducersMax];
    private readonly List<long>[] open = [.. Enumerable.Range(0, ProducersMax).Select(_ => new List<long>())];

    public CompactedLog(int seed, Func<LogConfig, LogConfig>? change = null)
    {
        random = new Random(seed);
        var config = LogConfig.Default with
        {
            CleanupPolicy = CleanupPolicy.Compact,
            SegmentBytes = random.Next(600, 3000),
            IndexIntervalBytes = random.Next(0, 400),
            SegmentIndexBytes = random.Next(60, 400),
            MinCleanableDirtyRatio = random.Next(3) * 0.2,
            MinCompactionLagMs = random.Next(3) == 0 ? random.Next(1, 4000) : 0,
            MaxCompactionLagMs = random.Next(3) == 0 ? random.Next(5000, 20_000) : long.MaxValue,
            DeleteRetentionMs = random.Next(0, 8000),
            FileDeleteDelayMs = random.Next(0, 5000),
            TimestampType = random.Next(4) == 0 ? TimestampType.LogAppendTime : TimestampType.CreateTime,
        };
        Logs = new(change?.Invoke(config) ?? config);
        Logs.Cleaner = new()
        {
            Threads = 0,
            DedupeBufferBytes = random.Next(2) == 0 ? random.Next(2, 2 * Keys) * OffsetMap.EntryBytes : 1 << 20,
            IoBufferBytes = 1,
        };
        _ = Logs.Log;
        Logs.Disk.SyncDirectory(Root); // the topic was created long ago
    }

    public LogFixture Logs { get; }

    /// <summary>Everything that was appended, by offset.</summary>
    public SortedDictionary<long, Written> Model { get; } = [];

    public PartitionLog Log => Logs.Log;

    private long NowMs => Logs.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Dispose() => Logs.Dispose();

    public void PassTime() => Logs.Time.Advance(TimeSpan.FromMilliseconds(random.Next(1, 4000)));

    /// <summary>Appends a batch, or ends a transaction.</summary>
    public void Append()
    {
        var producer = random.Next(-3, ProducersMax);
        if (producer >= Idempotent && open[producer].Count > 0 && random.Next(3) == 0)
        {
            End(producer, commit: random.Next(2) == 0);
            return;
        }

        var options = RecordBatchOptions.Default with
        {
            Codec = random.Next(3) == 0 ? (CompressionCodec)random.Next(1, 5) : CompressionCodec.None,
            ProducerId = Math.Max(producer, -1),
            ProducerEpoch = (short)(producer < 0 ? -1 : 0),
            BaseSequence = producer < 0 ? -1 : sequences[producer],
            IsTransactional = producer >= Idempotent,
        };
        var records = Enumerable.Range(0, random.Next(1, 5)).Select(i => Record(i)).ToArray();
        var result = Log.Append(Batches.Keyed(options, records));
        Assert.Equal(ErrorCode.None, result.Error);
        for (var i = 0; i < records.Length; i++)
        {
            var time = result.LogAppendTimeMs >= 0 ? result.LogAppendTimeMs : records[i].Time;
            Model[result.BaseOffset + i] = new(records[i].Key, records[i].Value, time, options.IsTransactional ? Fate.Open : Fate.Plain);
            if (options.IsTransactional)
                open[producer].Add(result.BaseOffset + i);
        }

        if (producer >= 0)
            sequences[producer] += records.Length;
    }

    /// <summary>Ends all transactions, so that nothing keeps a pass from the end.</summary>
    public void EndAll()
    {
        for (var producer = Idempotent; producer < ProducersMax; producer++)
        {
            if (open[producer].Count > 0)
                End(producer, commit: random.Next(2) == 0);
        }
    }

    /// <summary>Lets everything that needs it be compacted, and checks each pass.</summary>
    public void Clean()
    {
        using var pass = Logs.Manager.Cleaner.NewPass(Logs.Cleaner, CancellationToken.None);
        for (var passes = 0; ; passes++)
        {
            Assert.True(passes < 1000);
            var plan = CompactionPlan.Of(Log.CompactionFacts()!, NowMs);
            var before = Log.ReadAll();
            var (start, stable, end, producers) = (Log.LogStartOffset, Log.LastStableOffset, Log.LogEndOffset, Log.DescribeProducers());
            if (!Logs.Manager.Cleaner.CleanOne(pass))
                break;
            Assert.False(Log.IsOffline);
            Assert.Equal(0, Logs.Manager.Cleaner.UncleanablePartitions(Root));
            Assert.Equal((start, stable, end), (Log.LogStartOffset, Log.LastStableOffset, Log.LogEndOffset));
            Assert.Equal(producers, Log.DescribeProducers());
            Assert.True(Log.CleanedTo > plan.FirstDirtyOffset);
            Assert.True(Log.CleanedTo <= plan.FirstUncleanableOffset);
            AssertUntouched(before, plan.FirstUncleanableOffset);
            Check(hasJustCleaned: true);
        }
    }

    /// <summary>What must be true at any time.</summary>
    public void Check(bool hasJustCleaned = false)
    {
        var there = AllRecords();
        foreach (var (offset, key, value, time) in there)
        {
            var written = Model[offset];
            Assert.Equal((written.Key, written.Value, written.TimeMs), (key, value, time));
        }

        AssertConsumerSeesLastValues();
        AssertCompactedBelow(Log.CleanedTo, there);
        AssertTombstonesStay(there, hasJustCleaned);
        foreach (var (_, bytes) in Log.ReadAll())
        {
            var batch = new RecordBatchView(bytes);
            Assert.True(batch.IsValidCrc);
            Assert.Equal(bytes, Log.Read(batch.LastOffset, 1, long.MaxValue, minOneBatch: true).Records.ToArray());
            if (batch.RecordCount > 0)
                Assert.True(Log.FindByTimestamp(batch.MaxTimestamp) is { IsFound: true } found && found.Timestamp >= batch.MaxTimestamp);
        }
    }

    /// <summary>After a loss of what was not synced: the list is what is there, and producers go on from there.</summary>
    public void Forget(long fromOffset)
    {
        foreach (var offset in Model.Keys.Where(offset => offset >= fromOffset).ToList())
            Model.Remove(offset);
        sequences = new int[ProducersMax];
        foreach (var producer in Log.DescribeProducers())
            sequences[producer.ProducerId] = producer.LastSequence + 1;
        foreach (var offsets in open)
            offsets.RemoveAll(offset => offset >= fromOffset);
    }

    private (long Time, string? Key, string? Value) Record(int index)
    {
        var value = random.Next(4) == 0 ? null : new string((char)('a' + random.Next(26)), random.Next(80));
        return (NowMs - random.Next(2000) + index, $"key-{random.Next(Keys)}", value);
    }

    private void End(int producer, bool commit)
    {
        var marker = Batches.Marker(commit, producer, 0, coordinatorEpoch: 0, NowMs);
        Assert.Equal(ErrorCode.None, Log.Append(marker, origin: AppendOrigin.Coordinator).Error);
        foreach (var offset in open[producer])
            Model[offset] = Model[offset] with { Fate = commit ? Fate.Committed : Fate.Aborted };
        open[producer].Clear();
    }

    private List<(long Offset, string? Key, string? Value, long TimeMs)> AllRecords()
    {
        var all = new List<(long, string?, string?, long)>();
        using var scratch = new PooledBuffer();
        foreach (var (_, bytes) in Log.ReadAll())
        {
            var batch = new RecordBatchView(bytes);
            if (batch.IsControl)
                continue;
            foreach (var record in batch.ReadRecords(scratch, int.MaxValue))
                all.Add((record.Offset, Text(record.Key), Text(record.Value), record.TimestampMs));
        }

        return all;
    }

    private void AssertUntouched(List<(long BaseOffset, byte[] Bytes)> before, long fromOffset) =>
        Assert.Equal(
            before.Where(batch => batch.BaseOffset >= fromOffset).Select(batch => Convert.ToHexString(batch.Bytes)),
            Log.ReadAll().Where(batch => batch.BaseOffset >= fromOffset).Select(batch => Convert.ToHexString(batch.Bytes)));

    // A consumer of committed records that reads everything, in fetches of some size or other.
    private void AssertConsumerSeesLastValues()
    {
        var seen = new Dictionary<string, string?>();
        using var scratch = new PooledBuffer();
        for (var offset = Log.LogStartOffset; offset < Log.LastStableOffset;)
        {
            var read = Log.Read(offset, random.Next(1, 2000), Log.LastStableOffset, minOneBatch: true);
            Assert.Equal(ErrorCode.None, read.Error);
            var ahead = new Queue<AbortedTransaction>(Log.AbortedTransactions(offset, read).OrderBy(transaction => transaction.FirstOffset));
            var aborted = new HashSet<long>();
            var from = offset;
            foreach (var batch in RecordBatches.Enumerate(read.Records.ToArray()))
            {
                while (ahead.TryPeek(out var next) && next.FirstOffset <= batch.LastOffset)
                    aborted.Add(ahead.Dequeue().ProducerId);
                offset = Math.Max(offset, batch.NextOffset);
                if (batch.IsControl)
                {
                    if (ControlRecordBatch.TryReadMarker(batch, out var commit, out _) && !commit)
                        aborted.Remove(batch.ProducerId);
                    continue;
                }

                if (batch.IsTransactional && aborted.Contains(batch.ProducerId))
                    continue;
                foreach (var record in batch.ReadRecords(scratch, int.MaxValue))
                {
                    if (record.Offset >= from)
                        seen[Text(record.Key)!] = Text(record.Value);
                }
            }

            Assert.True(offset > from, $"nothing at {from} of {Log.LastStableOffset}");
        }

        var expected = new Dictionary<string, string?>();
        foreach (var (offset, written) in Model)
        {
            if (offset < Log.LastStableOffset && written.Fate is Fate.Plain or Fate.Committed)
                expected[written.Key!] = written.Value;
        }

        // A tombstone may be gone, and then it is the same to have seen nothing.
        Assert.Equal(Lines(expected), Lines(seen));

        static IEnumerable<string> Lines(Dictionary<string, string?> values) =>
            values.Where(entry => entry.Value is not null).Select(entry => $"{entry.Key}={entry.Value}").Order(StringComparer.Ordinal);
    }

    private void AssertCompactedBelow(long cleanedTo, List<(long Offset, string? Key, string? Value, long TimeMs)> there)
    {
        var below = there.Where(record => record.Offset < cleanedTo).ToList();
        Assert.DoesNotContain(below, record => Model[record.Offset].Fate is Fate.Aborted or Fate.Open);
        Assert.Equal(below.Select(record => record.Key).Distinct(), below.Select(record => record.Key));
    }

    // Whoever reads a value must have the time to read of its end: it stays for delete.retention.ms after the first pass that met it.
    private void AssertTombstonesStay(List<(long Offset, string? Key, string? Value, long TimeMs)> there, bool hasJustCleaned)
    {
        var offsets = there.Select(record => record.Offset).ToHashSet();
        if (hasJustCleaned)
        {
            foreach (var offset in offsets.Where(offset => offset < Log.CleanedTo && Model[offset].Value is null))
                tombstonesSeenMs.TryAdd(offset, NowMs);
        }

        var last = new Dictionary<string, long>();
        foreach (var (offset, written) in Model)
        {
            if (written.Fate is Fate.Plain or Fate.Committed)
                last[written.Key!] = offset;
        }

        foreach (var offset in last.Values.Where(offset => Model[offset].Value is null && !offsets.Contains(offset)))
        {
            Assert.True(tombstonesSeenMs.TryGetValue(offset, out var seenMs), $"the tombstone at {offset} was gone at once");
            Assert.True(NowMs >= seenMs + Log.Config.DeleteRetentionMs);
        }
    }

    private static string? Text(NullableSpan bytes) => bytes.IsNull ? null : System.Text.Encoding.UTF8.GetString(bytes.Span);

    public enum Fate
    {
        Plain,
        Open,
        Committed,
        Aborted,
    }

    public sealed record Written(string? Key, string? Value, long TimeMs, Fate Fate);
}
