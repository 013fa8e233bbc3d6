using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Broker.Apis;
using Milena.Broker.Configuration;
using Milena.Broker.Dispatch;
using Milena.Broker.Fetching;
using Milena.Broker.Metrics;
using Milena.Broker.Transactions;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Metadata.Images;
using Milena.Metrics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Tests.Apis;

/// <summary>
/// A partition that another broker leads: clients that know how are told who that is and where (KIP-951). Such a cluster is made of
/// metadata records alone.
/// </summary>
public sealed class LeaderHintTests : IAsyncLifetime
{
    private static readonly TestTopic Elsewhere = new("elsewhere", new Uuid(5, 500));
    private static readonly TestTopic Follows = new("follows", new Uuid(6, 600));
    private readonly TempDirectory directory = new();
    private LogManager logs = null!;
    private ProduceApi produce = null!;
    private FetchApi fetch = null!;

    public ValueTask InitializeAsync()
    {
        var config = TestBroker.Config(directory.Path);
        var time = new FakeTimeProvider();
        logs = LogManager.Open(BrokerOptions.LogManager(config), time, new Random(1), NullLoggerFactory.Instance);
        logs.LoadLogs(_ => LogConfig.Default);
        var replicas = new ReplicaManager(BrokerOptions.Replication(config), logs, NullLogger<ReplicaManager>.Instance);
        var delta = MetadataImage.Empty.Replay(
        [
            Broker(1), Broker(2), Broker(3),
            new TopicRecord { Name = Elsewhere.Name, TopicId = Elsewhere.Id },
            Partition(Elsewhere, 0, leader: 2, epoch: 7, 2),
            Partition(Elsewhere, 1, leader: 3, epoch: 8, 3),
            Partition(Elsewhere, 2, leader: -1, epoch: 9, 3),
            new TopicRecord { Name = Follows.Name, TopicId = Follows.Id },
            Partition(Follows, 0, leader: 2, epoch: 4, 2, 1),
        ]);
        replicas.Apply(delta);
        var metadata = new MetadataCache();
        metadata.Publish(delta.After);
        var partitions = new PartitionDirectory(replicas, metadata);
        var metrics = new TopicMetrics(new MetricRegistry(time));
        produce = new ProduceApi(partitions, new TransactionVerifier(new NoTransactions(), partitions, static () => true), metrics, NoQuotas.Instance);
        fetch = new FetchApi(
            new FetchSessions(new FetchSessionCache(10, 1000, new Random(1)), time), new FetchReader(partitions, 1 << 20, time, metrics), NoQuotas.Instance);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await logs.CloseAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, true)]
    [InlineData(12, true)]
    [InlineData(13, true)]
    public async Task Produce_tells_from_version_10_on(int version, bool tells)
    {
        var request = ClientExtensions.ProduceRequest(Elsewhere, 0, Batches.Of("a"));
        request.TopicData[0].PartitionData =
        [
            .. new[] { 0, 1, 0, 2 }.Select(
                index => new ProduceRequest.PartitionProduceData { Index = index, Records = new(Batches.Of("a")) }),
        ];
        var response = (await produce.Handle(request, await Context(ApiKey.Produce, version)))!;
        Assert.All(response.Responses[0].PartitionResponses, answer => Assert.Equal(ErrorCode.NotLeaderOrFollower, answer.ErrorCode));
        Assert.Equal(
            tells ? [(2, 7), (3, 8), (2, 7), (-1, -1)] : Enumerable.Repeat((-1, -1), 4),
            response.Responses[0].PartitionResponses.Select(answer => (answer.CurrentLeader.LeaderId, answer.CurrentLeader.LeaderEpoch)));
        Assert.Equal(
            tells ? [(2, "host-2", 9092, "rack-2"), (3, "host-3", 9092, "rack-3")] : [],
            response.NodeEndpoints.Select(node => (node.NodeId, node.Host, node.Port, node.Rack!)));
        Frames.Response(response, (short)version, 1).Dispose();
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(12, false)]
    [InlineData(15, false)]
    [InlineData(16, true)]
    [InlineData(18, true)]
    public async Task Fetch_tells_from_version_16_on(int version, bool tells)
    {
        var request = ClientExtensions.FetchRequest(
            Elsewhere, ClientExtensions.From(0, 0), ClientExtensions.From(1, 0), ClientExtensions.From(2, 0));
        request.MaxWaitMs = 60_000; // an error is not waited with
        var response = (await fetch.Handle(request, await Context(ApiKey.Fetch, version)))!;
        Assert.All(response.Responses[0].Partitions, answer => Assert.Equal(ErrorCode.NotLeaderOrFollower, answer.ErrorCode));
        Assert.Equal(
            tells ? [(2, 7), (3, 8), (-1, -1)] : Enumerable.Repeat((-1, -1), 3),
            response.Responses[0].Partitions.Select(answer => (answer.CurrentLeader.LeaderId, answer.CurrentLeader.LeaderEpoch)));
        Assert.Equal(tells ? [2, 3] : [], response.NodeEndpoints.Select(node => node.NodeId));
        Frames.Response(response, (short)version, 1).Dispose();
    }

    [Fact]
    public async Task A_follower_tells_what_it_was_told_itself()
    {
        var produced = (
            await produce.Handle(ClientExtensions.ProduceRequest(Follows, 0, Batches.Of("a")), await Context(ApiKey.Produce, 13)))!;
        Assert.Equal(
            (ErrorCode.NotLeaderOrFollower, 2, 4),
            produced.Responses[0].PartitionResponses[0] is var answer
                ? (answer.ErrorCode, answer.CurrentLeader.LeaderId, answer.CurrentLeader.LeaderEpoch)
                : default);
        var fetched = (
            await fetch.Handle(ClientExtensions.FetchRequest(Follows, ClientExtensions.From(0, 0)), await Context(ApiKey.Fetch, 18)))!;
        Assert.Equal(
            (ErrorCode.NotLeaderOrFollower, 2, 4),
            fetched.Only() is var read ? (read.ErrorCode, read.CurrentLeader.LeaderId, read.CurrentLeader.LeaderEpoch) : default);
        Assert.Equal([2], fetched.NodeEndpoints.Select(node => node.NodeId));
    }

    [Fact]
    public async Task A_broker_that_the_clients_listener_does_not_reach_is_named_without_a_place()
    {
        var context = await Context(ApiKey.Produce, 13, "OTHER");
        var response = (await produce.Handle(ClientExtensions.ProduceRequest(Elsewhere, 0, Batches.Of("a")), context))!;
        Assert.Equal(2, response.Responses[0].PartitionResponses[0].CurrentLeader.LeaderId);
        Assert.Empty(response.NodeEndpoints);
    }

    private static RegisterBrokerRecord Broker(int id) => new()
    {
        BrokerId = id,
        BrokerEpoch = id,
        IncarnationId = new Uuid(1, 1000 + (ulong)id),
        EndPoints = [new() { Name = TestBroker.Listener, Host = $"host-{id}", Port = 9092 }],
        Rack = $"rack-{id}",
        Fenced = false,
    };

    private static PartitionRecord Partition(TestTopic topic, int number, int leader, int epoch, params int[] replicas) => new()
    {
        PartitionId = number,
        TopicId = topic.Id,
        Replicas = replicas,
        Isr = replicas,
        Leader = leader,
        LeaderEpoch = epoch,
        PartitionEpoch = 0,
        Directories = [.. replicas.Select(_ => Uuid.UnassignedDirectory)],
    };

    private static async Task<RequestContext> Context(ApiKey key, int version, string listener = TestBroker.Listener) =>
        new(await TestConnection.Make(listener), InboundFrame.Copy([]), key, (short)version, 1, "tests", TestConnection.Metrics);

    private sealed class NoTransactions : ITransactionPartitions
    {
        public ValueTask<ErrorCode[]> EnsureAsync(
            string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add) =>
            new([.. partitions.Select(_ => ErrorCode.TransactionAbortable)]);
    }
}
