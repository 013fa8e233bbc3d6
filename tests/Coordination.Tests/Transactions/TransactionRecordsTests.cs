using System.Runtime.CompilerServices;
using Milena.Common;
using Milena.Coordination.Tests.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>The records have the bytes that Apache Kafka's have; the vectors were recorded from its classes.</summary>
public class TransactionRecordsTests
{
    private const long StartMs = 1_700_000_000_000;

    [Fact]
    public void The_key_is_the_transactional_id() =>
        Assert.Equal(Recorded("record.txn.key"), Hex(TransactionRecords.WriteKey(new TransactionLogKey { TransactionalId = "tx-1" })));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Values_are_written_as_the_level_of_transaction_version_wants_them(short level)
    {
        var version = Transaction.ValueVersion(level);

        Assert.Equal(Recorded($"record.txn.value.tv{level}"), Hex(TransactionRecords.WriteValue(Ongoing(level).ToValue(version), version)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Values_of_every_version_are_replayed(short level)
    {
        var value = (TransactionLogValue)TransactionRecords.ReadValue(0, Convert.FromHexString(Recorded($"record.txn.value.tv{level}")))!;

        var read = Transaction.Of("tx-1", value);

        Assert.Equal((4_000, (short)3, 60_000, TransactionStatus.Ongoing), (read.ProducerId, read.Epoch, read.TimeoutMs, read.Status));
        Assert.Equal([new TopicPartition("t1", 0)], read.Partitions.ToArray());
        Assert.Equal((StartMs, StartMs + 1, level), (read.StartMs, read.LastUpdateMs, read.ClientVersion));
        Assert.Equal((-1, -1), (read.PreviousProducerId, read.NextProducerId));
    }

    [Fact]
    public void Ids_before_and_after_are_in_flexible_values_alone()
    {
        var rotating = Ongoing(2) with { PreviousProducerId = 5, NextProducerId = 6 };

        var flexible = (TransactionLogValue)TransactionRecords.ReadValue(0, TransactionRecords.WriteValue(rotating.ToValue(1), 1))!;
        var old = (TransactionLogValue)TransactionRecords.ReadValue(0, TransactionRecords.WriteValue(rotating.ToValue(0), 0))!;

        Assert.Equal((5, 6, (short)2), (flexible.PreviousProducerId, flexible.NextProducerId, flexible.ClientTransactionVersion));
        Assert.Equal((-1, -1, (short)0), (old.PreviousProducerId, old.NextProducerId, old.ClientTransactionVersion));
    }

    [Fact]
    public void An_empty_id_has_no_list_of_partitions() =>
        Assert.Null((Ongoing(2) with { Status = TransactionStatus.Empty, Partitions = Transaction.NoPartitions }).ToValue(1).TransactionPartitions);

    [Theory]
    [InlineData(-1)]
    [InlineData(8)]
    public void A_state_that_does_not_exist_is_damage(sbyte status) =>
        Assert.Throws<MalformedMessageException>(() => Transaction.Of("x", new TransactionLogValue { TransactionStatus = status }));

    [Fact]
    public async Task Batches_are_replayed_and_unknown_records_passed_over()
    {
        var log = new InMemoryLog();
        var records = new TransactionRecordLog(log, TimeProvider.System, () => 2);
        records.Append([TransactionRecord.Of(Ongoing(2)), new TransactionRecord("gone", null)]);
        using var builder = new RecordBatchBuilder();
        builder.Append(0, new byte[] { 0x7f, 0x00, 1, 2, 3 }, new byte[] { 0, 0 });
        log.Append(builder.Build());

        var read = new List<TransactionRecord>();
        await foreach (var piece in TransactionRecordLog.Replay(log.Read(log.EndOffset)))
            read.AddRange(piece);

        Assert.Equal(["tx-1", "gone"], read.Select(record => record.TransactionalId));
        Assert.Null(read[1].Transaction);
        Assert.Equal([new TopicPartition("t1", 0)], read[0].Transaction!.Partitions.ToArray());
        Assert.Equal(["tx-1"], TransactionsState.Apply(TransactionsState.Empty, read).Transactions.Keys);
    }

    private static Transaction Ongoing(short clientVersion) => new("tx-1", 4_000)
    {
        Epoch = 3,
        TimeoutMs = 60_000,
        Status = TransactionStatus.Ongoing,
        Partitions = Transaction.NoPartitions.Add(new TopicPartition("t1", 0)),
        StartMs = StartMs,
        LastUpdateMs = StartMs + 1,
        ClientVersion = clientVersion,
    };

    private static string Recorded(string name, [CallerFilePath] string thisFile = "") =>
        File.ReadLines(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "vectors", "transaction-records.tsv"))
            .Select(line => line.Split('\t'))
            .Single(columns => columns[0] == name)[3];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
