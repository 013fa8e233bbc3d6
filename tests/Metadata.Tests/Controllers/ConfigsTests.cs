using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>AlterConfigs, IncrementalAlterConfigs, DescribeConfigs and ListConfigResources.</summary>
public class ConfigsTests
{
    private const sbyte Set = 0;
    private const sbyte Delete = 1;
    private const sbyte Append = 2;
    private const sbyte Subtract = 3;

    private readonly Cluster cluster = new Cluster("log.retention.hours=24\nssl.key.password=secret").WithBrokers(1);

    public ConfigsTests() => cluster.CreateTopic("t", 1, 1, ("retention.bytes", "9"));

    [Fact]
    public void Single_values_are_set_deleted_appended_to_and_subtracted_from()
    {
        Ok(Topic("t", ("retention.ms", Set, "5"), ("retention.bytes", Delete, null), ("cleanup.policy", Append, "compact")));
        Assert.Equal("cleanup.policy=delete,compact retention.ms=5", Text(ConfigResource.Topic("t")));
        Assert.Equal(3, cluster.Records.Count);
        Ok(Topic("t", ("cleanup.policy", Subtract, "delete"), ("cleanup.policy2", Delete, null)));
        Assert.Equal("cleanup.policy=compact retention.ms=5", Text(ConfigResource.Topic("t")));
        Ok(Topic("t", ("cleanup.policy", Append, "compact"), ("retention.ms", Set, "5")));
        Assert.Empty(cluster.Records); // nothing is different
    }

    [Fact]
    public void The_old_way_replaces_everything()
    {
        var request = new AlterConfigsRequest
        {
            Resources = [new() { ResourceType = 2, ResourceName = "t", Configs = [new() { Name = "retention.ms", Value = "7" }] }],
        };
        Assert.Equal(ErrorCode.None, Assert.Single(cluster.Do(cluster.Controller.AlterConfigs(cluster.Image, request, cluster.Context)).Responses).ErrorCode);
        Assert.Equal("retention.ms=7", Text(ConfigResource.Topic("t")));

        request.Resources[0].Configs[0].Value = null;
        Assert.Equal(ErrorCode.InvalidRequest, cluster.Do(cluster.Controller.AlterConfigs(cluster.Image, request, cluster.Context)).Responses[0].ErrorCode);

        // With eligible leaders the cluster keeps its minimum of in-sync replicas even so.
        request.Resources = [new() { ResourceType = 4, ResourceName = "", Configs = [new() { Name = "log.retention.ms", Value = "7" }] }];
        Assert.Equal(ErrorCode.None, cluster.Do(cluster.Controller.AlterConfigs(cluster.Image, request, cluster.Context)).Responses[0].ErrorCode);
        Assert.Equal("log.retention.ms=7 min.insync.replicas=1", Text(ConfigResource.AllBrokers));
    }

    [Fact]
    public void A_resource_is_altered_whole_or_not_at_all()
    {
        var responses = Alter(Topic("t", ("retention.ms", Set, "5"), ("segment.bytes", Set, "1")), Resource(32, "g", ("consumer.session.timeout.ms", Set, "50000")));
        Assert.Equal([ErrorCode.InvalidConfig, ErrorCode.None], responses.Select(response => response.ErrorCode));
        Assert.Equal("retention.bytes=9", Text(ConfigResource.Topic("t")));
        Assert.Equal("consumer.session.timeout.ms=50000", Text(ConfigResource.Group("g")));
    }

    [Fact]
    public void Validation_only_writes_nothing()
    {
        var request = new IncrementalAlterConfigsRequest { Resources = [Topic("t", ("retention.ms", Set, "5"))], ValidateOnly = true };
        Assert.Equal(ErrorCode.None, cluster.Do(cluster.Controller.IncrementalAlterConfigs(cluster.Image, request, cluster.Context)).Responses[0].ErrorCode);
        Assert.Empty(cluster.Records);
    }

