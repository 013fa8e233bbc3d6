using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>Elections that somebody asks for (KIP-460).</summary>
public class ElectLeadersTests
{
    private const sbyte Preferred = 0;
    private const sbyte Unclean = 1;

    private readonly Cluster cluster = new Cluster(withEligibleLeaders: false).WithBrokers(1, 2, 3);

    public ElectLeadersTests() => cluster.Create(Assigned("t", (0, [1, 2]), (1, [2, 3])));

    [Fact]
    public void The_preferred_replica_leads_again_after_it_came_back()
    {
        cluster.Heartbeat(1, wantFence: true);
        cluster.Heartbeat(1);
        Assert.Equal(2, cluster.Partition("t").Leader);
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, Elect(Preferred, 0)); // it is there, and not in sync

        AlterIsr(0, [1, 2]);
        Assert.Equal(ErrorCode.None, Elect(Preferred, 0));
        Assert.Equal(1, cluster.Partition("t").Leader);
        Assert.Equal(ErrorCode.ElectionNotNeeded, Elect(Preferred, 0));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void An_unclean_election_takes_who_lives_and_says_that_it_must_recover()
    {
        AlterIsr(1, [2]);
        cluster.Heartbeat(2, wantFence: true);
        Assert.Equal((-1, 2), (cluster.Partition("t", 1).Leader, Assert.Single(cluster.Partition("t", 1).Isr)));
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, Elect(Preferred, 1));
        Assert.Equal(ErrorCode.None, Elect(Unclean, 1));
        Assert.Equal((3, 3), (cluster.Partition("t", 1).Leader, Assert.Single(cluster.Partition("t", 1).Isr)));
        Assert.Equal(LeaderRecoveryState.Recovering, cluster.Partition("t", 1).RecoveryState);
        Assert.Equal(ErrorCode.ElectionNotNeeded, Elect(Unclean, 1));
    }

    [Fact]
    public void Where_nobody_lives_nobody_is_elected()
    {
        cluster.Heartbeat(2, wantFence: true);
        cluster.Heartbeat(3, wantFence: true);
        Assert.Equal(ErrorCode.EligibleLeadersNotAvailable, Elect(Unclean, 1));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Of_all_partitions_only_those_are_named_that_needed_an_election()
    {
        cluster.Heartbeat(1, wantFence: true);
        cluster.Heartbeat(1);
        AlterIsr(0, [1, 2]);
        var response = Ask(new ElectLeadersRequest { ElectionType = Preferred, TopicPartitions = null });
        var result = Assert.Single(response.ReplicaElectionResults);
        Assert.Equal(("t", 0, ErrorCode.None), (result.Topic, Assert.Single(result.PartitionResult).PartitionId, result.PartitionResult[0].ErrorCode));
        Assert.Empty(Ask(new ElectLeadersRequest { ElectionType = Preferred, TopicPartitions = null }).ReplicaElectionResults);
    }

    [Fact]
    public void Who_asks_wrongly_is_told()
    {
        Assert.Equal(ErrorCode.InvalidRequest, Ask(new ElectLeadersRequest { ElectionType = 2, TopicPartitions = null }).ErrorCode);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Elect(Preferred, 7));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Elect(Preferred, 0, "nobody"));
        Assert.Empty(cluster.Records);
    }

    private ErrorCode Elect(sbyte type, int partition, string topic = "t")
    {
        var response = Ask(new ElectLeadersRequest { ElectionType = type, TopicPartitions = [new() { Topic = topic, Partitions = [partition] }] });
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return Assert.Single(Assert.Single(response.ReplicaElectionResults).PartitionResult).ErrorCode;
    }

    private ElectLeadersResponse Ask(ElectLeadersRequest request) => cluster.Do(cluster.Controller.ElectLeaders(cluster.Image, request));

    private void AlterIsr(int id, int[] isr)
    {
        var partition = cluster.Partition("t", id);
        var response = cluster.Do(cluster.Controller.AlterPartition(cluster.Image, new AlterPartitionRequest
        {
            BrokerId = partition.Leader,
            BrokerEpoch = cluster.Image.Brokers[partition.Leader].Epoch,
            Topics =
            [
                new()
                {
                    TopicId = cluster.Image.Topics.ByName["t"].Id,
                    Partitions =
                    [
                        new()
                        {
                            PartitionIndex = id,
                            LeaderEpoch = partition.LeaderEpoch,
                            PartitionEpoch = partition.PartitionEpoch,
                            NewIsrWithEpochs = [.. isr.Select(one => new AlterPartitionRequest.BrokerState { BrokerId = one })],
                        },
                    ],
                },
            ],
        }));
        Assert.Equal(ErrorCode.None, response.Topics[0].Partitions[0].ErrorCode);
    }
}
