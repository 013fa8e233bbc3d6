using Milena.Common;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>CreateTopics: what it writes, and every error it can give.</summary>
public class CreateTopicsTests
{
    [Fact]
    public void A_topic_is_its_record_then_its_configurations_then_its_partitions()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        var result = cluster.CreateTopic("orders", partitions: 2, replicas: 2, ("retention.ms", "1000"), ("cleanup.policy", "compact"));

        Assert.Equal((ErrorCode.None, null, 2, 2), (result.ErrorCode, result.ErrorMessage, result.NumPartitions, result.ReplicationFactor));
        Assert.Equal(
            ["TopicRecord", "ConfigRecord", "ConfigRecord", "PartitionRecord", "PartitionRecord"],
            cluster.Records.Select(record => record.GetType().Name));
        var topic = Assert.IsType<TopicRecord>(cluster.Records[0]);
        Assert.Equal(("orders", result.TopicId), (topic.Name, topic.TopicId));
        var partition = Assert.IsType<PartitionRecord>(cluster.Records[4]);
        Assert.Equal((1, 0, 0), (partition.PartitionId, partition.LeaderEpoch, partition.PartitionEpoch));
        Assert.Equal([1, 2], partition.Replicas.Order());
        Assert.Equal(partition.Replicas, partition.Isr);
        Assert.Equal(partition.Replicas[0], partition.Leader);
        Assert.Equal(partition.Replicas.Select(id => Cluster.Directory(id)), partition.Directories);
    }

    [Fact]
    public void The_answer_tells_every_configuration_and_where_it_comes_from()
    {
        var cluster = new Cluster("log.retention.hours=24\nlog.segment.bytes=2000000").WithBrokers(1);
        var configs = cluster.CreateTopic("orders", 1, 1, ("retention.bytes", "5")).Configs!.ToDictionary(entry => entry.Name);

        Assert.Equal(("5", 1), (configs["retention.bytes"].Value, configs["retention.bytes"].ConfigSource));
        Assert.Equal(("86400000", 4), (configs["retention.ms"].Value, configs["retention.ms"].ConfigSource));
        Assert.Equal(("2000000", 4), (configs["segment.bytes"].Value, configs["segment.bytes"].ConfigSource));
        Assert.Equal(("delete", 5), (configs["cleanup.policy"].Value, configs["cleanup.policy"].ConfigSource));
        Assert.Equal(("1", 3), (configs["min.insync.replicas"].Value, configs["min.insync.replicas"].ConfigSource));
        Assert.DoesNotContain("internal.segment.bytes", configs.Keys);
    }

    [Fact]
    public void Minus_one_means_what_the_controller_is_configured_for()
    {
        var cluster = new Cluster("num.partitions=3\ndefault.replication.factor=2").WithBrokers(1, 2);
        var result = cluster.CreateTopic("orders", partitions: -1, replicas: -1);
        Assert.Equal((3, 2), (result.NumPartitions, result.ReplicationFactor));
    }

    [Fact]
    public void Validation_only_answers_and_writes_nothing()
    {
        var cluster = new Cluster().WithBrokers(1);
        var request = new CreateTopicsRequest { Topics = [Topic("orders", 4)], ValidateOnly = true };
        var result = Assert.Single(cluster.Do(cluster.Controller.CreateTopics(cluster.Image, request, cluster.Context)).Topics);
        Assert.Equal((ErrorCode.None, 4), (result.ErrorCode, result.NumPartitions));
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Brokers_may_be_chosen_and_fenced_ones_begin_outside_of_the_isr()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.Register(3);
        var results = cluster.Create(Assigned("orders", (0, [3, 2]), (1, [1, 3])));
        Assert.Equal(ErrorCode.None, Assert.Single(results.Topics).ErrorCode);
        Assert.Equal([2], cluster.Partition("orders").Isr);
        Assert.Equal(2, cluster.Partition("orders").Leader);
        Assert.Equal([1, 3], cluster.Partition("orders", 1).Replicas);
    }

    [Theory]
    [InlineData("", "the empty string is not allowed")]
    [InlineData("..", "'..' is not allowed")]
    [InlineData("a/b", "other than ASCII alphanumerics")]
    [InlineData("with_underscore", "collides with existing topic: with.underscore")]
    public void INVALID_TOPIC_EXCEPTION_for_a_name_that_is_none_or_collides(string name, string message)
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("with.underscore");
        Refused(cluster, Topic(name), ErrorCode.InvalidTopicException, message);
        Refused(cluster, Topic(new string('x', 250)), ErrorCode.InvalidTopicException, "longer than the max allowed length 249");
    }

    [Fact]
    public void INVALID_TOPIC_EXCEPTION_for_the_second_of_two_names_that_collide()
    {
        var cluster = new Cluster().WithBrokers(1);
        var results = cluster.Create(Topic("a.b"), Topic("a_b")).Topics;
        Assert.Equal([ErrorCode.None, ErrorCode.InvalidTopicException], results.Select(result => result.ErrorCode));
    }

    [Fact]
    public void TOPIC_ALREADY_EXISTS()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("a.b");
        Refused(cluster, Topic("a.b"), ErrorCode.TopicAlreadyExists, "Topic 'a.b' already exists.");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    public void INVALID_PARTITIONS(int count) =>
        Refused(new Cluster().WithBrokers(1), Topic("t", count), ErrorCode.InvalidPartitions, "non-positive");

    [Theory]
    [InlineData(0, "larger than 0")]
    [InlineData(-2, "larger than 0")]
    [InlineData(2, "only 1 broker(s)")]
    public void INVALID_REPLICATION_FACTOR(int factor, string message) =>
        Refused(new Cluster().WithBrokers(1), Topic("t", 1, factor), ErrorCode.InvalidReplicationFactor, message);

    [Fact]
    public void INVALID_REPLICATION_FACTOR_where_nobody_may_lead()
    {
        var cluster = new Cluster();
        Refused(cluster, Topic("t"), ErrorCode.InvalidReplicationFactor, "only 0 broker(s)");
        cluster.Register(1);
        Refused(cluster, Topic("t"), ErrorCode.InvalidReplicationFactor, "All brokers are currently fenced");
    }

    [Theory]
    [InlineData("0=1,2 0=1,2", "INVALID_REPLICA_ASSIGNMENT", "multiple manual partition assignments for partition 0")]
    [InlineData("0=1 2=2", "INVALID_REPLICA_ASSIGNMENT", "consecutive 0-based")]
    [InlineData("1=1", "INVALID_REPLICA_ASSIGNMENT", "consecutive 0-based")]
    [InlineData("0=1,1", "INVALID_REPLICA_ASSIGNMENT", "includes the broker 1 more than once")]
    [InlineData("0=1,9", "INVALID_REPLICA_ASSIGNMENT", "broker 9, but no such broker")]
    [InlineData("0=", "INVALID_REPLICA_ASSIGNMENT", "empty replica list")]
    [InlineData("0=1,2 1=1", "INVALID_REPLICA_ASSIGNMENT", "not consistent with previous partitions, which have 2")]
    [InlineData("0=3", "INVALID_REPLICA_ASSIGNMENT", "are fenced or in controlled shutdown")]
    public void INVALID_REPLICA_ASSIGNMENT(string assignments, string code, string message)
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.Register(3);
        var pairs = assignments.Split(' ').Select(text => text.Split('=')).Select(parts =>
            (int.Parse(parts[0]), parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToArray())).ToArray();
        var error = Refused(cluster, Assigned("t", pairs), ErrorCode.InvalidReplicaAssignment, message);
        Assert.Equal(code, error.Name());
    }

    [Fact]
    public void INVALID_REQUEST_for_an_assignment_beside_counts_and_for_names_given_twice()
    {
        var cluster = new Cluster().WithBrokers(1);
        var withFactor = Assigned("t", (0, [1]));
        withFactor.ReplicationFactor = 1;
        Refused(cluster, withFactor, ErrorCode.InvalidRequest, "replication factor was not set to -1");
        var withCount = Assigned("t", (0, [1]));
        withCount.NumPartitions = 1;
        Refused(cluster, withCount, ErrorCode.InvalidRequest, "numPartitions was not set to -1");

        var results = cluster.Create(Topic("twice"), Topic("once"), Topic("twice")).Topics;
        Assert.Equal([("twice", ErrorCode.InvalidRequest), ("once", ErrorCode.None)], results.Select(result => (result.Name, result.ErrorCode)));
        Assert.False(cluster.Image.Topics.TryGet("twice", out _));
    }

    [Theory]
    [InlineData("nonsense", "1", "Unknown topic config name: nonsense")]
    [InlineData("remote.copy.lag.ms", "1", "Unknown topic config name")]
    [InlineData("segment.bytes", "1", "Value must be at least 1048576")]
    [InlineData("cleanup.policy", "shred", "must be one of: compact, delete")]
    [InlineData("min.compaction.lag.ms", "9223372036854775807", null)]
    [InlineData("max.compaction.lag.ms", "5", null)]
    [InlineData("remote.storage.enable", "true", "needs a broker with remote.log.storage.system.enable=true")]
    [InlineData("retention.ms", null, "Null value not supported for topic configs: retention.ms")]
    public void INVALID_CONFIG(string name, string? value, string? message)
    {
        var cluster = new Cluster().WithBrokers(1);
        if (message is not null)
            Refused(cluster, Topic("t", 1, 1, (name, value)), ErrorCode.InvalidConfig, message);
        else
            Assert.Equal(ErrorCode.None, cluster.CreateTopic("t", 1, 1, (name, value)).ErrorCode);
        Refused(cluster, Topic("u", 1, 1, ("min.compaction.lag.ms", "6"), ("max.compaction.lag.ms", "5")), ErrorCode.InvalidConfig, "must be no more than");
    }

    [Fact]
    public void POLICY_VIOLATION_for_more_partitions_or_records_than_one_request_may_have()
    {
        var cluster = new Cluster("num.partitions=6000").WithBrokers(1);
        Assert.All(
            cluster.Create(Topic("a", 10_001), Topic("b")).Topics,
            result => Assert.Equal((ErrorCode.PolicyViolation, "Excessively large number of partitions per request."), (result.ErrorCode, result.ErrorMessage)));
        Assert.All(cluster.Create(Topic("a", -1), Topic("b", -1)).Topics, result => Assert.Equal(ErrorCode.PolicyViolation, result.ErrorCode));
        Refused(cluster, Topic("a", 10_000), ErrorCode.PolicyViolation, "excessively large batch operation");
        Assert.Equal(ErrorCode.None, cluster.CreateTopic("a", 9_999).ErrorCode);
    }

    [Fact]
    public void THROTTLING_QUOTA_EXCEEDED_when_the_callers_mutations_are_spent()
    {
        var cluster = new Cluster().WithBrokers(1);
        var left = 5;
        var context = cluster.Context with { TakeMutations = count => (left -= count) >= 0 };
        var request = new CreateTopicsRequest { Topics = [Topic("a", 3), Topic("b", 3)] };
        var results = cluster.Do(cluster.Controller.CreateTopics(cluster.Image, request, context)).Topics;
        Assert.Equal([ErrorCode.None, ErrorCode.ThrottlingQuotaExceeded], results.Select(result => result.ErrorCode));
    }

    [Fact]
    public void TOPIC_AUTHORIZATION_FAILED_for_who_may_not_and_for_the_metadata_topic()
    {
        var cluster = new Cluster().WithBrokers(1);
        Refused(cluster, Topic("__cluster_metadata"), ErrorCode.TopicAuthorizationFailed, "Authorization failed.");
        var context = cluster.Context with { Access = new TopicAccess { MayCreate = name => name == "mine", MayDescribeConfigs = _ => false } };
        var request = new CreateTopicsRequest { Topics = [Topic("mine"), Topic("yours"), Topic("a/b")] };
        var results = cluster.Do(cluster.Controller.CreateTopics(cluster.Image, request, context)).Topics;
        Assert.Equal(
            [ErrorCode.None, ErrorCode.TopicAuthorizationFailed, ErrorCode.TopicAuthorizationFailed], results.Select(result => result.ErrorCode));
        Assert.Equal((ErrorCode.TopicAuthorizationFailed, -1), (results[0].TopicConfigErrorCode, results[0].NumPartitions));
    }

    [Fact]
    public void One_topic_that_is_refused_does_not_harm_another()
    {
        var cluster = new Cluster().WithBrokers(1);
        var results = cluster.Create(Topic("good"), Topic("bad", 0), Topic("fine")).Topics;
        Assert.Equal([ErrorCode.None, ErrorCode.InvalidPartitions, ErrorCode.None], results.Select(result => result.ErrorCode));
        Assert.Equal(2, cluster.Image.Topics.Count);
    }

    [Theory]
    [InlineData("__consumer_offsets", "cleanup.policy=compact compression.type=producer segment.bytes=104857600")]
    [InlineData("__transaction_state", "cleanup.policy=compact compression.type=uncompressed min.insync.replicas=1 segment.bytes=104857600 unclean.leader.election.enable=false")]
    [InlineData("__share_group_state", "cleanup.policy=delete compression.type=producer min.insync.replicas=1 retention.ms=-1 segment.bytes=104857600")]
    public void Kafkas_own_topics_are_created_with_counts_and_configurations_of_their_own(string name, string configs)
    {
        var cluster = new Cluster("num.partitions=7").WithBrokers(1);
        var result = Assert.Single(cluster.Create(InternalTopics.Creation(name, cluster.Config)).Topics);
        Assert.Equal((ErrorCode.None, 50, 1), (result.ErrorCode, result.NumPartitions, result.ReplicationFactor));
        Assert.Equal(configs, string.Join(' ', cluster.Image.Configs.Of(ConfigResource.Topic(name)).Select(pair => $"{pair.Key}={pair.Value}")));

        var plain = Assert.Single(cluster.Create(InternalTopics.Creation("plain", cluster.Config)).Topics);
        Assert.Equal(7, plain.NumPartitions);
    }

    [Fact]
    public void Answers_can_be_written_in_every_version()
    {
        var cluster = new Cluster().WithBrokers(1);
        var response = cluster.Create(Topic("t"), Topic("bad", 0));
        for (var version = CreateTopicsResponse.Versions.Min; version <= CreateTopicsResponse.Versions.Max; version++)
        {
            using var writer = new MessageWriter();
            response.Write(writer, version);
            Assert.NotEmpty(writer.ToArray());
        }
    }

    private static ErrorCode Refused(Cluster cluster, CreateTopicsRequest.CreatableTopic topic, ErrorCode code, string message)
    {
        var result = Assert.Single(cluster.Create(topic).Topics);
        Assert.Equal(code, result.ErrorCode);
        Assert.Contains(message, result.ErrorMessage);
        Assert.Empty(cluster.Records);
        return result.ErrorCode;
    }
}
