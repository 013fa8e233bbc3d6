using Milena.Common;
using Milena.Metrics;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Measured;

/// <summary>What is shown is what has happened.</summary>
public sealed class CountsTests : IAsyncLifetime
{
    private const string Topics = "kafka.server:type=BrokerTopicMetrics,name=";

    private TestBroker broker = null!;
    private TestClient client = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        client = broker.Connect();
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task Records_and_bytes_are_counted_for_their_topic_and_for_all()
    {
        var a = await client.CreateTopic("a", partitions: 2);
        var b = await client.CreateTopic("b");
        var batch = Batches.Of("1", "2", "3");
        await client.Produce(a, 0, batch);
        await client.Produce(a, 1, batch);
        await client.Produce(b, 0, batch);
        var read = await client.Fetch(a, 0, 0);

        Assert.Equal((6, 3, 9), (Count("MessagesInPerSec,topic=a"), Count("MessagesInPerSec,topic=b"), Count("MessagesInPerSec")));
        Assert.Equal((2 * batch.Length, 3 * batch.Length), (Count("BytesInPerSec,topic=a"), Count("BytesInPerSec")));
        Assert.Equal((2, 1, 3), (Count("TotalProduceRequestsPerSec,topic=a"), Count("TotalProduceRequestsPerSec,topic=b"), Count("TotalProduceRequestsPerSec")));
        Assert.Equal((read.Records.Length, read.Records.Length), (Count("BytesOutPerSec,topic=a"), Count("BytesOutPerSec")));
        Assert.Equal((1, 1), (Count("TotalFetchRequestsPerSec,topic=a"), Count("TotalFetchRequestsPerSec")));
        Assert.Null(Find(Topics + "BytesOutPerSec,topic=b")); // nothing to show, nothing kept
    }

    [Fact]
    public async Task What_is_refused_is_counted_by_its_reason()
    {
        var compacted = await client.CreateTopic("compacted", 1, ("cleanup.policy", "compact"));
        var small = await client.CreateTopic("small", 1, ("max.message.bytes", "200"));
        var large = Batches.OfSize(300);
        Assert.Equal(ErrorCode.InvalidRecord, (await client.Produce(compacted, 0, Batches.Of("no", "keys"))).ErrorCode);
        Assert.Equal(ErrorCode.MessageTooLarge, (await client.Produce(small, 0, large)).ErrorCode);
        Assert.Equal(ErrorCode.CorruptMessage, (await client.Produce(small, 0, Batches.Of("x").With(-1, 77))).ErrorCode);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, await Gap(small));
        Assert.Equal(ErrorCode.UnknownTopicId, (await client.Produce(TestTopic.Unknown, 0, Batches.Of("x"))).ErrorCode);

