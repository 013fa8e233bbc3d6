using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>Which log directory a replica lies in, as its broker tells it (KIP-858).</summary>
public class DirectoriesTests
{
    private readonly Cluster cluster = new();

    public DirectoriesTests()
    {
        foreach (var id in (int[])[1, 2])
        {
            cluster.Register(id, request => request.LogDirs = [Cluster.Directory(id, 0), Cluster.Directory(id, 1)]);
            cluster.Heartbeat(id);
        }

        cluster.CreateTopic("one", partitions: 2, replicas: 1);
        cluster.CreateTopic("two", partitions: 1, replicas: 2);
    }

    [Fact]
    public void A_directory_is_noted_once_and_changes_no_leadership()
    {
        var leader = cluster.Partition("two").Leader;
        Assert.Equal(Uuid.UnassignedDirectory, cluster.Partition("two").DirectoryOf(leader));
        Assert.Equal(ErrorCode.None, Assign(leader, Cluster.Directory(leader, 1), "two", 0));
        var record = Assert.IsType<PartitionChangeRecord>(Assert.Single(cluster.Records));
        Assert.Equal((-2, null), (record.Leader, record.Isr));
        Assert.Equal(Cluster.Directory(leader, 1), cluster.Partition("two").DirectoryOf(leader));
        Assert.Equal(Uuid.UnassignedDirectory, cluster.Partition("two").DirectoryOf(3 - leader));
        Assert.Equal((0, 1), (cluster.Partition("two").LeaderEpoch, cluster.Partition("two").PartitionEpoch));

        Assert.Equal(ErrorCode.None, Assign(leader, Cluster.Directory(leader, 1), "two", 0));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void A_directory_that_is_lost_takes_what_is_noted_for_it_and_nothing_else()
    {
        var (leader, other) = (cluster.Partition("one", 0).Leader, cluster.Partition("one", 1).Leader);
        Assign(leader, Cluster.Directory(leader, 0), "one", 0);
        Assign(other, Cluster.Directory(other, 1), "one", 1);
        cluster.Heartbeat(leader, offline: Cluster.Directory(leader, 0));
        Assert.Equal(-1, cluster.Partition("one", 0).Leader);
        Assert.Equal(other, cluster.Partition("one", 1).Leader);
        Assert.Equal([Cluster.Directory(leader, 1)], cluster.Image.Brokers[leader].Directories);
    }

    [Fact]
    public void News_of_a_directory_that_is_lost_already_takes_the_leadership()
    {
        var leader = cluster.Partition("one", 0).Leader;
        cluster.Heartbeat(leader, offline: Cluster.Directory(leader, 0));
        Assert.Equal(leader, cluster.Partition("one", 0).Leader); // nobody knows yet where it lies
        Assert.Equal(ErrorCode.None, Assign(leader, Cluster.Directory(leader, 0), "one", 0));
        Assert.Equal(-1, cluster.Partition("one", 0).Leader);

        var two = cluster.Partition("two").Leader;
        cluster.Heartbeat(two, offline: Cluster.Directory(two, 0));
        Assert.Equal(ErrorCode.None, Assign(two, Cluster.Directory(two, 0), "two", 0));
        Assert.Equal(3 - two, cluster.Partition("two").Leader);
    }

    [Fact]
    public void Who_had_moved_out_of_a_directory_that_is_lost_leads_again()
    {
        var leader = cluster.Partition("one", 0).Leader;
        Assign(leader, Cluster.Directory(leader, 0), "one", 0);
        cluster.Heartbeat(leader, offline: Cluster.Directory(leader, 0)); // nobody knows yet that it is in the other one
        Assert.Equal(-1, cluster.Partition("one", 0).Leader);
        Assert.Equal(ErrorCode.None, Assign(leader, Cluster.Directory(leader, 1), "one", 0));
        Assert.Equal((leader, 2), (cluster.Partition("one", 0).Leader, cluster.Partition("one", 0).LeaderEpoch));
    }

    [Fact]
    public void Who_asks_wrongly_is_told()
    {
        var leader = cluster.Partition("one", 0).Leader;
        Assert.Equal(ErrorCode.NotLeaderOrFollower, Assign(3 - leader, Cluster.Directory(3 - leader), "one", 0));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assign(leader, Cluster.Directory(leader), "one", 7));
        Assert.Equal(ErrorCode.UnknownTopicId, Assign(leader, Cluster.Directory(leader), new Uuid(7, 7), 0));
        Assert.Equal(ErrorCode.StaleBrokerEpoch, Ask(leader, epoch: 0, Cluster.Directory(leader), new Uuid(7, 7), 0).ErrorCode);
        Assert.Equal(ErrorCode.BrokerIdNotRegistered, Ask(9, epoch: 0, Cluster.Directory(leader), new Uuid(7, 7), 0).ErrorCode);
        Assert.Empty(cluster.Records);
    }

    private ErrorCode Assign(int broker, Uuid directory, string topic, int partition) =>
        Assign(broker, directory, cluster.Image.Topics.ByName[topic].Id, partition);

    private ErrorCode Assign(int broker, Uuid directory, Uuid topic, int partition)
    {
        var response = Ask(broker, cluster.Image.Brokers[broker].Epoch, directory, topic, partition);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return Assert.Single(Assert.Single(Assert.Single(response.Directories).Topics).Partitions).ErrorCode;
    }

    private AssignReplicasToDirsResponse Ask(int broker, long epoch, Uuid directory, Uuid topic, int partition) =>
        cluster.Do(cluster.Controller.AssignReplicasToDirs(cluster.Image, new AssignReplicasToDirsRequest
        {
            BrokerId = broker,
            BrokerEpoch = epoch,
            Directories = [new() { Id = directory, Topics = [new() { TopicId = topic, Partitions = [new() { PartitionIndex = partition }] }] }],
        }));
}
