using Milena.Common;
using Milena.Metadata.Controllers;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Metadata.Tests.Controllers.Cluster;

namespace Milena.Metadata.Tests.Controllers;

public class DeleteTopicsTests
{
    [Fact]
    public void A_topic_is_deleted_by_name_or_id_with_its_configuration()
    {
        var cluster = new Cluster().WithBrokers(1);
        var byName = cluster.CreateTopic("a", 2, 1, ("retention.ms", "1")).TopicId;
        var byId = cluster.CreateTopic("b").TopicId;

        var results = Delete(cluster, new() { Name = "a" }, new() { TopicId = byId });
        Assert.Equal([("a", byName, ErrorCode.None), ("b", byId, ErrorCode.None)], results.Select(result => (result.Name!, result.TopicId, result.ErrorCode)));
        Assert.Equal([byName, byId], cluster.Records.Cast<RemoveTopicRecord>().Select(record => record.TopicId));
        Assert.Equal(0, cluster.Image.Topics.Count);
        Assert.Empty(cluster.Image.Configs.Of(ConfigResource.Topic("a")));
    }

    [Fact]
    public void Old_versions_name_topics_in_a_list()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("a");
        var request = new DeleteTopicsRequest { TopicNames = ["a", "missing"] };
        var results = cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, request, cluster.Context with { Version = 1 })).Responses;
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownTopicOrPartition], results.Select(result => result.ErrorCode));
    }

    [Fact]
    public void UNKNOWN_TOPIC_OR_PARTITION_and_UNKNOWN_TOPIC_ID()
    {
        var results = Delete(new Cluster().WithBrokers(1), new() { Name = "missing" }, new() { TopicId = new Uuid(5, 5) }, new() { Name = "__cluster_metadata" });
        Assert.Equal([ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicId, ErrorCode.UnknownTopicOrPartition], results.Select(result => result.ErrorCode));
        Assert.Null(results[1].Name);
    }

    [Fact]
    public void INVALID_REQUEST_for_both_neither_and_twice()
    {
        var cluster = new Cluster().WithBrokers(1);
        var id = cluster.CreateTopic("a").TopicId;
        var other = cluster.CreateTopic("b").TopicId;
        var results = Delete(
            cluster,
            new() { Name = "a", TopicId = id }, new(), new() { Name = "c" }, new() { Name = "c" }, new() { TopicId = other }, new() { Name = "b" });
        Assert.Equal(
            [
                "You may not specify both topic name and topic id.", "Neither topic name nor id were specified.", "Duplicate topic name.",
                "The provided topic name maps to an ID that was already supplied.", "The provided topic name maps to an ID that was already supplied.",
            ],
            results.Select(result => result.ErrorMessage));
        Assert.All(results, result => Assert.Equal(ErrorCode.InvalidRequest, result.ErrorCode));
        Assert.Equal("Duplicate topic id.", Assert.Single(Delete(cluster, new() { TopicId = id }, new() { TopicId = id })).ErrorMessage);
        Assert.Equal(2, cluster.Image.Topics.Count);
    }

    [Theory]
    [InlineData(2, ErrorCode.InvalidRequest)]
    [InlineData(3, ErrorCode.TopicDeletionDisabled)]
    public void TOPIC_DELETION_DISABLED_from_version_3_on(short version, ErrorCode code)
    {
        var cluster = new Cluster("delete.topic.enable=false").WithBrokers(1);
        cluster.CreateTopic("a");
        var request = new DeleteTopicsRequest { TopicNames = ["a"] };
        var result = Assert.Single(cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, request, cluster.Context with { Version = version })).Responses);
        Assert.Equal(code, result.ErrorCode);
        Assert.Empty(cluster.Records);
    }

    [Fact]
    public void Who_may_not_describe_a_topic_does_not_learn_of_it()
    {
        var cluster = new Cluster().WithBrokers(1);
        var seen = cluster.CreateTopic("seen").TopicId;
        var hidden = cluster.CreateTopic("hidden").TopicId;
        var access = new TopicAccess { MayDescribe = name => name == "seen", MayDelete = _ => false };
        var request = new DeleteTopicsRequest { Topics = [new() { TopicId = seen }, new() { TopicId = hidden }, new() { Name = "missing" }] };
        var results = cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, request, cluster.Context with { Access = access })).Responses;
        Assert.All(results, result => Assert.Equal(ErrorCode.TopicAuthorizationFailed, result.ErrorCode));
        Assert.Equal(["seen", null, "missing"], results.Select(result => result.Name));
    }

    [Fact]
    public void THROTTLING_QUOTA_EXCEEDED()
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("a", 3);
        var request = new DeleteTopicsRequest { Topics = [new() { Name = "a" }] };
        var context = cluster.Context with { TakeMutations = count => count < 3 };
        Assert.Equal(
            ErrorCode.ThrottlingQuotaExceeded,
            Assert.Single(cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, request, context)).Responses).ErrorCode);
    }

    private static DeleteTopicsResponse.DeletableTopicResult[] Delete(Cluster cluster, params DeleteTopicsRequest.DeleteTopicState[] topics) =>
        cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, new DeleteTopicsRequest { Topics = topics }, cluster.Context)).Responses;
}