        Assert.Equal((2, 2), (Count("NoKeyCompactedTopicRecordsPerSec,topic=compacted"), Count("NoKeyCompactedTopicRecordsPerSec")));
        Assert.Equal(large.Length, Count("BytesRejectedPerSec,topic=small"));
        Assert.Equal(1, Count("InvalidMessageCrcRecordsPerSec,topic=small"));
        Assert.Equal(1, Count("InvalidOffsetOrSequenceRecordsPerSec,topic=small"));
        Assert.Equal(2, Count("FailedProduceRequestsPerSec")); // too large, broken and unknown are the client's to help
        Assert.Null(Find(Topics + $"TotalProduceRequestsPerSec,topic={TestTopic.Unknown.Name}"));
    }

    [Fact]
    public async Task Conversions_are_counted_by_record()
    {
        var topic = await client.CreateTopic("t", 1, ("compression.type", "lz4"));
        await client.Produce(topic, 0, Batches.Of("1", "2"));
        await client.Produce(topic, 0, Batches.Of(CompressionCodec.Lz4, "1", "2"));
        Assert.Equal(2, Count("ProduceMessageConversionsPerSec,topic=t"));
    }

    [Fact]
    public async Task A_topic_takes_its_metrics_with_it_and_a_new_one_of_its_name_begins_at_nothing()
    {
        var topic = await client.CreateTopic("t", partitions: 3);
        for (var partition = 0; partition < 3; partition++)
            await client.Produce(topic, partition, Batches.Of("x"));
        Assert.Equal(3, MBeans.Of(broker.Server.Metrics).Count(bean => bean.Name.StartsWith("kafka.log:type=Log,name=Size,topic=t,", StringComparison.Ordinal)));

        await client.Send(new DeleteTopicsRequest { Topics = [new() { TopicId = topic.Id }] });
        Assert.DoesNotContain(MBeans.Of(broker.Server.Metrics), bean => bean.Name.Contains("topic=t,", StringComparison.Ordinal) || bean.Name.EndsWith("topic=t", StringComparison.Ordinal));

        topic = await client.CreateTopic("t");
        await client.Produce(topic, 0, Batches.Of("x"));
        Assert.Equal((1, 4), (Count("MessagesInPerSec,topic=t"), Count("MessagesInPerSec")));
    }

    [Fact]
    public async Task Requests_are_counted_by_version_and_by_their_errors()
    {
        var topic = await client.CreateTopic("t");
        await client.Produce(topic, 0, Batches.Of("x"), version: 9);
        await client.Produce(topic, 0, Batches.Of("x"), version: 13);
        await client.Produce(topic, 7, Batches.Of("x"), version: 13);

        Assert.Equal(1L, Of("kafka.network:type=RequestMetrics,name=RequestsPerSec,request=Produce,version=9")["Count"]);
        Assert.Equal(2L, Of("kafka.network:type=RequestMetrics,name=RequestsPerSec,request=Produce,version=13")["Count"]);
        Assert.Equal(2L, Of("kafka.network:type=RequestMetrics,name=ErrorsPerSec,request=Produce,error=NONE")["Count"]);
        Assert.Equal(1L, Of("kafka.network:type=RequestMetrics,name=ErrorsPerSec,request=Produce,error=UNKNOWN_TOPIC_OR_PARTITION")["Count"]);
        Assert.Equal(3L, Of("kafka.network:type=RequestMetrics,name=TotalTimeMs,request=Produce")["Count"]);
        Assert.True((double)Of("kafka.network:type=RequestMetrics,name=RequestBytes,request=Produce")["Min"] > 60);
    }

    [Fact]
    public async Task A_fetch_that_waits_is_remote_time()
    {
        var topic = await client.CreateTopic("t");
        var waiting = client.Send(FetchThatWaits(topic));
        await broker.Parked(topic, 1);
        Assert.Equal(1.0, Of("kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,delayedOperation=Fetch")["Value"]);
        broker.Time.Advance(TimeSpan.FromMilliseconds(400));
        await broker.Connect().Produce(topic, 0, Batches.Of("x"));
        await waiting;

        Assert.Equal((400.0, 0.0), (Of(Time("RemoteTimeMs"))["Max"], Of(Time("LocalTimeMs"))["Max"]));
        Assert.Equal(400.0, Of(Time("TotalTimeMs"))["99thPercentile"]);

        static string Time(string name) => $"kafka.network:type=RequestMetrics,name={name},request=FetchConsumer";
    }

    [Fact]
    public async Task Partitions_brokers_and_the_quorum_are_as_they_are()
    {
        await client.CreateTopic("t", partitions: 3);
        Assert.Equal((3.0, 3.0), (Value("kafka.server:type=ReplicaManager,name=PartitionCount"), Value("kafka.server:type=ReplicaManager,name=LeaderCount")));
        Assert.Equal((1.0, 1.0), (Value("kafka.controller:type=KafkaController,name=ActiveControllerCount"), Value("kafka.controller:type=KafkaController,name=ActiveBrokerCount")));
        Assert.Equal((1.0, 3.0), (Value("kafka.controller:type=KafkaController,name=GlobalTopicCount"), Value("kafka.controller:type=KafkaController,name=GlobalPartitionCount")));
        Assert.Equal(3.0, Value("kafka.server:type=KafkaServer,name=BrokerState"));
        Assert.Equal(broker.Server.ClusterId, Of("kafka.server:type=KafkaServer,name=ClusterId")["Value"]);
        var raft = Of("kafka.server:type=raft-metrics");
        Assert.Equal("leader", raft["current-state"]);
        Assert.Equal(raft["high-watermark"], raft["log-end-offset"]);
        Assert.Equal((double)raft["high-watermark"] - 1, Of("kafka.server:type=broker-metadata-metrics")["last-applied-record-offset"]);
        Assert.Equal(0.0, Value("kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions"));
        Assert.Equal(0.0, Value("kafka.log:type=LogManager,name=OfflineLogDirectoryCount"));
    }

    [Fact]
    public async Task Commits_and_deletions_of_offsets_are_counted()
    {
        await client.CreateTopic("t");
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var commit = await client.Send(new OffsetCommitRequest
        {
            GroupId = "g",
            GenerationIdOrMemberEpoch = -1,
            Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = 5 }] }],
        }, 8);
        Assert.Equal(ErrorCode.None, commit.Topics[0].Partitions[0].ErrorCode);
        var groups = Of("kafka.server:type=group-coordinator-metrics");
        Assert.Equal((1.0, 0.0), (groups["offset-commit-count"], groups["offset-deletion-count"]));
        Assert.Equal((1.0, 1.0), (Value("kafka.server:type=GroupMetadataManager,name=NumOffsets"), Value("kafka.server:type=GroupMetadataManager,name=NumGroupsEmpty")));

        await client.Send(new OffsetDeleteRequest { GroupId = "g", Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0 }] }] });
        Assert.Equal(1.0, Of("kafka.server:type=group-coordinator-metrics")["offset-deletion-count"]);
        Assert.Equal(0.0, Value("kafka.server:type=GroupMetadataManager,name=NumOffsets"));
    }

    [Fact]
    public async Task Connections_and_their_bytes_are_counted_also_when_they_are_gone()
    {
        var other = broker.Connect();
        await other.Send(new ApiVersionsRequest());
        var before = Of("kafka.server:type=socket-server-metrics,listener=PLAINTEXT,networkProcessor=0");
        Assert.Equal((2.0, 2.0, 1.0), (before["connection-count"], before["connection-creation-total"], before["request-total"]));
        await other.DisposeAsync();
        while ((double)Of("kafka.server:type=socket-server-metrics,listener=PLAINTEXT,networkProcessor=0")["connection-count"] > 1)
            await Task.Yield();
        var after = Of("kafka.server:type=socket-server-metrics,listener=PLAINTEXT,networkProcessor=0");
        Assert.Equal((1.0, 1.0), (after["connection-close-total"], after["request-total"]));
        Assert.InRange((double)after["incoming-byte-total"], 20, 100);
        Assert.Equal(16.0, after["outgoing-byte-total"]); // a refusal, as the request does not name its program
    }

    private static FetchRequest FetchThatWaits(TestTopic topic)
    {
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        request.MaxWaitMs = 10_000;
        return request;
    }

    private async Task<ErrorCode> Gap(TestTopic topic)
    {
        await client.Produce(topic, 0, Batches.Idempotent(77, 0, 0, "a"));
        return (await client.Produce(topic, 0, Batches.Idempotent(77, 0, 5, "b"))).ErrorCode;
    }

    private long Count(string name) => (long)Of(Topics + name)["Count"];

    private double Value(string name) => (double)Of(name)["Value"];

    private IReadOnlyDictionary<string, object> Of(string name) => Find(name) ?? throw new InvariantViolation($"there is no {name}");

    private IReadOnlyDictionary<string, object>? Find(string name) => MBeans.Of(broker.Server.Metrics).SingleOrDefault(bean => bean.Name == name)?.Attributes;
}
