using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>Partitions move to other replicas: new ones come, and the old ones go once those are in sync (KIP-455).</summary>
public class ReassignmentTests
{
    private readonly Cluster cluster = new Cluster().WithBrokers(1, 2, 3, 4);

    public ReassignmentTests() => cluster.Create(Assigned("t", (0, [1, 2])));

    private PartitionImage Partition => cluster.Partition("t");

    private string State =>
        $"{Text(Partition.Replicas)} +{Text(Partition.AddingReplicas)} -{Text(Partition.RemovingReplicas)}, in sync {Text(Partition.Isr.Order())}, led by {Partition.Leader}";

    [Fact]
    public void New_replicas_are_added_first_and_old_ones_go_when_the_new_ones_are_in_sync()
    {
        Assert.Equal(ErrorCode.None, Reassign([3, 2]));
        Assert.Equal("[3 2 1] +[3] -[1], in sync [1 2], led by 1", State);
        Assert.Equal([Directory(3), Directory(2), Directory(1)], Partition.Directories);
        Assert.Equal("t-0: [3 2 1] +[3] -[1]", Listed());

        Assert.Equal(ErrorCode.NewLeaderElected, AlterIsr([1, 2, 3])); // its leader is no replica any more
        Assert.Equal("[3 2] +[] -[], in sync [2 3], led by 3", State);
        Assert.Equal([Directory(3), Directory(2)], Partition.Directories);
        Assert.Equal("", Listed());
    }

    [Fact]
    public void What_needs_no_new_replica_is_done_at_once()
    {
        var epoch = Partition.LeaderEpoch;
        Assert.Equal(ErrorCode.None, Reassign([2]));
        Assert.Equal("[2] +[] -[], in sync [2], led by 2", State);
        Assert.True(Partition.LeaderEpoch > epoch);
        Assert.Equal(ErrorCode.None, Reassign([2]));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Another_order_is_another_preferred_leader_and_no_election()
    {
        Assert.Equal(ErrorCode.None, Reassign([2, 1]));
        Assert.Equal("[2 1] +[] -[], in sync [1 2], led by 1", State);
        Assert.Equal(0, Partition.LeaderEpoch);
    }

    [Fact]
    public void With_fewer_replicas_all_that_are_left_must_be_in_sync_first()
    {
        AlterIsr([1]);
        Assert.Equal(ErrorCode.None, Reassign([2]));
        Assert.Equal("[2 1] +[] -[1], in sync [1], led by 1", State);
        AlterIsr([1, 2]);
        Assert.Equal("[2] +[] -[], in sync [2], led by 2", State);
    }

    [Fact]
    public void A_reassignment_is_taken_back_and_everything_is_as_it_was()
    {
        Reassign([3, 4]);
        AlterIsr([1, 2, 3]);
        Assert.True(Partition.IsBeingReassigned);
        Assert.Equal(ErrorCode.None, Reassign(null));
        Assert.Equal("[1 2] +[] -[], in sync [1 2], led by 1", State);
        Assert.Equal(ErrorCode.NoReassignmentInProgress, Reassign(null));
    }

    [Fact]
    public void A_second_wish_replaces_the_first()
    {
        Reassign([3, 4]);
        Assert.Equal(ErrorCode.None, Reassign([1, 4]));
        Assert.Equal("[1 4 2 3] +[4] -[2 3], in sync [1 2], led by 1", State);
        AlterIsr([1, 2, 4]);
        Assert.Equal("[1 4] +[] -[], in sync [1 4], led by 1", State);
    }

    [Fact]
    public void To_go_back_to_replicas_that_lack_records_must_be_allowed()
    {
        Reassign([3, 4, 1]);
        AlterIsr([1, 3]);
        cluster.Heartbeat(1, wantFence: true); // 3 leads
        Assert.Equal("[3 4 1 2] +[3 4] -[2], in sync [3], led by 3", State);
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, Reassign(null));
        Assert.Empty(cluster.Records);

        Set("t", "unclean.leader.election.enable", "true");
        Assert.Equal(ErrorCode.None, Reassign(null));
        Assert.Equal([1, 2], Partition.Replicas.Order());
        Assert.Equal(LeaderRecoveryState.Recovering, Partition.RecoveryState);
    }

