using Milena.Protocol.Messages;
using System.Globalization;
using Milena.Protocol.Compression;
using Milena.Protocol.Records;

namespace Milena.Protocol.Tests.Records;

/// <summary>The recorded batches of Apache Kafka decode, and those that are not compressed encode again to the same bytes.</summary>
public class RecordVectorTests
{
    private const long T = 1_700_000_000_000;

    private static readonly TestRecord[] ThreeRecords =
    [
        new(0, T, "k1", "value-1", "h=x;nul=null;"),
        new(1, T + 5, null, "v2"),
        new(2, T + 7, "k1", null),
    ];

    [Theory]
    [InlineData("batch.v2.plain", CompressionCodec.None)]
    [InlineData("batch.v2.txn", CompressionCodec.None)]
    [InlineData("batch.v2.gzip", CompressionCodec.Gzip)]
    [InlineData("batch.v2.snappy", CompressionCodec.Snappy)]
    [InlineData("batch.v2.lz4", CompressionCodec.Lz4)]
    [InlineData("batch.v2.zstd", CompressionCodec.Zstd)]
    public void A_batch_decodes_to_its_records(string id, CompressionCodec codec)
    {
        var batch = new RecordBatchView(Vectors.Bytes(id));
        Assert.True(batch.IsValidCrc);
        Assert.Equal(codec, batch.Codec);
        var baseOffset = batch.BaseOffset;
        Assert.Equal(ThreeRecords.Select(record => record with { Offset = baseOffset + record.Offset }), TestRecord.All(batch));
    }

    [Theory]
    [InlineData("batch.v2.plain")]
    [InlineData("batch.v2.txn")]
    [InlineData("control.commit")]
    [InlineData("control.abort")]
    [InlineData("control.leaderchange")]
    [InlineData("control.snapshotheader")]
    [InlineData("control.snapshotfooter")]
    [InlineData("control.kraftversion")]
    [InlineData("control.voters")]
    public void An_uncompressed_batch_encodes_to_the_same_bytes(string id) => AssertSameBytes(Vectors.Bytes(id));

    [Fact]
    public void Markers_of_transactions_are_written_and_read()
    {
        using var builder = new RecordBatchBuilder();
        foreach (var commit in new[] { true, false })
        {
            ControlRecordBatch.WriteMarker(
                builder, commit, producerId: 4000, producerEpoch: 3, coordinatorEpoch: 9, timestampMs: T, baseOffset: 42, leaderEpoch: 2);
            var bytes = builder.Build();
            Assert.Equal(Vectors.Bytes(commit ? "control.commit" : "control.abort"), bytes.ToArray());
            Assert.Equal(ControlRecordBatch.MarkerBatchBytes, bytes.Length);
            Assert.True(ControlRecordBatch.TryReadMarker(new(bytes.Span), out var committed, out var epoch));
            Assert.Equal(commit, committed);
            Assert.Equal(9, epoch);
        }

        Assert.False(ControlRecordBatch.TryReadMarker(new(Vectors.Bytes("batch.v2.txn")), out _, out _));
        Assert.False(ControlRecordBatch.TryReadMarker(new(Vectors.Bytes("control.voters")), out _, out _));
    }

    [Theory]
    [InlineData("control.leaderchange", ControlRecordType.LeaderChange, 10)]
    [InlineData("control.snapshotheader", ControlRecordType.SnapshotHeader, 0)]
    [InlineData("control.snapshotfooter", ControlRecordType.SnapshotFooter, 5)]
    [InlineData("control.kraftversion", ControlRecordType.KRaftVersion, 1)]
    [InlineData("control.voters", ControlRecordType.KRaftVoters, 2)]
    public void Control_batches_of_the_quorum_are_written_and_read(string id, ControlRecordType type, long offset)
    {
        var bytes = Vectors.Bytes(id);
        var records = new RecordBatchView(bytes).ReadRecords(bytes.AsSpan(RecordBatchHeader.Size));
        Assert.True(records.MoveNext());
        Assert.Equal(type, ControlRecordBatch.TypeOf(records.Current));

        using var builder = new RecordBatchBuilder();
        ControlRecordBatch.WriteKRaft(builder, [new(type, records.Current.Value.ToArray())], offset, leaderEpoch: 4, T);
        Assert.Equal(bytes, builder.Build().ToArray());
    }

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    public void Message_sets_of_both_old_formats_decode(string codec)
    {
        var old = TestRecord.AllOf(Vectors.Bytes($"msgset.v0.{codec}"));
        Assert.Equal([new(5, -1, "k1", "value-1"), new(6, -1, null, "v2")], old);
        var newer = TestRecord.AllOf(Vectors.Bytes($"msgset.v1.{codec}"));
        Assert.Equal([new(5, T, "k1", "value-1"), new(6, T + 5, null, "v2")], newer);
    }

