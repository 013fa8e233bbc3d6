using System.Globalization;
using Milena.Protocol;
using Milena.Protocol.Records;
using static Milena.Storage.Tests.LogFixture;

namespace Milena.Storage.Tests.Compaction;

/// <summary>Apache Kafka's cleaner and ours, given the same log and clock, leave the same batches, and in the end the same bytes.</summary>
public class CompactionVectorTests
{
    [Fact]
    public void Three_passes_leave_what_Kafkas_leave()
    {
        using var logs = new LogFixture(LogConfig.Default with
        {
            CleanupPolicy = CleanupPolicy.Compact,
            DeleteRetentionMs = 1_000_000,
            MinCleanableDirtyRatio = 0.01,
            TimestampAfterMaxMs = long.MaxValue,
        });
        var log = logs.Log;
        log.Append(Keyed((T, "a", "1"), (T + 1, "b", "1"), (T + 2, "a", "2")));
        log.Append(Keyed((T + 3, "c", "1"), (T + 4, "b", null)));
        log.Append(Batches.Idempotent(21, 0, 0, (T + 5, "x", "1"), (T + 6, "x", "2")));
        log.Append(Batches.Idempotent(21, 0, 2, (T + 7, "x", "3")));
        log.AppendToNewSegment(Keyed((T + 8, "a", "3"), (T + 9, "d", "1")), epoch: 1);
        log.Append(Batches.Transactional(22, 0, 0, (T + 10, "t", "aborted")), epoch: 1);
        log.Append(Batches.Marker(commit: false, 22, 0, 7, T + 11), epoch: 1, AppendOrigin.Coordinator);
        log.Append(
            Batches.Keyed(
                RecordBatchOptions.Default with { ProducerId = 22, ProducerEpoch = 0, BaseSequence = 1, IsTransactional = true },
                (T + 12, "t", "committed"), (T + 13, "u", null)),
            epoch: 1);
        log.Append(Batches.Marker(commit: true, 22, 0, 7, T + 14), epoch: 1, AppendOrigin.Coordinator);
        log.AppendToNewSegment(Keyed((T + 15, "a", "4")), epoch: 1);
        AssertIs("0-written", log);

        Assert.Equal(1, logs.Clean());
        AssertIs("1-first-clean", log);

        log.Append(Keyed((T + 16, "d", "2")), epoch: 1);
        log.AppendToNewSegment(Keyed((T + 17, "z", "1")), epoch: 1);
        logs.Time.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(T + 61_000));
        Assert.Equal(1, logs.Clean());
        AssertIs("2-second-clean-before-horizon", log);

        log.Append(Keyed((T + 18, "d", "3")), epoch: 1);
        log.AppendToNewSegment(Keyed((T + 19, "z", "2")), epoch: 1);
        logs.Time.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(T + 2_122_000));
        Assert.Equal(1, logs.Clean());
        AssertIs("3-after-delete-horizon", log);

        foreach (var row in Vectors.Compaction.Where(row => row[0] == "file"))
            Assert.Equal(row[4], Convert.ToHexStringLower(logs.File(row[2].Split(' ')[0])));
        Assert.Equal("0\n1\nfoo 0 19\n", System.Text.Encoding.UTF8.GetString(logs.Disk.Contents[$"{Root}/cleaner-offset-checkpoint"]));
    }

    private static byte[] Keyed(params (long Time, string? Key, string? Value)[] records) => Batches.Keyed(RecordBatchOptions.Default, records);

    private static void AssertIs(string stage, PartitionLog log)
    {
        var expected = Vectors.Compaction
            .Where(row => row[2] == stage && row[0] is "segment" or "batch")
            .Select(row => row[0] == "segment" ? $"segment {row[3]} {row[4]}" : $"{row[3]}\t{row[4]}");
        Assert.Equal(expected, log.AllSegments.SelectMany(Describe));
    }

    private static IEnumerable<string> Describe(LogSegment segment)
    {
        var bytes = new byte[segment.Size];
        segment.File.ReadExactly(0, bytes);
        var lines = new List<string> { $"segment {segment.BaseOffset} bytes={segment.Size}" };
        foreach (var batch in RecordBatches.Enumerate(bytes))
        {
            Assert.True(batch.IsValidCrc);
            var records = new List<string>();
            foreach (var record in batch.ReadRecords(batch.RecordsData))
            {
                records.Add(
                    batch.IsControl
                        ? $"{record.Offset}@{record.TimestampMs - T} {ControlRecordBatch.TypeOf(record).ToString().ToUpperInvariant()}"
                        : $"{record.Offset}@{record.TimestampMs - T} {Text(record.Key)}={Text(record.Value)}");
            }

            var horizon = batch.DeleteHorizon is { } at ? $"T+{at - T}" : "none";
            lines.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"base={batch.BaseOffset} last={batch.LastOffset} count={batch.RecordCount} epoch={batch.PartitionLeaderEpoch} pid={batch.ProducerId}"
                + $" pe={batch.ProducerEpoch} seq={batch.BaseSequence} txn={(batch.IsTransactional ? "true" : "false")}"
                + $" control={(batch.IsControl ? "true" : "false")} maxTs=T+{batch.MaxTimestamp - T} deleteHorizon={horizon}"
                + $" size={batch.SizeInBytes}\t{string.Join(" ; ", records)}"));
        }

        return lines;
    }

    private static string Text(NullableSpan bytes) => bytes.IsNull ? "-" : System.Text.Encoding.UTF8.GetString(bytes.Span);
}