    [Theory]
    [InlineData(new int[0], ErrorCode.InvalidReplicaAssignment)]
    [InlineData(new[] { 1, 1 }, ErrorCode.InvalidReplicaAssignment)]
    [InlineData(new[] { 1, 9 }, ErrorCode.InvalidReplicaAssignment)]
    [InlineData(new[] { -1 }, ErrorCode.InvalidReplicaAssignment)]
    public void Replicas_that_cannot_be_are_refused_and_nothing_changes(int[] replicas, ErrorCode error)
    {
        Assert.Equal(error, Reassign(replicas));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Whoever_forbids_another_number_of_replicas_gets_none()
    {
        Assert.Equal(ErrorCode.InvalidReplicationFactor, Reassign([1, 2, 3], allowsOtherFactor: false));
        Assert.Equal(ErrorCode.None, Reassign([3, 4], allowsOtherFactor: false));
        Assert.Equal(ErrorCode.None, Reassign([1, 4], allowsOtherFactor: false)); // those that go do not count
        Assert.Equal(ErrorCode.InvalidReplicationFactor, Reassign([4], allowsOtherFactor: false));
    }

    [Fact]
    public void Unknown_topics_and_partitions_are_told_and_the_others_go_on()
    {
        var request = new AlterPartitionReassignmentsRequest
        {
            Topics =
            [
                new() { Name = "nobody", Partitions = [new() { PartitionIndex = 0, Replicas = [1] }] },
                new()
                {
                    Name = "t",
                    Partitions =
                    [
                        new() { PartitionIndex = 7, Replicas = [1] }, new() { PartitionIndex = 0, Replicas = [2] }, new() { PartitionIndex = 0, Replicas = [1] },
                    ],
                },
            ],
        };
        var response = cluster.Do(cluster.Controller.AlterPartitionReassignments(cluster.Image, request));
        Assert.Equal(
            [ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition, ErrorCode.None, ErrorCode.InvalidRequest],
            response.Responses.SelectMany(topic => topic.Partitions).Select(partition => partition.ErrorCode));
        Assert.Equal([2], Partition.Replicas);
    }

    [Fact]
    public void Only_what_is_asked_for_and_under_way_is_listed()
    {
        cluster.Create(Assigned("u", (0, [1]), (1, [1])));
        Reassign([3, 2]);
        Assert.Equal("", Listed(("u", [0, 1]), ("nobody", [0]), ("t", [7])));
        Assert.Equal("t-0: [3 2 1] +[3] -[1]", Listed(("t", [0, 0])));
    }

    private ErrorCode Reassign(int[]? replicas, bool allowsOtherFactor = true)
    {
        var request = new AlterPartitionReassignmentsRequest
        {
            AllowReplicationFactorChange = allowsOtherFactor,
            Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, Replicas = replicas }] }],
        };
        var response = cluster.Do(cluster.Controller.AlterPartitionReassignments(cluster.Image, request));
        return Assert.Single(Assert.Single(response.Responses).Partitions).ErrorCode;
    }

    private ErrorCode AlterIsr(int[] isr)
    {
        var request = new AlterPartitionRequest
        {
            BrokerId = Partition.Leader,
            BrokerEpoch = cluster.Image.Brokers[Partition.Leader].Epoch,
            Topics =
            [
                new()
                {
                    TopicId = cluster.Image.Topics.ByName["t"].Id,
                    Partitions =
                    [
                        new()
                        {
                            LeaderEpoch = Partition.LeaderEpoch,
                            PartitionEpoch = Partition.PartitionEpoch,
                            NewIsrWithEpochs = [.. isr.Select(id => new AlterPartitionRequest.BrokerState { BrokerId = id })],
                        },
                    ],
                },
            ],
        };
        return cluster.Do(cluster.Controller.AlterPartition(cluster.Image, request)).Topics[0].Partitions[0].ErrorCode;
    }

    private static string Text(IEnumerable<int> ids) => $"[{string.Join(' ', ids)}]";

    private void Set(string topic, string name, string value) => cluster.Do(cluster.Controller.IncrementalAlterConfigs(
        cluster.Image,
        new IncrementalAlterConfigsRequest { Resources = [new() { ResourceType = 2, ResourceName = topic, Configs = [new() { Name = name, Value = value }] }] },
        cluster.Context));

    private string Listed(params (string Topic, int[] Partitions)[] asked)
    {
        var request = new ListPartitionReassignmentsRequest
        {
            Topics = asked.Length == 0
                ? null
                : [.. asked.Select(topic => new ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics { Name = topic.Topic, PartitionIndexes = topic.Partitions })],
        };
        return string.Join(
            "; ",
            ReassignmentQueries.List(cluster.Image, request).Topics.SelectMany(
                topic => topic.Partitions,
                (topic, partition) => $"{topic.Name}-{partition.PartitionIndex}: [{string.Join(' ', partition.Replicas)}]"
                    + $" +[{string.Join(' ', partition.AddingReplicas)}] -[{string.Join(' ', partition.RemovingReplicas)}]"));
    }
}
