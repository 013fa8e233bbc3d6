using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Broker.Apis;
using Milena.Broker.Configuration;
using Milena.Broker.Dispatch;
using Milena.Broker.Metrics;
using Milena.Broker.Transactions;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Metadata.Images;
using Milena.Metrics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Tests.Transactions;

/// <summary>What Produce asks a transaction's coordinator before it appends, and what it does meanwhile.</summary>
public sealed class VerifiedProduceTests : IAsyncLifetime
{
    private static readonly TestTopic Topic = new("t", new Uuid(5, 500));
    private readonly TempDirectory directory = new();
    private readonly Coordinator coordinator = new();
    private LogManager logs = null!;
    private ReplicaManager replicas = null!;
    private ProduceApi produce = null!;
    private Connection connection = null!;
    private bool isEnabled = true;

    public async ValueTask InitializeAsync()
    {
        var config = TestBroker.Config(directory.Path);
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        logs = LogManager.Open(BrokerOptions.LogManager(config), time, new Random(1), NullLoggerFactory.Instance);
        logs.LoadLogs(_ => LogConfig.Default);
        replicas = new ReplicaManager(BrokerOptions.Replication(config), logs, NullLogger<ReplicaManager>.Instance);
        var delta = MetadataImage.Empty.Replay([new TopicRecord { Name = Topic.Name, TopicId = Topic.Id }, Partition(0), Partition(1)]);
        replicas.Apply(delta);
        var metadata = new MetadataCache();
        metadata.Publish(delta.After);
        var partitions = new PartitionDirectory(replicas, metadata);
        produce = new ProduceApi(partitions, new TransactionVerifier(coordinator, partitions, () => isEnabled), new TopicMetrics(new MetricRegistry(time)), NoQuotas.Instance);
        connection = await TestConnection.Make();
    }

    public async ValueTask DisposeAsync()
    {
        await logs.CloseAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(11, false)]
    [InlineData(12, true)]
    [InlineData(13, true)]
    public async Task A_partition_is_asked_about_once_a_transaction_and_made_part_of_it_by_new_clients(short version, bool adds)
    {
        await Produce(version, (0, Batches.Transactional(7, 0, 0, "a")), (1, Batches.Transactional(7, 0, 0, "b")));
        await Produce(version, (0, Batches.Transactional(7, 0, 1, "c")));
        Assert.Equal([$"tx 7 0 t-0,t-1 {adds}"], coordinator.Asked);
        Assert.Equal((2, 1), (Log(0).LogEndOffset, Log(1).LogEndOffset));

        Mark(0, 7, epoch: 1);
        await Produce(version, (0, Batches.Transactional(7, 1, 0, "d")));
        Assert.Equal([$"tx 7 0 t-0,t-1 {adds}", $"tx 7 1 t-0 {adds}"], coordinator.Asked);
    }

    [Fact]
    public async Task Without_a_transactional_id_nobody_is_asked()
    {
        Assert.Equal([ErrorCode.None], await Produce(13, null, (0, Batches.Idempotent(7, 0, 0, "a"))));
        Assert.Equal([ErrorCode.None], await Produce(13, (0, Batches.Of("b")))); // a producer that could, and does not
        Assert.Equal([ErrorCode.TransactionalIdAuthorizationFailed], await Produce(13, null, (0, Batches.Transactional(8, 0, 0, "c"))));
        Assert.Empty(coordinator.Asked);
        Assert.Equal(2, Log(0).LogEndOffset);
    }

    [Fact]
    public async Task Where_verification_is_switched_off_only_clients_that_rely_on_it_are_asked_about()
    {
        isEnabled = false;
        Assert.Equal([ErrorCode.None], await Produce(11, (0, Batches.Transactional(7, 0, 0, "a"))));
        Assert.Empty(coordinator.Asked);
        Assert.Equal([ErrorCode.None], await Produce(12, (1, Batches.Transactional(7, 0, 0, "a"))));
        Assert.Equal(["tx 7 0 t-1 True"], coordinator.Asked);
    }

