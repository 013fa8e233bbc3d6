using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Apis;

/// <summary>
/// Configurations through the wire, and what a change does to a running broker. What the controller checks has tests of its own.
/// </summary>
public sealed class ConfigTests(SharedBroker shared)
{
    private const sbyte Topic = 2;
    private const sbyte Broker = 4;
    private const sbyte Group = 32;
    private const sbyte Set = 0;
    private const sbyte Delete = 1;
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task A_topic_tells_what_is_in_force_and_where_that_comes_from()
    {
        var topic = await shared.NewTopic(client, configs: ("retention.ms", "5000"));
        for (var version = 0; version <= 4; version++)
        {
            var found = await Describe(client, Topic, topic.Name, version);
            var (retention, policy) = (found["retention.ms"], found["cleanup.policy"]);
            Assert.Equal(("5000", "delete", false), (retention.Value, policy.Value, retention.IsSensitive));
            if (version == 0)
                Assert.Equal((false, true), (retention.IsDefault, policy.IsDefault));
            else
                Assert.Equal((1, 5), (retention.ConfigSource, policy.ConfigSource));
        }
    }

    [Fact]
    public async Task Documentation_and_synonyms_are_told_to_who_asks()
    {
        var topic = await shared.NewTopic(client, configs: ("retention.ms", "5000"));
        var request = new DescribeConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = Topic,
                    ResourceName = topic.Name,
                    ConfigurationKeys = ["retention.ms", "follower.replication.throttled.replicas", "no.such"],
                },
                new() { ResourceType = Broker, ResourceName = "1", ConfigurationKeys = ["log.segment.bytes", "num.io.threads", "node.id"] },
            ],
            IncludeSynonyms = true,
            IncludeDocumentation = true,
        };
        var results = (await client.Send(request)).Results;
        var texts = results.SelectMany(result => result.Configs).ToDictionary(entry => entry.Name, entry => entry.Documentation);
        Assert.Equal("A value of type long, 1209600000 by default; valid are [-1,...].", texts["retention.ms"]);
        Assert.EndsWith("It has no effect yet.", texts["follower.replication.throttled.replicas"]);
        Assert.EndsWith("It can be changed at any time, for one broker or for all.", texts["log.segment.bytes"]);
        Assert.EndsWith("It changes by a restart only, as yet. It has no effect yet.", texts["num.io.threads"]);
        Assert.Contains("It changes by a restart only.", texts["node.id"]);
        Assert.Equal(
            ("retention.ms", "5000"),
            results[0].Configs.Single(entry => entry.Name == "retention.ms").Synonyms.Select(synonym => (synonym.Name, synonym.Value!)).First());
        Assert.Equal(5, texts.Count);
        Assert.Equal(
            [false, true, true],
            results[1].Configs.OrderBy(entry => entry.Name, StringComparer.Ordinal).Select(entry => entry.ReadOnly).Order());

        (request.IncludeSynonyms, request.IncludeDocumentation) = (false, false);
        Assert.All(
            (await client.Send(request)).Results.SelectMany(result => result.Configs),
            entry => Assert.Equal((null, 0), (entry.Documentation, entry.Synonyms.Length)));
    }

    [Fact]
    public async Task A_resource_that_is_asked_for_a_thousand_times_is_described_once()
    {
        var resources = Enumerable.Range(0, 1000).Select(_ => new DescribeConfigsRequest.DescribeConfigsResource
        {
            ResourceType = Broker,
            ResourceName = "1",
            ConfigurationKeys = null,
        });
        Assert.Single((await client.Send(new DescribeConfigsRequest { Resources = [.. resources] })).Results);
    }

    [Fact]
    public async Task The_limit_of_a_batch_changes_under_a_log_in_use()
    {
        var topic = await shared.NewTopic(client);
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Alter(client, Topic, topic.Name, ("max.message.bytes", Set, "1000"));
        Assert.Equal(ErrorCode.MessageTooLarge, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
        await Alter(client, Topic, topic.Name, ("max.message.bytes", Delete, null));
        Assert.Equal(ErrorCode.None, (await client.Produce(topic, 0, Batches.OfSize(2000))).ErrorCode);
    }

    [Fact]
    public async Task Retention_changes_under_a_log_in_use()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        var topic = await one.CreateTopic("t", configs: ("segment.bytes", "1048576"));
        for (var i = 0; i < 3; i++)
            await one.Produce(topic, 0, Batches.Of(Protocol.Records.RecordBatchOptions.Default, broker.NowMs, new string('x', 700_000)));
        await Alter(one, Topic, "t", ("retention.bytes", Set, "1000000"));
        broker.Time.Advance(TimeSpan.FromMinutes(5)); // the next check
        await Eventually(async () => (await one.Fetch(topic, 0, 2)).LogStartOffset == 1);
    }

    [Fact]
    public async Task A_brokers_default_changes_for_the_topics_that_have_none_of_their_own()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        var (bound, free) = (await one.CreateTopic("bound", configs: ("max.message.bytes", "5000")), await one.CreateTopic("free"));
        await Alter(one, Broker, "", ("message.max.bytes", Set, "1000"));
        Assert.Equal(ErrorCode.None, (await one.Produce(bound, 0, Batches.OfSize(2000))).ErrorCode);
        Assert.Equal(ErrorCode.MessageTooLarge, (await one.Produce(free, 0, Batches.OfSize(2000))).ErrorCode);
        await Alter(one, Broker, "1", ("message.max.bytes", Set, "3000")); // this broker's own counts before that of all
        Assert.Equal(ErrorCode.None, (await one.Produce(free, 0, Batches.OfSize(2000))).ErrorCode);
        Assert.Equal(
            ("3000", (sbyte)2),
            (await Describe(one, Topic, "free", 4))["max.message.bytes"] is var entry ? (entry.Value!, entry.ConfigSource) : default);
        var later = await one.CreateTopic("later");
        Assert.Equal(ErrorCode.MessageTooLarge, (await one.Produce(later, 0, Batches.OfSize(4000))).ErrorCode);
    }

    [Fact]
    public async Task Limits_on_connections_change_while_the_broker_runs()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        await Alter(one, Broker, "1", ("max.connections.per.ip", Set, "0"));
        using var refused = await Network.SocketTransport.ConnectAsync("127.0.0.1", broker.Port, Network.SocketSettings.Default);
        await using var tcp = new TestClient(refused, "tcp");
        await tcp.Ended.WaitAsync(TestClient.Patience);
        await Alter(one, Broker, "1", ("max.connections.per.ip", Delete, null));
        await using var again = new TestClient(
            await Network.SocketTransport.ConnectAsync("127.0.0.1", broker.Port, Network.SocketSettings.Default), "tcp");
        Assert.Equal(ErrorCode.None, (await again.Send(new ApiVersionsRequest(), 0)).ErrorCode);
    }

    [Theory]
    [InlineData(Broker, "1", "num.io.threads", "4")]
    [InlineData(Broker, "", "background.threads", "4")]
    [InlineData(Broker, "1", "listener.name.plaintext.ssl.keystore.location", "/a")]
    [InlineData(Broker, "1", "leader.replication.throttled.rate", "1000")]
    [InlineData(Broker, "1", "nobody.knows.this", "1")]
    [InlineData(Group, "g", "share.session.timeout.ms", "50000")]
    [InlineData(Group, "g", "consumer.assignment.interval.ms", "500")]
    public async Task A_value_that_would_do_nothing_is_refused_not_stored(sbyte type, string resource, string name, string value)
    {
        var incremental = await client.Send(AlterRequest(type, resource, (name, Set, value)));
        Assert.Equal(
            (ErrorCode.InvalidRequest, type, resource),
            Assert.Single(incremental.Responses) is var refused
                ? (refused.ErrorCode, refused.ResourceType, refused.ResourceName)
                : default);
        Assert.Contains("acted on", incremental.Responses[0].ErrorMessage!.Replace("not collected", "acted on"));
        var whole = await client.Send(new AlterConfigsRequest
        {
            Resources = [new() { ResourceType = type, ResourceName = resource, Configs = [new() { Name = name, Value = value }] }],
        });
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(whole.Responses).ErrorCode);
        Assert.Equal(ErrorCode.None, (await client.Send(AlterRequest(type, resource, (name, Delete, null)))).Responses[0].ErrorCode);
    }

    [Fact]
    public async Task A_groups_configurations_are_its_own_and_stay_within_the_brokers_bounds()
    {
        await Alter(client, Group, "bounded", ("consumer.session.timeout.ms", Set, "50000"), ("consumer.heartbeat.interval.ms", Set, "6000"));
        foreach (var wrong in (string[])["44999", "60001", "soon"])
        {
            var refused = await client.Send(
                AlterRequest(Group, "bounded", ("consumer.heartbeat.interval.ms", Set, "7000"), ("consumer.session.timeout.ms", Set, wrong)));
            Assert.Equal(ErrorCode.InvalidConfig, refused.Responses[0].ErrorCode);
            Assert.Contains("consumer.session.timeout.ms", refused.Responses[0].ErrorMessage);
        }

        Assert.Equal(
            ErrorCode.InvalidConfig, (await client.Send(AlterRequest(Group, "bounded", ("consumer.nonsense", Set, "1")))).Responses[0].ErrorCode);
        Assert.Equal(
            ErrorCode.InvalidRequest, (await client.Send(AlterRequest(Group, "", ("consumer.session.timeout.ms", Set, "50000")))).Responses[0].ErrorCode);

        var found = await Describe(client, Group, "bounded", 4);
        Assert.Equal(("50000", (sbyte)8), (found["consumer.session.timeout.ms"].Value!, found["consumer.session.timeout.ms"].ConfigSource));
        Assert.Equal("6000", found["consumer.heartbeat.interval.ms"].Value);
        Assert.Equal("45000", (await Describe(client, Group, "other", 4))["consumer.session.timeout.ms"].Value);
    }

    [Fact]
    public async Task One_refused_resource_does_not_keep_the_others_from_being_changed()
    {
        var topic = await shared.NewTopic(client);
        var request = AlterRequest(Broker, "1", ("num.io.threads", Set, "4"));
        request.Resources = [.. request.Resources, .. AlterRequest(Topic, topic.Name, ("retention.ms", Set, "77")).Resources];
        var answers = (await client.Send(request)).Responses.ToDictionary(answer => answer.ResourceType, answer => answer.ErrorCode);
        Assert.Equal((ErrorCode.InvalidRequest, ErrorCode.None), (answers[Broker], answers[Topic]));
        Assert.Equal("77", (await Describe(client, Topic, topic.Name, 4))["retention.ms"].Value);
    }

    [Fact]
    public async Task A_topic_keeps_what_does_nothing_and_the_log_says_so()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        await one.CreateTopic("t", configs: [("follower.replication.throttled.replicas", "*"), ("retention.ms", "5"), ("local.retention.ms", "4")]);
        Assert.EndsWith("not acted on yet: follower.replication.throttled.replicas, local.retention.ms", await broker.Log.Line("not acted on"));
        Assert.Equal("4", (await Describe(one, Topic, "t", 4))["local.retention.ms"].Value);
    }

    [Fact]
    public async Task AlterConfigs_replaces_everything_that_was_set()
    {
        for (var version = 0; version <= 2; version++)
        {
            var topic = await shared.NewTopic(client, configs: [("retention.ms", "5000"), ("segment.ms", "6000")]);
            var response = await client.Send(
                new AlterConfigsRequest
                {
                    Resources =
                    [
                        new()
                        {
                            ResourceType = Topic,
                            ResourceName = topic.Name,
                            Configs = [new() { Name = "segment.ms", Value = "7000" }],
                        },
                    ],
                },
                version);
            Assert.Equal(ErrorCode.None, Assert.Single(response.Responses).ErrorCode);
            var found = await Describe(client, Topic, topic.Name, 4);
            Assert.Equal(("7000", "1209600000"), (found["segment.ms"].Value, found["retention.ms"].Value));
        }
    }

    [Fact]
    public async Task A_wrong_value_is_refused_with_its_name_and_nothing_of_the_resource_changes()
    {
        var topic = await shared.NewTopic(client);
        var response = await client.Send(AlterRequest(Topic, topic.Name, ("segment.ms", Set, "7000"), ("retention.ms", Set, "soon")));
        Assert.Equal(ErrorCode.InvalidConfig, response.Responses[0].ErrorCode);
        Assert.Contains("retention.ms", response.Responses[0].ErrorMessage);
        Assert.Equal("604800000", (await Describe(client, Topic, topic.Name, 4))["segment.ms"].Value);
        response = await client.Send(AlterRequest(Broker, "1", ("node.id", Set, "5")));
        Assert.Equal(ErrorCode.InvalidRequest, response.Responses[0].ErrorCode);
        Assert.Contains("node.id", response.Responses[0].ErrorMessage);
    }

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Yield();
    }

    private static async Task<Dictionary<string, DescribeConfigsResponse.DescribeConfigsResourceResult>> Describe(
        TestClient client, sbyte type, string name, int version)
    {
        var response = await client.Send(
            new DescribeConfigsRequest { Resources = [new() { ResourceType = type, ResourceName = name, ConfigurationKeys = null }] },
            version);
        var result = Assert.Single(response.Results);
        Assert.Equal((ErrorCode.None, type, name), (result.ErrorCode, result.ResourceType, result.ResourceName));
        return result.Configs.ToDictionary(entry => entry.Name);
    }

    private static async Task Alter(
        TestClient client, sbyte type, string name, params (string Name, sbyte Operation, string? Value)[] changes)
    {
        var response = await client.Send(AlterRequest(type, name, changes));
        Assert.Equal((ErrorCode.None, null), (Assert.Single(response.Responses).ErrorCode, response.Responses[0].ErrorMessage));
    }

    private static IncrementalAlterConfigsRequest AlterRequest(
        sbyte type, string name, params (string Name, sbyte Operation, string? Value)[] changes) =>
        new()
    {
        Resources =
        [
            new()
            {
                ResourceType = type,
                ResourceName = name,
                Configs =
                [
                    .. changes.Select(change => new IncrementalAlterConfigsRequest.AlterableConfig
                    {
                        Name = change.Name,
                        ConfigOperation = change.Operation,
                        Value = change.Value,
                    }),
                ],
            },
        ],
    };
}
