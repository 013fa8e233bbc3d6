using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Groups;

/// <summary>Consumer groups (KIP-848) through the wire. The rules of the group itself are tested where they are decided.</summary>
public sealed class ConsumerGroupTests
{
    private const string Group = "g";

    [Fact]
    public async Task A_member_hears_of_new_partitions_and_goes_on_after_a_restart()
    {
        using var directory = new TempDirectory();
        await using (var broker = await TestBroker.StartIn(directory))
        {
            await using var client = await Ready(broker);
            await client.Send(new CreateTopicsRequest { Topics = [new() { Name = "t", NumPartitions = 2, ReplicationFactor = 1 }] });
            var joined = await client.Send(Joining());
            Assert.Equal((ErrorCode.None, "m", 1, 5_000), (joined.ErrorCode, joined.MemberId, joined.MemberEpoch, joined.HeartbeatIntervalMs));
            Assert.Equal([0, 1], joined.Assignment!.TopicPartitions.Single().Partitions);

            await client.Send(new CreatePartitionsRequest { Topics = [new() { Name = "t", Count = 3, Assignments = null }] });
            var grown = await client.Send(Staying(epoch: 1));
            Assert.Equal(2, grown.MemberEpoch);
            Assert.Equal([0, 1, 2], grown.Assignment!.TopicPartitions.Single().Partitions);
        }

        await using (var broker = await TestBroker.StartIn(directory))
        {
            await using var client = await Ready(broker);
            ConsumerGroupHeartbeatResponse answer;
            do
                answer = await client.Send(Staying(epoch: 2));
            while (answer.ErrorCode == ErrorCode.CoordinatorLoadInProgress);
            Assert.Equal((ErrorCode.None, 2), (answer.ErrorCode, answer.MemberEpoch));
            Assert.Null(answer.Assignment);
            Assert.Equal(ErrorCode.FencedMemberEpoch, (await client.Send(Staying(epoch: 3))).ErrorCode);
        }
    }

    [Fact]
    public async Task New_clusters_have_the_feature_and_without_it_the_protocol_is_refused()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var client = await Ready(broker);
        var versions = await client.Send(new ApiVersionsRequest { ClientSoftwareName = "tests", ClientSoftwareVersion = "1" }, 4);
        Assert.Equal((short)1, versions.FinalizedFeatures.Single(feature => feature.Name == "group.version").MaxVersionLevel);
        Assert.Equal(ErrorCode.None, (await client.Send(Joining())).ErrorCode);

        var lowered = await client.Send(new UpdateFeaturesRequest
        {
            FeatureUpdates = [new() { Feature = "group.version", MaxVersionLevel = 0, UpgradeType = 2 }],
        });
        Assert.Equal(ErrorCode.None, lowered.ErrorCode);
        Assert.Equal(ErrorCode.UnsupportedVersion, (await client.Send(Staying(epoch: 1))).ErrorCode);
    }

    [Fact]
    public async Task A_broker_that_is_not_to_serve_the_protocol_refuses_it()
    {
        await using var broker = await TestBroker.StartAsync(("group.coordinator.rebalance.protocols", "classic"));
        await using var client = await Ready(broker);
        Assert.Equal(ErrorCode.UnsupportedVersion, (await client.Send(Joining())).ErrorCode);
    }

    private static async Task<TestClient> Ready(TestBroker broker)
    {
        var client = broker.Connect();
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = [Group] });
        return client;
    }

    private static ConsumerGroupHeartbeatRequest Joining() => new()
    {
        GroupId = Group,
        MemberId = "m",
        RebalanceTimeoutMs = 60_000,
        SubscribedTopicNames = ["t"],
        TopicPartitions = [],
    };

    private static ConsumerGroupHeartbeatRequest Staying(int epoch) => new() { GroupId = Group, MemberId = "m", MemberEpoch = epoch };
}
