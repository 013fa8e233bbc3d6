using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Administration;

/// <summary>What administrators ask of a cluster of one node: it answers by the rules of many.</summary>
public sealed class ClusterAdminTests(SharedBroker shared)
{
    [Fact]
    public async Task The_quorum_is_this_node()
    {
        await using var client = shared.Broker.Connect();
        var response = await client.Send(Quorum("__cluster_metadata", 0));
        Assert.Equal((ErrorCode.None, null), (response.ErrorCode, response.ErrorMessage));
        var partition = Assert.Single(Assert.Single(response.Topics).Partitions);
        var voter = Assert.Single(partition.CurrentVoters);
        Assert.Equal((ErrorCode.None, 1, 1), (partition.ErrorCode, partition.LeaderId, voter.ReplicaId));
        Assert.True(partition.LeaderEpoch > 0);
        Assert.True(partition.HighWatermark > 0 && voter.LogEndOffset >= partition.HighWatermark);
        Assert.Equal((shared.Broker.NowMs, shared.Broker.NowMs), (voter.LastFetchTimestamp, voter.LastCaughtUpTimestamp));
        Assert.NotEqual(default, voter.ReplicaDirectoryId);
        Assert.Empty(partition.Observers);
        Assert.Equal(1, Assert.Single(response.Nodes).NodeId);
    }

    [Theory]
    [InlineData("__cluster_metadata", 1)]
    [InlineData("t", 0)]
    public async Task Only_the_metadata_log_has_a_quorum(string topic, int partition)
    {
        await using var client = shared.Broker.Connect();
        var answer = Assert.Single(Assert.Single((await client.Send(Quorum(topic, partition))).Topics).Partitions);
        Assert.Equal((partition, ErrorCode.UnknownTopicOrPartition), (answer.PartitionIndex, answer.ErrorCode));
    }

    [Fact]
    public async Task An_election_of_the_only_replica_is_not_needed()
    {
        await using var client = shared.Broker.Connect();
        var topic = await shared.NewTopic(client);
        foreach (var type in new sbyte[] { 0, 1 })
        {
            var request = new ElectLeadersRequest { ElectionType = type, TopicPartitions = [new() { Topic = topic.Name, Partitions = [0] }] };
            var result = Assert.Single(Assert.Single((await client.Send(request)).ReplicaElectionResults).PartitionResult);
            Assert.Equal(ErrorCode.ElectionNotNeeded, result.ErrorCode);
        }

        Assert.Empty((await client.Send(new ElectLeadersRequest { TopicPartitions = null })).ReplicaElectionResults);
        Assert.Equal(ErrorCode.InvalidRequest, (await client.Send(new ElectLeadersRequest { ElectionType = 7, TopicPartitions = null })).ErrorCode);
    }

