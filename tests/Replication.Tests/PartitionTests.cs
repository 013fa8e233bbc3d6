using Milena.Protocol;
using Milena.Protocol.Records;
using Milena.Storage;

namespace Milena.Replication.Tests;

/// <summary>A partition's leadership and its high watermark.</summary>
public sealed class PartitionTests : IAsyncLifetime
{
    private readonly Node node = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => node.DisposeAsync();

    [Fact]
    public void With_one_in_sync_replica_the_high_watermark_is_the_logs_end()
    {
        var partition = node.Lead();
        Assert.Equal(0, partition.HighWatermark);
        Assert.Equal(ErrorCode.None, partition.Append(Node.Batch("a", "b"), AppendOrigin.Client, acks: 1).Error);
        Assert.Equal((2, 2), (partition.HighWatermark, partition.Log.LogEndOffset));
    }

    [Fact]
    public void With_another_in_sync_replica_it_stays_until_that_has_the_records()
    {
        node.Tell(Node.Topic("t"), Node.Partition("t", replicas: [Node.Id, Node.Other]));
        var partition = node.Find("t");
        partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: 1);
        Assert.Equal((0, 1), (partition.HighWatermark, partition.Log.LogEndOffset));
        var read = partition.Read(new(0, 1000, MinOneBatch: true, IsCommitted: false));
        Assert.Equal((ErrorCode.None, 0), (read.Error, read.Bytes)); // between the two there is nothing to see, and nothing wrong