    [Theory]
    [InlineData(2, "t", "nonsense", Set, "1", ErrorCode.InvalidConfig, "Unknown topic config name: nonsense")]
    [InlineData(2, "t", "retention.ms", Set, "-2", ErrorCode.InvalidConfig, "Value must be at least -1")]
    [InlineData(2, "t", "retention.ms", Append, "1", ErrorCode.InvalidConfig, "Can't APPEND to key retention.ms because its type is not LIST.")]
    [InlineData(2, "t", "retention.ms", Subtract, "1", ErrorCode.InvalidConfig, "Can't SUBTRACT to key retention.ms")]
    [InlineData(2, "t", "retention.ms", Set, null, ErrorCode.InvalidRequest, "Null value not supported for : retention.ms")]
    [InlineData(2, "t", "cleanup.policy", Append, null, ErrorCode.InvalidRequest, "Null value not supported")]
    [InlineData(2, "t", "retention.ms", 9, "1", ErrorCode.InvalidRequest, "Unknown operation 9")]
    [InlineData(2, "missing", "retention.ms", Set, "1", ErrorCode.UnknownTopicOrPartition, "The topic 'missing' does not exist.")]
    [InlineData(2, "a/b", "retention.ms", Set, "1", ErrorCode.InvalidTopicException, "a/b")]
    [InlineData(2, "", "retention.ms", Set, "1", ErrorCode.InvalidRequest, "Default topic resources are not allowed.")]
    [InlineData(4, "1", "node.id", Set, "2", ErrorCode.InvalidRequest, "Cannot update these configs dynamically: node.id")]
    [InlineData(4, "1", "num.io.threads", Set, "0", ErrorCode.InvalidRequest, "Value must be at least 1")]
    [InlineData(4, "1", "ssl.keystore.location", Set, "/a", ErrorCode.InvalidRequest, "with the prefix listener.name.<listener>.")]
    [InlineData(4, "", "listener.name.x.ssl.keystore.location", Set, "/a", ErrorCode.InvalidRequest, "a broker id must be named")]
    [InlineData(4, "1", "listener.name.x.ssl.keystore.location", Set, "/a", ErrorCode.None, null)]
    [InlineData(4, "", "of.a.plugin", Set, "x", ErrorCode.None, null)]
    [InlineData(4, "", "leader.replication.throttled.rate", Set, "-1", ErrorCode.InvalidRequest, "Value must be at least 0")]
    [InlineData(4, "x", "num.io.threads", Set, "1", ErrorCode.InvalidRequest, "Unable to parse broker name")]
    [InlineData(4, "-1", "num.io.threads", Set, "1", ErrorCode.InvalidRequest, "Invalid negative broker ID.")]
    [InlineData(4, "7", "num.io.threads", Set, "1", ErrorCode.BrokerIdNotRegistered, "No node with id 7 found.")]
    [InlineData(4, "1", "min.insync.replicas", Set, "2", ErrorCode.InvalidConfig, "Broker-level min.insync.replicas cannot be altered")]
    [InlineData(4, "", "min.insync.replicas", Delete, null, ErrorCode.InvalidConfig, "Cluster-level min.insync.replicas cannot be removed")]
    [InlineData(8, "1", "root", Set, "INFO", ErrorCode.InvalidRequest, "Unexpected resource type")]
    [InlineData(16, "", "interval.ms", Set, "1000", ErrorCode.InvalidRequest, "Default client metrics resources are not allowed.")]
    [InlineData(16, "s", "interval.ms", Set, "99", ErrorCode.InvalidConfig, "it must be between 100 and 3600000")]
    [InlineData(16, "s", "match", Set, "client_id=a.*", ErrorCode.None, null)]
    [InlineData(16, "s", "match", Set, "client_id=[", ErrorCode.InvalidConfig, "is not selector=pattern")]
    [InlineData(16, "s", "match", Set, "color=red", ErrorCode.InvalidConfig, "is not selector=pattern")]
    [InlineData(16, "s", "nonsense", Set, "1", ErrorCode.InvalidConfig, "Unknown client metrics configuration: nonsense")]
    [InlineData(32, "", "consumer.session.timeout.ms", Set, "1", ErrorCode.InvalidRequest, "Default group resources are not allowed.")]
    [InlineData(32, "g", "consumer.session.timeout.ms", Set, "44999", ErrorCode.InvalidConfig, "the broker allows 45000 to 60000")]
    [InlineData(32, "g", "consumer.heartbeat.interval.ms", Set, "15001", ErrorCode.InvalidConfig, "the broker allows 5000 to 15000")]
    [InlineData(32, "g", "streams.num.standby.replicas", Set, "3", ErrorCode.InvalidConfig, "the broker allows up to 2")]
    [InlineData(32, "g", "nonsense", Set, "1", ErrorCode.InvalidConfig, "Unknown group config name: nonsense")]
    public void Each_kind_of_resource_has_its_rules(int type, string name, string key, sbyte operation, string? value, ErrorCode code, string? message)
    {
        var response = Assert.Single(Alter(Resource((sbyte)type, name, (key, operation, value))));
        Assert.Equal(code, response.ErrorCode);
        if (message is null)
            Assert.Null(response.ErrorMessage);
        else
            Assert.Contains(message, response.ErrorMessage);
        Assert.Equal(code == ErrorCode.None, cluster.Records.Count > 0);
    }