    [Theory]
    [InlineData(ErrorCode.TransactionAbortable, 10, ErrorCode.InvalidTxnState)]
    [InlineData(ErrorCode.TransactionAbortable, 11, ErrorCode.TransactionAbortable)]
    [InlineData(ErrorCode.TransactionAbortable, 13, ErrorCode.TransactionAbortable)]
    [InlineData(ErrorCode.ConcurrentTransactions, 11, ErrorCode.NotEnoughReplicas)]
    [InlineData(ErrorCode.ConcurrentTransactions, 12, ErrorCode.ConcurrentTransactions)]
    [InlineData(ErrorCode.CoordinatorLoadInProgress, 9, ErrorCode.NotEnoughReplicas)]
    [InlineData(ErrorCode.CoordinatorNotAvailable, 12, ErrorCode.NotEnoughReplicas)]
    [InlineData(ErrorCode.NotCoordinator, 12, ErrorCode.NotEnoughReplicas)]
    [InlineData(ErrorCode.ProducerFenced, 12, ErrorCode.InvalidProducerEpoch)]
    [InlineData(ErrorCode.InvalidProducerIdMapping, 12, ErrorCode.InvalidProducerIdMapping)]
    public async Task A_refusal_is_told_in_words_that_the_version_knows_and_nothing_is_written(ErrorCode answer, short version, ErrorCode told)
    {
        coordinator.Answers = [answer, ErrorCode.None];
        Assert.Equal(
            [told, ErrorCode.None],
            await Produce(version, (0, Batches.Transactional(7, 0, 0, "a")), (1, Batches.Transactional(7, 0, 0, "b"))));
        Assert.Equal((0, 1), (Log(0).LogEndOffset, Log(1).LogEndOffset));

        coordinator.Answers = [ErrorCode.None];
        Assert.Equal([ErrorCode.None], await Produce(version, (0, Batches.Transactional(7, 0, 0, "a"))));
    }

    [Fact]
    public async Task One_transaction_has_one_producer()
    {
        Assert.Equal(
            [ErrorCode.InvalidProducerIdMapping, ErrorCode.InvalidProducerIdMapping],
            await Produce(12, (0, Batches.Transactional(7, 0, 0, "a")), (1, Batches.Transactional(8, 0, 0, "b"))));
        Assert.Empty(coordinator.Asked);
        Assert.Equal((0, 0), (Log(0).LogEndOffset, Log(1).LogEndOffset));
    }

    [Fact]
    public async Task While_the_coordinator_is_asked_later_requests_of_the_connection_wait_and_are_appended_in_order()
    {
        coordinator.Gate = new();
        var first = Produce(12, (0, Batches.Transactional(7, 0, 0, "a")));
        var second = Produce(12, (0, Batches.Transactional(7, 0, 1, "b")));
        var plain = Produce(12, null, (0, Batches.Of("c")));
        Assert.False(first.IsCompleted || second.IsCompleted || plain.IsCompleted);
        Assert.Single(coordinator.Asked);

        // Nobody else waits.
        var other = connection;
        connection = await TestConnection.Make();
        Assert.Equal([ErrorCode.None], await Produce(12, null, (0, Batches.Of("z"))));
        connection = other;

        coordinator.Gate.SetResult();
        Assert.Equal([ErrorCode.None], await first);
        Assert.Equal([ErrorCode.None], await second);
        Assert.Equal([ErrorCode.None], await plain);
        Assert.Single(coordinator.Asked);
        var read = Log(0).Read(0, 10_000, 10, minOneBatch: true);
        Assert.Equal(["z", "a", "b", "c"], Batches.Values(read.Records));
        Assert.Equal([ErrorCode.None], await Produce(12, null, (0, Batches.Of("d"))));
        Assert.Null(ConnectionState.Of(connection).AppendsBefore);
    }

