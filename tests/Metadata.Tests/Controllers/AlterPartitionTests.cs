using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>AlterPartition, check by check in Kafka's order.</summary>
public class AlterPartitionTests
{
    private readonly Cluster cluster = new Cluster().WithBrokers(1, 2, 3);

    public AlterPartitionTests() => cluster.Create(Assigned("t", (0, [1, 2, 3])));

    [Fact]
    public void A_leader_shrinks_and_expands_its_isr_without_a_new_epoch()
    {
        Assert.Equal(ErrorCode.None, Alter([1]));
        Assert.Equal([1], cluster.Partition("t").Isr);
        Assert.Equal((0, 1), (cluster.Partition("t").LeaderEpoch, cluster.Partition("t").PartitionEpoch));
        Assert.Empty(cluster.Partition("t").EligibleLeaders); // one replica is as many as the minimum
        Assert.Equal(ErrorCode.None, Alter([1, 3]));
        Assert.Equal([1, 3], cluster.Partition("t").Isr);
    }

    [Fact]
    public void Who_leaves_an_isr_below_the_minimum_stays_eligible()
    {
        cluster.Create(new CreateTopicsRequest.CreatableTopic
        {
            Name = "safe", NumPartitions = -1, ReplicationFactor = -1,
            Assignments = [new() { PartitionIndex = 0, BrokerIds = [1, 2, 3] }],
            Configs = [new() { Name = "min.insync.replicas", Value = "2" }],
        });
        Assert.Equal(ErrorCode.None, Alter([1], "safe"));
        Assert.Equal([2, 3], cluster.Partition("safe").EligibleLeaders);
        cluster.Heartbeat(1, wantFence: true);
        Assert.Equal((2, 1), (cluster.Partition("safe").Leader, cluster.Partition("safe").LeaderEpoch));
        Assert.Equal([2], cluster.Partition("safe").Isr);
        Assert.Equal([1, 3], cluster.Partition("safe").EligibleLeaders.Order());
        Assert.Equal(ErrorCode.None, Alter([2, 3], "safe"));
        Assert.Empty(cluster.Partition("safe").EligibleLeaders);
    }

    [Fact]
    public void Nothing_to_change_is_no_record()
    {
        Assert.Equal(ErrorCode.None, Alter([1, 2, 3]));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Checks()
    {
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Alter([1], change: (_, partition) => partition.PartitionIndex = 7));
        Assert.Equal(ErrorCode.NotController, Alter([1], change: (_, partition) => partition.LeaderEpoch = 9));
        Assert.Equal(ErrorCode.NotController, Alter([1], change: (_, partition) => partition.PartitionEpoch = 9));
        Assert.Equal(ErrorCode.FencedLeaderEpoch, Alter([1], change: (_, partition) => partition.LeaderEpoch = -1));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([1], change: (request, _) => (request.BrokerId, request.BrokerEpoch) = (2, cluster.Image.Brokers[2].Epoch)));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, Alter([1], change: (_, partition) => partition.PartitionEpoch = -1));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([2, 3]));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([1, 9]));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([1, 1]));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([1, 2], change: (_, partition) => partition.LeaderRecoveryState = 1));
        Assert.Equal(ErrorCode.InvalidRequest, Alter([1], change: (_, partition) => partition.LeaderRecoveryState = 1));
        Assert.Equal(ErrorCode.IneligibleReplica, Alter([1, 2], change: (_, partition) => partition.NewIsrWithEpochs[1].BrokerEpoch++));
        Assert.Equal(ErrorCode.None, Alter([1, 2], change: (_, partition) => partition.NewIsrWithEpochs[1].BrokerEpoch = -1));
        Assert.Equal(ErrorCode.StaleBrokerEpoch, Alter([1], change: (request, _) => request.BrokerEpoch++));
        cluster.Heartbeat(3, wantFence: true);
        Assert.Equal(ErrorCode.IneligibleReplica, Alter([1, 3]));
        Assert.Equal(ErrorCode.UnknownTopicId, Alter([1], change: (request, _) => request.Topics[0].TopicId = new Uuid(3, 3)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Alter([1], change: (request, _) => (request.Topics[0].TopicId, request.Topics[0].TopicName) = (Uuid.Zero, "x")));
    }

    private ErrorCode Alter(int[] isr, string topic = "t", Action<AlterPartitionRequest, AlterPartitionRequest.PartitionData>? change = null)
    {
        var partition = cluster.Partition(topic);
        var data = new AlterPartitionRequest.PartitionData
        {
            PartitionIndex = 0,
            LeaderEpoch = partition.LeaderEpoch,
            PartitionEpoch = partition.PartitionEpoch,
            NewIsrWithEpochs = [.. isr.Select(id => new AlterPartitionRequest.BrokerState
            {
                BrokerId = id, BrokerEpoch = cluster.Image.Brokers.TryGetValue(id, out var broker) ? broker.Epoch : 0,
            })],
        };
        var request = new AlterPartitionRequest
        {
            BrokerId = partition.Leader,
            BrokerEpoch = cluster.Image.Brokers[partition.Leader].Epoch,
            Topics = [new() { TopicId = cluster.Image.Topics.ByName[topic].Id, Partitions = [data] }],
        };
        change?.Invoke(request, data);
        var response = cluster.Do(cluster.Controller.AlterPartition(cluster.Image, request));
        return response.ErrorCode != ErrorCode.None ? response.ErrorCode : response.Topics[0].Partitions[0].ErrorCode;
    }
}
