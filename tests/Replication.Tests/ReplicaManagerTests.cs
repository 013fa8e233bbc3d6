using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Replication.Tests;

/// <summary>What a node holds is what the metadata says it holds.</summary>
public sealed class ReplicaManagerTests : IAsyncLifetime
{
    private readonly Node node = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => node.DisposeAsync();

    [Fact]
    public void It_holds_the_partitions_that_have_a_replica_here_and_leads_those_it_is_told_to()
    {
        node.Tell(
            Node.Topic("a"),
            Node.Partition("a", 0),
            Node.Partition("a", 1, leader: Node.Other, replicas: [Node.Other, Node.Id]),
            Node.Partition("a", 2, leader: Node.Other, replicas: [Node.Other]));
        Assert.Equal(["a-0", "a-1"], node.Replicas.Partitions.Select(partition => partition.Name.ToString()).Order());
        Assert.Equal(["a-0 leads in 0"], node.Events);
        Assert.True(node.Replicas.TryGet(new TopicIdPartition(Node.TopicId("a"), 1), out var follower));
        Assert.False(follower.Leadership.IsLeader);
        Assert.Null(node.Logs.Find(new TopicPartition("a", 2)));
    }

    [Fact]
    public void Leadership_comes_and_goes_with_its_epochs()
    {
        node.Lead("a");
        node.Tell(Node.Partition("a", epoch: 1));
        node.Tell(Node.Partition("a", leader: Node.Other, epoch: 2, replicas: [Node.Id, Node.Other]));
        node.Tell(Node.Partition("a", leader: Node.Other, epoch: 3, replicas: [Node.Id, Node.Other]));
        node.Tell(Node.Partition("a", epoch: 4, replicas: [Node.Id, Node.Other]));
        Assert.Equal(["a-0 leads in 0", "a-0 leads in 1", "a-0 follows in 2", "a-0 leads in 4"], node.Events);
    }

    [Fact]
    public void A_deleted_topic_is_dropped_with_its_files_and_one_of_the_same_name_begins_anew()
    {
        var partition = node.Lead("a");
        partition.Append(Node.Batch("x"), AppendOrigin.Client, 1);
        var id = new Uuid(9, 999);
        node.Tell(
            new RemoveTopicRecord { TopicId = Node.TopicId("a") },
            new TopicRecord { Name = "a", TopicId = id },
            new PartitionRecord
            {
                PartitionId = 0,
                TopicId = id,
                Replicas = [Node.Id],
                Isr = [Node.Id],
                Leader = Node.Id,
                LeaderEpoch = 0,
                PartitionEpoch = 0,
                Directories = [Uuid.UnassignedDirectory],
            });
        Assert.Equal(["a-0 leads in 0", "a-0 removed", "a-0 leads in 0"], node.Events);
        Assert.NotSame(partition, node.Find("a"));
        Assert.Equal((id, 0), (node.Find("a").TopicId, node.Find("a").Log.LogEndOffset));
        Assert.False(node.Replicas.TryGet(new TopicIdPartition(Node.TopicId("a"), 0), out _));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.Append(Node.Batch("late"), AppendOrigin.Client, 1).Error);
    }

    [Fact]
    public void A_replica_that_is_moved_away_is_dropped()
    {
        node.Lead("a");
        node.Tell(Node.Partition("a", leader: Node.Other, epoch: 1, replicas: [Node.Other]));
        Assert.Empty(node.Replicas.Partitions);
        Assert.Null(node.Logs.Find(new TopicPartition("a", 0)));
    }

    [Fact]
    public void A_changed_configuration_reaches_the_logs_of_its_topic_and_no_other()
    {
        var (one, other) = (node.Lead("a"), node.Lead("b"));
        node.Tell(Node.Config("a", "max.message.bytes", "77"), Node.Config("a", "min.insync.replicas", "3"));
        Assert.Equal((77, 3), (one.Log.Config.MaxMessageBytes, one.MinInSyncReplicas));
        Assert.Equal(1_048_588, other.Log.Config.MaxMessageBytes);
        node.Tell(new ConfigRecord { ResourceType = 4, ResourceName = "", Name = "message.max.bytes", Value = "88" });
        Assert.Equal((77, 88), (one.Log.Config.MaxMessageBytes, other.Log.Config.MaxMessageBytes));
    }

    [Fact]
    public void A_node_that_stops_leads_nothing()
    {
        var partition = node.Lead("a");
        node.Replicas.Resign();
        Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.Append(Node.Batch("late"), AppendOrigin.Client, 1).Error);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, partition.CheckLeader(-1));
    }
}
