using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>Every API in every version: what ApiVersions promises is served, and nothing else.</summary>
public sealed class EveryVersionTests(SharedBroker shared)
{
    private static readonly ApiKey[] Listed =
    [
        ApiKey.ApiVersions, ApiKey.Metadata, ApiKey.CreateTopics, ApiKey.DeleteTopics, ApiKey.CreatePartitions, ApiKey.Produce,
        ApiKey.Fetch, ApiKey.ListOffsets, ApiKey.DeleteRecords, ApiKey.OffsetForLeaderEpoch, ApiKey.InitProducerId,
        ApiKey.FindCoordinator, ApiKey.JoinGroup, ApiKey.SyncGroup, ApiKey.Heartbeat, ApiKey.LeaveGroup, ApiKey.OffsetCommit,
        ApiKey.OffsetFetch, ApiKey.OffsetDelete, ApiKey.ListGroups, ApiKey.DescribeGroups, ApiKey.DeleteGroups,
        ApiKey.ConsumerGroupHeartbeat, ApiKey.ConsumerGroupDescribe,
        ApiKey.DescribeConfigs, ApiKey.AlterConfigs, ApiKey.IncrementalAlterConfigs, ApiKey.DescribeCluster,
        ApiKey.DescribeLogDirs, ApiKey.DescribeTopicPartitions, ApiKey.ElectLeaders, ApiKey.AlterPartitionReassignments,
        ApiKey.ListPartitionReassignments, ApiKey.DescribeQuorum, ApiKey.UpdateFeatures, ApiKey.UnregisterBroker,
        ApiKey.ListConfigResources, ApiKey.AlterReplicaLogDirs,
        ApiKey.WriteTxnMarkers, ApiKey.DescribeProducers,
        ApiKey.AddPartitionsToTxn, ApiKey.AddOffsetsToTxn, ApiKey.EndTxn,
        ApiKey.TxnOffsetCommit, ApiKey.DescribeTransactions, ApiKey.ListTransactions,
        ApiKey.DescribeClientQuotas, ApiKey.AlterClientQuotas, ApiKey.GetTelemetrySubscriptions, ApiKey.PushTelemetry,
    ];

    public static TheoryData<ApiKey> Keys => [.. Listed];

    [Fact]
    public async Task ApiVersions_advertises_the_listed_apis_in_all_stable_versions_of_the_protocols_tables()
    {
        await using var client = shared.Broker.Connect();
        var expected = Listed.Order().Select(key => (key, ApiTable.Get(key).Versions));
        for (var version = 0; version <= 4; version++)
        {
            var answer = await client.Send(new ApiVersionsRequest { ClientSoftwareName = "tests", ClientSoftwareVersion = "1" }, version);
            Assert.Equal(expected, answer.ApiKeys.Select(api => ((ApiKey)api.ApiKey, new VersionRange(api.MinVersion, api.MaxVersion))));
        }
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Every_version_is_answered_and_the_answer_decodes_to_its_last_byte(ApiKey key)
    {
        await using var client = shared.Broker.Connect();
        var topic = await shared.NewTopic(client);
        await client.ProduceValues(topic, 0, "a", "b", "c");
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var samples = Samples.All(topic).Where(sample => sample.Key == key).ToArray();
        Assert.NotEmpty(samples);

        var faults = new List<string>();
        var versions = ApiTable.Get(key).Versions;
        for (var version = versions.Min; version <= versions.Max; version++)
        {
            foreach (var sample in samples)
            {
                await using var fresh = shared.Broker.Connect();
                if (await Record.ExceptionAsync(() => sample.Send(fresh, version)) is { } fault)
                    faults.Add($"v{version} {sample.Name}: {fault.Message}");
            }
        }

        Assert.Empty(faults);
        Assert.DoesNotContain(shared.Broker.Log.Lines, line => line.Contains($"A request for {key} version"));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Versions_beside_the_range_end_the_connection(ApiKey key)
    {
        var versions = ApiTable.Get(key).Versions;
        foreach (var version in new[] { -1, versions.Max + 1, short.MaxValue, short.MinValue })
        {
            if (key == ApiKey.ApiVersions && version > 0)
                continue; // that one is answered
            await using var client = shared.Broker.Connect();
            await Assert.ThrowsAsync<Network.ConnectionBrokenException>(() => client.SendRaw((short)key, (short)version, new byte[16]));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(52)]
    [InlineData(93)]
    [InlineData(32767)]
    public async Task An_api_that_is_not_served_ends_the_connection(short key)
    {
        await using var client = shared.Broker.Connect();
        await Assert.ThrowsAsync<Network.ConnectionBrokenException>(() => client.SendRaw(key, 0, new byte[16]));
    }
}