public class CreatePartitionsTests
{
    [Fact]
    public void Partitions_are_added_behind_those_there_are_with_as_many_replicas()
    {
        var cluster = new Cluster().WithBrokers(1, 2, 3);
        cluster.CreateTopic("t", 2, 2);
        Assert.Equal(ErrorCode.None, Add(cluster, "t", 5).ErrorCode);
        Assert.Equal([2, 3, 4], cluster.Records.Cast<PartitionRecord>().Select(record => record.PartitionId));
        Assert.All(cluster.Records.Cast<PartitionRecord>(), record => Assert.Equal(2, record.Replicas.Length));
        Assert.Equal(ErrorCode.None, Add(cluster, "t", 6, [3, 1]).ErrorCode);
        Assert.Equal([3, 1], cluster.Partition("t", 5).Replicas);
    }

    [Theory]
    [InlineData(2, "Topic already has 2 partition(s).")]
    [InlineData(1, "currently has 2 partition(s); 1 would not be an increase")]
    [InlineData(-1, "would not be an increase")]
    public void INVALID_PARTITIONS(int count, string message)
    {
        var cluster = new Cluster().WithBrokers(1);
        cluster.CreateTopic("t", 2);
        var result = Add(cluster, "t", count);
        Assert.Equal(ErrorCode.InvalidPartitions, result.ErrorCode);
        Assert.Contains(message, result.ErrorMessage);
    }

    [Fact]
    public void INVALID_REPLICA_ASSIGNMENT()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.CreateTopic("t", 1, 2);
        cluster.Register(3);
        cluster.Register(4);
        Assert.Contains("Attempted to add 2 additional partition(s), but only 1", Add(cluster, "t", 3, [1, 2]).ErrorMessage);
        foreach (var (replicas, message) in new[] { (new[] { 1 }, "not consistent"), ([1, 1], "more than once"), ([1, 9], "no such broker"), ([], "empty"), ([3, 4], "fenced") })
        {
            var result = Add(cluster, "t", 2, replicas);
            Assert.Equal(ErrorCode.InvalidReplicaAssignment, result.ErrorCode);
            Assert.Contains(message, result.ErrorMessage);
        }
    }

    [Fact]
    public void Other_errors()
    {
        var cluster = new Cluster().WithBrokers(1, 2);
        cluster.CreateTopic("t", 1, 2);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Add(cluster, "missing", 2).ErrorCode);
        Assert.Equal(ErrorCode.PolicyViolation, Add(cluster, "t", 20_000).ErrorCode);
        Assert.Equal(ErrorCode.TopicAuthorizationFailed, Add(cluster, "t", 2, context => context with { Access = new TopicAccess { MayAlter = _ => false } }).ErrorCode);
        Assert.Equal(ErrorCode.ThrottlingQuotaExceeded, Add(cluster, "t", 2, context => context with { TakeMutations = _ => false }).ErrorCode);

        var twice = new CreatePartitionsRequest { Topics = [new() { Name = "t", Count = 2, Assignments = null }, new() { Name = "t", Count = 3, Assignments = null }] };
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(cluster.Do(cluster.Controller.CreatePartitions(cluster.Image, twice, cluster.Context)).Results).ErrorCode);
        var only = new CreatePartitionsRequest { Topics = [new() { Name = "t", Count = 2, Assignments = null }], ValidateOnly = true };
        Assert.Equal(ErrorCode.None, Assert.Single(cluster.Do(cluster.Controller.CreatePartitions(cluster.Image, only, cluster.Context)).Results).ErrorCode);
        Assert.Empty(cluster.Records);

        cluster.Heartbeat(1, wantFence: true);
        cluster.Heartbeat(2, wantFence: true);
        Assert.Equal(ErrorCode.InvalidReplicationFactor, Add(cluster, "t", 2).ErrorCode);
    }

    private static CreatePartitionsResponse.CreatePartitionsTopicResult Add(Cluster cluster, string topic, int count, int[]? replicas = null) =>
        Add(cluster, topic, count, context => context, replicas);

    private static CreatePartitionsResponse.CreatePartitionsTopicResult Add(
        Cluster cluster, string topic, int count, Func<ControllerContext, ControllerContext> change, int[]? replicas = null)
    {
        var request = new CreatePartitionsRequest
        {
            Topics = [new() { Name = topic, Count = count, Assignments = replicas is null ? null : [new() { BrokerIds = replicas }] }],
        };
        return Assert.Single(cluster.Do(cluster.Controller.CreatePartitions(cluster.Image, request, change(cluster.Context))).Results);
    }
}