    [Fact]
    public async Task A_reassignment_to_a_broker_that_is_not_there_is_refused_and_one_to_itself_is_done()
    {
        await using var client = shared.Broker.Connect();
        var topic = await shared.NewTopic(client);
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await Reassign(client, topic, [1, 7]));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await Reassign(client, topic, [7]));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await Reassign(client, topic, []));
        Assert.Equal(ErrorCode.NoReassignmentInProgress, await Reassign(client, topic, null));
        Assert.Equal(ErrorCode.None, await Reassign(client, topic, [1]));
        Assert.Empty((await client.Send(new ListPartitionReassignmentsRequest { Topics = null })).Topics);
        Assert.Equal(0, await client.ProduceValues(topic, 0, "a"));
    }

    [Fact]
    public async Task A_broker_that_nobody_knows_cannot_be_forgotten()
    {
        await using var client = shared.Broker.Connect();
        var response = await client.Send(new UnregisterBrokerRequest { BrokerId = 77 });
        Assert.Equal((ErrorCode.BrokerIdNotRegistered, "Broker ID 77 is not currently registered"), (response.ErrorCode, response.ErrorMessage));
    }

    [Fact]
    public async Task A_broker_that_is_forgotten_and_there_registers_anew()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        Assert.Equal(ErrorCode.None, (await client.Send(new UnregisterBrokerRequest { BrokerId = 1 })).ErrorCode);
        Assert.Single(broker.Log.Lines, line => line.Contains("registers anew"));
        Assert.Equal(1, Assert.Single((await client.Send(new DescribeClusterRequest())).Brokers).BrokerId);
        var taken = await client.Produce(topic, 0, Batches.Of("a"));
        Assert.Equal((ErrorCode.None, 0), (taken.ErrorCode, taken.BaseOffset));
    }

    [Fact]
    public async Task Everything_that_has_configurations_is_listed_by_its_type()
    {
        await using var client = shared.Broker.Connect();
        var topic = await shared.NewTopic(client);
        var all = (await client.Send(new ListConfigResourcesRequest())).ConfigResources;
        Assert.Contains(all, one => (one.ResourceType, one.ResourceName) == ((sbyte)2, topic.Name));
        Assert.Contains(all, one => (one.ResourceType, one.ResourceName) == ((sbyte)4, "1"));
        Assert.Contains(all, one => (one.ResourceType, one.ResourceName) == ((sbyte)8, "1"));
        var brokers = (await client.Send(new ListConfigResourcesRequest { ResourceTypes = [4] })).ConfigResources;
        Assert.Equal("1", Assert.Single(brokers).ResourceName);
        Assert.Empty((await client.Send(new ListConfigResourcesRequest(), version: 0)).ConfigResources); // which knows client metrics alone
        Assert.Equal(ErrorCode.UnsupportedVersion, (await client.Send(new ListConfigResourcesRequest { ResourceTypes = [3] })).ErrorCode);
    }

    [Fact]
    public async Task A_feature_is_raised_and_every_client_is_told()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var client = broker.Connect();
        Assert.Equal([29, 0], await Levels(client, "metadata.version", "eligible.leader.replicas.version"));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, (await client.Send(Update("metadata.version", 22, type: 2))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Update("metadata.version", 27, type: 2))).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(Update("eligible.leader.replicas.version", 1, type: 1))).ErrorCode);
        Assert.Equal([27, 1], await Levels(client, "metadata.version", "eligible.leader.replicas.version"));
        var named = await client.Send(Update("metadata.version", 28, type: 1), version: 1);
        Assert.Equal(("metadata.version", ErrorCode.None), (Assert.Single(named.Results).Feature, named.Results[0].ErrorCode));
    }

    [Fact]
    public async Task With_eligible_leaders_a_crash_costs_nothing_and_the_leader_says_that_it_has_recovered()
    {
        using var directory = new TempDirectory();
        using var afterCrash = await Crashed(directory);
        await using var broker = await TestBroker.StartIn(afterCrash);
        await using var client = broker.Connect();
        var topic = new TestTopic("t", await IdOf(client, "t"));
        Assert.Equal(["a"], Batches.Values((await client.Fetch(topic, 0, 0)).Records));
        Assert.Equal(1, await client.ProduceValues(topic, 0, "b"));
        var image = await Described(client, "t");
        Assert.Equal((1, 1), (image.LeaderId, Assert.Single(image.IsrNodes)));
    }

    private static async Task<TempDirectory> Crashed(TempDirectory directory)
    {
        await using var broker = await TestBroker.StartIn(directory);
        await using var client = broker.Connect();
        Assert.Equal(ErrorCode.None, (await client.Send(Update("eligible.leader.replicas.version", 1, type: 1))).ErrorCode);
        var topic = await client.CreateTopic("t");
        await client.ProduceValues(topic, 0, "a");
        return directory.Copy();
    }

    private static async Task<Milena.Common.Uuid> IdOf(TestClient client, string topic) =>
        Assert.Single((await client.Send(new MetadataRequest { Topics = [new() { Name = topic }] })).Topics).TopicId;

    private static async Task<MetadataResponse.MetadataResponsePartition> Described(TestClient client, string topic) =>
        Assert.Single(Assert.Single((await client.Send(new MetadataRequest { Topics = [new() { Name = topic }] })).Topics).Partitions);

    private static UpdateFeaturesRequest Update(string feature, short level, sbyte type) =>
        new() { FeatureUpdates = [new() { Feature = feature, MaxVersionLevel = level, UpgradeType = type }] };

    private static async Task<IEnumerable<short>> Levels(TestClient client, params string[] features)
    {
        var told = await client.Send(new ApiVersionsRequest { ClientSoftwareName = "tests", ClientSoftwareVersion = "1" });
        return features.Select(name => told.FinalizedFeatures.FirstOrDefault(feature => feature.Name == name)?.MaxVersionLevel ?? (short)0);
    }

    private static async Task<ErrorCode> Reassign(TestClient client, TestTopic topic, int[]? replicas)
    {
        var response = await client.Send(new AlterPartitionReassignmentsRequest
        {
            Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, Replicas = replicas }] }],
        });
        return Assert.Single(Assert.Single(response.Responses).Partitions).ErrorCode;
    }

    private static DescribeQuorumRequest Quorum(string topic, int partition) =>
        new() { Topics = [new() { TopicName = topic, Partitions = [new() { PartitionIndex = partition }] }] };
}