    [Fact]
    public async Task A_marker_that_comes_meanwhile_ends_what_the_answer_was_about()
    {
        coordinator.Gate = new();
        var late = Produce(11, (0, Batches.Transactional(7, 0, 0, "a")));
        Mark(0, 7, epoch: 0);
        coordinator.Gate.SetResult();
        Assert.Equal([ErrorCode.InvalidTxnState], await late);
        Assert.Equal((1, 1), (Log(0).LogEndOffset, Log(0).LastStableOffset));
    }

    [Fact]
    public async Task A_coordinator_that_fails_does_not_hold_up_those_who_wait()
    {
        coordinator.Gate = new();
        var first = Produce(12, (0, Batches.Transactional(7, 0, 0, "a")));
        var plain = Produce(12, null, (0, Batches.Of("c")));
        coordinator.Gate.SetException(new InvalidOperationException("a fault"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        Assert.Equal([ErrorCode.None], await plain);
    }

    [Fact]
    public async Task A_new_producer_of_version_2_begins_at_0_and_one_of_version_1_goes_on()
    {
        Assert.Equal([ErrorCode.OutOfOrderSequenceNumber], await Produce(12, (0, Batches.Transactional(7, 0, 5, "a"))));
        Assert.Equal(0, Log(0).LogEndOffset);
        Assert.Equal([ErrorCode.None], await Produce(11, (1, Batches.Transactional(7, 0, 5, "a"))));
    }

    private Task<ErrorCode[]> Produce(short version, params (int Partition, byte[] Batch)[] batches) => Produce(version, "tx", batches);

    private async Task<ErrorCode[]> Produce(short version, string? transactionalId, params (int Partition, byte[] Batch)[] batches)
    {
        var request = new ProduceRequest
        {
            TransactionalId = transactionalId,
            Acks = -1,
            TopicData =
            [
                new()
                {
                    Name = Topic.Name,
                    TopicId = Topic.Id,
                    PartitionData = [.. batches.Select(one => new ProduceRequest.PartitionProduceData { Index = one.Partition, Records = new(one.Batch) })],
                },
            ],
        };
        var context = new RequestContext(connection, InboundFrame.Copy([]), ApiKey.Produce, version, 1, "tests", TestConnection.Metrics);
        var response = await produce.Handle(request, context);
        return [.. response!.Responses[0].PartitionResponses.Select(answer => answer.ErrorCode)];
    }

    private void Mark(int partition, long producerId, short epoch)
    {
        Assert.True(replicas.TryGet(new TopicPartition(Topic.Name, partition), out var found));
        using var builder = new RecordBatchBuilder();
        ControlRecordBatch.WriteMarker(builder, commit: true, producerId, epoch, 0, 1);
        Assert.Equal(ErrorCode.None, found.Append(builder.Build(), AppendOrigin.Coordinator, -1).Error);
    }

    private PartitionLog Log(int partition) => logs.Find(new TopicPartition(Topic.Name, partition))!;

    private static PartitionRecord Partition(int number) => new()
    {
        PartitionId = number,
        TopicId = Topic.Id,
        Replicas = [1],
        Isr = [1],
        Leader = 1,
        LeaderEpoch = 0,
        PartitionEpoch = 0,
        Directories = [Uuid.UnassignedDirectory],
    };

    private sealed class Coordinator : ITransactionPartitions
    {
        public List<string> Asked { get; } = [];

        public ErrorCode[] Answers { get; set; } = [ErrorCode.None, ErrorCode.None];

        public TaskCompletionSource? Gate { get; set; }

        public async ValueTask<ErrorCode[]> EnsureAsync(
            string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add)
        {
            Asked.Add($"{transactionalId} {producerId} {producerEpoch} {string.Join(',', partitions)} {add}");
            if (Gate is not null)
                await Gate.Task;
            return Answers[..partitions.Count];
        }
    }
}