        node.Tell(Node.Partition("t", epoch: 1, replicas: [Node.Id, Node.Other], isr: [Node.Id]));
        Assert.Equal(1, partition.HighWatermark);
    }

    [Fact]
    public void Acks_of_all_need_enough_in_sync_replicas_before_anything_is_written()
    {
        node.Tell(
            Node.Topic("t"),
            Node.Config("t", "min.insync.replicas", "2"),
            Node.Partition("t", replicas: [Node.Id, Node.Other], isr: [Node.Id]));
        var partition = node.Find("t");
        Assert.Equal(ErrorCode.NotEnoughReplicas, partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: -1).Error);
        Assert.Equal(0, partition.Log.LogEndOffset);
        Assert.Equal(ErrorCode.None, partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: 1).Error);
        node.Tell(Node.Config("t", "min.insync.replicas", "1"));
        Assert.Equal(ErrorCode.None, partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: -1).Error);
    }

    [Fact]
    public void No_more_in_sync_replicas_are_asked_for_than_there_are_replicas()
    {
        node.Tell(Node.Topic("t"), Node.Config("t", "min.insync.replicas", "5"), Node.Partition("t"));
        Assert.Equal(ErrorCode.None, node.Find("t").Append(Node.Batch("a"), AppendOrigin.Client, acks: -1).Error);
    }

    [Fact]
    public void Who_does_not_lead_neither_takes_nor_gives()
    {
        node.Tell(Node.Topic("t"), Node.Partition("t", leader: Node.Other, replicas: [Node.Other, Node.Id]));
        var partition = node.Find("t");
        Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: 1).Error);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.Read(new(0, 1000, MinOneBatch: true, IsCommitted: false)).Error);
    }

    [Fact]
    public void Readers_are_fenced_by_the_epoch_they_believe_in()
    {
        node.Tell(Node.Topic("t"), Node.Partition("t", epoch: 5));
        var partition = node.Find("t");
        Assert.Equal(
            [ErrorCode.None, ErrorCode.FencedLeaderEpoch, ErrorCode.FencedLeaderEpoch, ErrorCode.None, ErrorCode.UnknownLeaderEpoch],
            new[] { -1, 0, 4, 5, 6 }.Select(partition.CheckLeader));
        node.Tell(Node.Partition("t", leader: -1, epoch: 6));
        Assert.Equal(
            [ErrorCode.NotLeaderOrFollower, ErrorCode.FencedLeaderEpoch, ErrorCode.NotLeaderOrFollower],
            new[] { -1, 5, 6 }.Select(partition.CheckLeader));
    }

    [Fact]
    public void A_new_epoch_begins_at_the_logs_end_and_what_was_on_its_way_in_the_old_one_is_refused()
    {
        var partition = node.Lead();
        partition.Append(Node.Batch("a", "b"), AppendOrigin.Client, acks: 1);
        node.Tell(Node.Partition("t", epoch: 3));
        Assert.Equal(new EpochEnd(0, 2), partition.Log.Epochs.EndOf(0));
        Assert.Equal(new EpochEnd(3, 2), partition.Log.Epochs.EndOf(3));

        Assert.Equal(
            ErrorCode.NotLeaderOrFollower, partition.Log.AppendAsLeader(Node.Batch("late"), leaderEpoch: 0, AppendOrigin.Client).Error);
        Assert.Equal(2, partition.Append(Node.Batch("c"), AppendOrigin.Client, acks: 1).BaseOffset);
        var read = partition.Read(new(2, 1000, MinOneBatch: true, IsCommitted: false));
        Assert.Equal(3, new RecordBatchView(read.Records.ToArray()).PartitionLeaderEpoch);
    }

    [Fact]
    public async Task Epochs_never_fall_from_batch_to_batch_whoever_writes_meanwhile()
    {
        var partition = node.Lead();
        using var go = new Barrier(2);
        var writing = Task.Run(() =>
        {
            go.SignalAndWait();
            for (var i = 0; i < 2000; i++)
                partition.Append(Node.Batch("a"), AppendOrigin.Client, acks: 1);
        });
        go.SignalAndWait();
        for (var epoch = 1; !writing.IsCompleted; epoch++)
            partition.SetLeadership(partition.Leadership with { LeaderEpoch = epoch });
        await writing;

        var last = 0;
        var records = partition.Read(new(0, int.MaxValue, MinOneBatch: true, IsCommitted: false)).Records.ToArray();
        foreach (var batch in RecordBatches.Enumerate(records))
        {
            Assert.True(batch.PartitionLeaderEpoch >= last);
            Assert.Equal(batch.PartitionLeaderEpoch, partition.Log.Epochs.EpochAt(batch.BaseOffset));
            last = batch.PartitionLeaderEpoch;
        }
    }

    [Fact]
    public void A_reader_that_diverged_is_told_where_and_gets_nothing()
    {
        var partition = node.Lead();
        partition.Append(Node.Batch("a", "b"), AppendOrigin.Client, acks: 1);
        node.Tell(Node.Partition("t", epoch: 4));
        partition.Append(Node.Batch("c"), AppendOrigin.Client, acks: 1);

        var beyond = Read(offset: 3, lastEpoch: 0);
        Assert.Equal((ErrorCode.None, 0, 2L, 0), (beyond.Error, beyond.DivergingEpoch, beyond.DivergingEndOffset, beyond.Bytes));
        var between = Read(offset: 3, lastEpoch: 2);
        Assert.Equal((ErrorCode.None, 0, 2L), (between.Error, between.DivergingEpoch, between.DivergingEndOffset));
        Assert.Equal((ErrorCode.None, -1), (Read(offset: 2, lastEpoch: 0).Error, Read(offset: 2, lastEpoch: 0).DivergingEpoch));
        Assert.Equal(ErrorCode.OffsetOutOfRange, Read(offset: 3, lastEpoch: 5).Error);
        Assert.True(beyond.AnswersAtOnce);

        PartitionRead Read(long offset, int lastEpoch) =>
            partition.Read(new(offset, 1000, MinOneBatch: true, IsCommitted: false, LastFetchedEpoch: lastEpoch));
    }

    [Fact]
    public void Records_are_deleted_up_to_the_high_watermark_where_the_policy_deletes_at_all()
    {
        var partition = node.Lead();
        partition.Append(Node.Batch("a", "b"), AppendOrigin.Client, acks: 1);
        Assert.Equal(
            [ErrorCode.OffsetOutOfRange, ErrorCode.OffsetOutOfRange, ErrorCode.None, ErrorCode.None],
            new[] { -1L, 3, 1, 0 }.Select(partition.DeleteRecordsBefore));
        Assert.Equal(1, partition.Log.LogStartOffset);
        node.Tell(Node.Config("t", "cleanup.policy", "compact"));
        Assert.Equal(ErrorCode.PolicyViolation, partition.DeleteRecordsBefore(2));
    }
}