    [Fact]
    public void A_resource_or_a_key_that_stands_twice_is_refused()
    {
        var twice = Alter(Topic("t", ("retention.ms", Set, "5")), Topic("t", ("retention.ms", Set, "6")));
        Assert.Equal((ErrorCode.InvalidRequest, "Each resource must appear at most once."), (Assert.Single(twice).ErrorCode, twice[0].ErrorMessage));
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(Alter(Topic("t", ("retention.ms", Set, "5"), ("retention.ms", Delete, null)))).ErrorCode);
    }

    [Fact]
    public void More_records_than_a_request_may_have_are_a_policy_violation()
    {
        var values = Enumerable.Range(0, 10_001).Select(i => ($"of.a.plugin.{i}", Set, (string?)"x")).ToArray();
        Assert.Equal(ErrorCode.PolicyViolation, Assert.Single(Alter(Resource(4, "", values))).ErrorCode);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Who_may_not_alter_a_topic_does_not()
    {
        var request = new IncrementalAlterConfigsRequest { Resources = [Topic("t", ("retention.ms", Set, "5"))] };
        var context = cluster.Context with { Access = new TopicAccess { MayAlter = _ => false } };
        Assert.Equal(ErrorCode.TopicAuthorizationFailed, cluster.Do(cluster.Controller.IncrementalAlterConfigs(cluster.Image, request, context)).Responses[0].ErrorCode);
    }

    [Fact]
    public void Another_minimum_of_replicas_forgets_who_was_eligible()
    {
        Ok(Topic("t", ("min.insync.replicas", Set, "2")));
        Assert.Equal("t", Assert.IsType<ClearElrRecord>(cluster.Records[1]).TopicName);
        Ok(Resource(4, "", ("min.insync.replicas", Set, "2")));
        Assert.Equal("", Assert.IsType<ClearElrRecord>(cluster.Records[1]).TopicName);
    }

    [Fact]
    public void A_brokers_value_is_written_again_so_that_it_reads_its_files_again()
    {
        Ok(Resource(4, "1", ("listener.name.x.ssl.keystore.location", Set, "/a")));
        Ok(Resource(4, "1", ("listener.name.x.ssl.keystore.location", Set, "/a")));
        Assert.Single(cluster.Records);
    }

    [Fact]
    public void A_topic_describes_what_is_in_force_and_what_else_could_be()
    {
        Ok(Topic("t", ("retention.ms", Set, "5")));
        Ok(Resource(4, "", ("log.retention.ms", Set, "6")));
        Ok(Resource(4, "1", ("log.retention.ms", Set, "7")));
        var entry = Assert.Single(Describe(2, "t", ["retention.ms"]).Configs);
        Assert.Equal(("5", 1, 5, false), (entry.Value, entry.ConfigSource, entry.ConfigType, entry.ReadOnly));
        Assert.Equal(
            "retention.ms=5/1 log.retention.ms=7/2 log.retention.ms=6/3 log.retention.hours=24/4 log.retention.hours=336/5",
            string.Join(' ', entry.Synonyms.Select(value => $"{value.Name}={value.Value}/{value.Source}")));

        Ok(Topic("t", ("retention.ms", Delete, null)));
        Assert.Equal(("7", 2), Value(2, "t", "retention.ms"));
        Ok(Resource(4, "1", ("log.retention.ms", Delete, null)));
        Assert.Equal(("6", 3), Value(2, "t", "retention.ms"));
        Ok(Resource(4, "", ("log.retention.ms", Delete, null)));
        Assert.Equal(("86400000", 4), Value(2, "t", "retention.ms"));
        Assert.Equal(("delete", 5), Value(2, "t", "cleanup.policy"));
        Assert.Equal(("false", 5), Value(2, "t", "remote.storage.enable"));
        Assert.True(Describe(2, "t", null).Configs.Length is > 30 and < 37);
    }

    [Fact]
    public void A_broker_describes_itself_and_hides_passwords()
    {
        var all = Describe(4, "1", null).Configs.ToDictionary(entry => entry.Name);
        Assert.Equal((null, true, 9), (all["ssl.key.password"].Value, all["ssl.key.password"].IsSensitive, all["ssl.key.password"].ConfigType));
        Assert.All(all["ssl.key.password"].Synonyms, value => Assert.Null(value.Value));
        Assert.Equal((true, "1"), (all["node.id"].ReadOnly, all["node.id"].Value));
        Assert.False(all["num.io.threads"].ReadOnly);
        Assert.Equal(("24", 4), (all["log.retention.hours"].Value, all["log.retention.hours"].ConfigSource));
        Assert.Equal("1.7976931348623157E308", all["log.cleaner.io.max.bytes.per.second"].Value);
        Assert.DoesNotContain("unstable.api.versions.enable", all.Keys);

        Assert.Equal(["min.insync.replicas"], Describe(4, "", null).Configs.Select(entry => entry.Name));
        Assert.Equal(ErrorCode.InvalidRequest, Describe(4, "2", null).ErrorCode);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Describe(2, "missing", null).ErrorCode);
        Assert.Equal(ErrorCode.InvalidTopicException, Describe(2, "..", null).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, Describe(99, "x", null).ErrorCode);
    }

    [Fact]
    public void Groups_and_client_metrics_describe_themselves()
    {
        Ok(Resource(32, "g", ("consumer.session.timeout.ms", Set, "50000")), Resource(16, "s", ("interval.ms", Set, "1000")));
        Assert.Equal(("50000", 8), Value(32, "g", "consumer.session.timeout.ms"));
        Assert.Equal(("5000", 5), Value(32, "g", "consumer.heartbeat.interval.ms"));
        Assert.Equal(("45000", 5), Value(32, "other", "consumer.session.timeout.ms"));
        Assert.Equal(("1000", 7), Value(16, "s", "interval.ms"));
        Assert.Equal(("", 5), Value(16, "s", "metrics"));
    }

    [Fact]
    public void Answers_can_be_written_in_every_version()
    {
        var request = new DescribeConfigsRequest { Resources = [new() { ResourceType = 2, ResourceName = "t", ConfigurationKeys = null }], IncludeSynonyms = true };
        for (var version = DescribeConfigsResponse.Versions.Min; version <= DescribeConfigsResponse.Versions.Max; version++)
        {
            var response = ConfigQueries.Describe(cluster.Image, cluster.Config, request, version);
            using var writer = new MessageWriter();
            response.Write(writer, version);
            Assert.Equal(version == 0, response.Results[0].Configs.Any(entry => entry.IsDefault));
        }
    }

    [Fact]
    public void Resources_are_listed_by_type()
    {
        Ok(Resource(32, "g", ("consumer.session.timeout.ms", Set, "50000")), Resource(16, "s", ("interval.ms", Set, "1000")));
        Assert.Equal("2:t 4:1 8:1 16:s 32:g", List());
        Assert.Equal("16:s", List(16));
        Assert.Equal(ErrorCode.UnsupportedVersion, ConfigQueries.List(cluster.Image, new ListConfigResourcesRequest { ResourceTypes = [7] }).ErrorCode);

        string List(params sbyte[] types) => string.Join(' ', ConfigQueries.List(cluster.Image, new ListConfigResourcesRequest { ResourceTypes = types })
            .ConfigResources.Select(resource => $"{resource.ResourceType}:{resource.ResourceName}"));
    }

    private (string? Value, int Source) Value(sbyte type, string name, string key)
    {
        var entry = Assert.Single(Describe(type, name, [key]).Configs);
        return (entry.Value, entry.ConfigSource);
    }

    private DescribeConfigsResponse.DescribeConfigsResult Describe(sbyte type, string name, string[]? keys)
    {
        var request = new DescribeConfigsRequest { Resources = [new() { ResourceType = type, ResourceName = name, ConfigurationKeys = keys }], IncludeSynonyms = true };
        return Assert.Single(ConfigQueries.Describe(cluster.Image, cluster.Config, request, version: 4).Results);
    }

    private void Ok(params IncrementalAlterConfigsRequest.AlterConfigsResource[] resources) =>
        Assert.All(Alter(resources), response => Assert.Equal((ErrorCode.None, null), (response.ErrorCode, response.ErrorMessage)));

    private IncrementalAlterConfigsResponse.AlterConfigsResourceResponse[] Alter(params IncrementalAlterConfigsRequest.AlterConfigsResource[] resources) =>
        cluster.Do(cluster.Controller.IncrementalAlterConfigs(cluster.Image, new IncrementalAlterConfigsRequest { Resources = resources }, cluster.Context)).Responses;

    private static IncrementalAlterConfigsRequest.AlterConfigsResource Topic(string name, params (string Name, sbyte Operation, string? Value)[] changes) =>
        Resource(2, name, changes);

    private static IncrementalAlterConfigsRequest.AlterConfigsResource Resource(sbyte type, string name, params (string Name, sbyte Operation, string? Value)[] changes) => new()
    {
        ResourceType = type,
        ResourceName = name,
        Configs = [.. changes.Select(change => new IncrementalAlterConfigsRequest.AlterableConfig
        {
            Name = change.Name, ConfigOperation = change.Operation, Value = change.Value,
        })],
    };

    private string Text(ConfigResource resource) =>
        string.Join(' ', cluster.Image.Configs.Of(resource).Select(pair => $"{pair.Key}={pair.Value}"));
}