    [Fact]
    public void The_segments_of_a_recorded_log_decode_as_described_and_encode_to_the_same_bytes()
    {
        var rows = Vectors.Rows("log-vectors.tsv").ToList();
        var files = rows.Where(row => row[0] == "file" && row[2].Contains(".log", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, files.Count);
        foreach (var file in files)
        {
            var stage = file[1] == "golden" ? "written" : "3-after-delete-horizon";
            var segment = rows.FindIndex(row => row is ["segment", var c, var s, var o, ..] && c == file[1] && s == stage && file[2].StartsWith(o.PadLeft(20, '0'), StringComparison.Ordinal));
            var described = rows.Skip(segment + 1).TakeWhile(row => row[0] == "batch").Select(row => $"{row[3]}\t{row[4]}");
            var actual = new List<string>();
            foreach (var batch in RecordBatches.Enumerate(Convert.FromHexString(file[4])))
            {
                Assert.True(batch.IsValidCrc);
                actual.Add(Describe(batch));
                AssertSameBytes(batch.Bytes);
            }

            Assert.Equal(described, actual);
        }
    }

    [Fact]
    public void The_checkpoints_of_formatted_directories_decode_and_encode_to_the_same_bytes()
    {
        var files = Vectors.Rows("formatted-dirs.tsv").Where(row => row[2].EndsWith(".checkpoint", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, files.Count);
        foreach (var file in files)
        {
            var bytes = Convert.FromHexString(file[4]);
            var batches = RecordBatches.Enumerate(bytes);
            while (batches.MoveNext())
            {
                Assert.True(batches.Current.IsValidCrc);
                AssertSameBytes(batches.Current.Bytes);
            }

            Assert.Equal(BatchRunEnd.Complete, batches.End);
            Assert.Equal(ControlRecordType.SnapshotHeader, FirstType(bytes));
        }

        static ControlRecordType FirstType(ReadOnlySpan<byte> bytes)
        {
            var batch = new RecordBatchView(bytes);
            var records = batch.ReadRecords(batch.RecordsData);
            Assert.True(records.MoveNext());
            return ControlRecordBatch.TypeOf(records.Current);
        }
    }

    [Fact]
    public void Numbers_are_encoded_as_recorded()
    {
        foreach (var row in Vectors.All("varint.zigzag").Concat(Vectors.All("varlong.zigzag")))
        {
            var value = long.Parse(row[1], CultureInfo.InvariantCulture);
            var bytes = Convert.FromHexString(row[3]);
            var written = new byte[Varint.Size(value)];
            Assert.Equal(written.Length, Varint.Write(written, value));
            Assert.Equal(bytes, written);
            var position = 0;
            Assert.Equal(value, row[0] == "varint.zigzag" ? Varint.ReadInt32(bytes, ref position) : Varint.ReadInt64(bytes, ref position));
            Assert.Equal(bytes.Length, position);
        }
    }

    private static void AssertSameBytes(ReadOnlySpan<byte> bytes)
    {
        var batch = new RecordBatchView(bytes);
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Of(batch));
        foreach (var record in batch.ReadRecords(batch.RecordsData))
            builder.AppendAt(record.Offset, record);
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(builder.Build().Span));
    }

    private static string Describe(RecordBatchView batch)
    {
        var records = new List<string>();
        foreach (var record in batch.ReadRecords(batch.RecordsData))
        {
            var what = batch.IsControl
                ? ControlRecordBatch.TypeOf(record).ToString().ToUpperInvariant()
                : $"{Text(record.Key)}={Text(record.Value)}";
            records.Add($"{record.Offset}@{record.TimestampMs - T} {what}");
        }

        var horizon = batch.DeleteHorizon is { } ms ? $"T+{ms - T}" : "none";
        return $"base={batch.BaseOffset} last={batch.LastOffset} count={batch.RecordCount} epoch={batch.PartitionLeaderEpoch} "
            + $"pid={batch.ProducerId} pe={batch.ProducerEpoch} seq={batch.BaseSequence} txn={Lower(batch.IsTransactional)} control={Lower(batch.IsControl)} "
            + $"maxTs=T+{batch.MaxTimestamp - T} deleteHorizon={horizon} size={batch.SizeInBytes}\t{string.Join(" ; ", records)}";

        static string Text(NullableSpan bytes) => bytes.IsNull ? "-" : System.Text.Encoding.UTF8.GetString(bytes.Span);
        static string Lower(bool value) => value ? "true" : "false";
    }
}
