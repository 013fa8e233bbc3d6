using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Transactions;

/// <summary>WriteTxnMarkers and DescribeProducers, and what markers do to those who read what is committed.</summary>
public sealed class MarkerTests : IAsyncLifetime
{
    private const int NotVerified = 11;
    private TestBroker broker = null!;
    private TestClient client = null!;
    private TestTopic topic = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync(("transaction.partition.verification.enable", "false"));
        client = broker.Connect();
        topic = await client.CreateTopic("t", partitions: 2);
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_marker_ends_the_transaction_for_those_who_read_what_is_committed(int version)
    {
        await Produce(7, 0, 0, "a");
        await client.ProduceValues(topic, 0, "b");
        Assert.Equal((0, "", ""), await ReadCommitted());

        Assert.Equal([ErrorCode.None], await Mark(7, 0, commit: false, version, 0));
        Assert.Equal((3, "a, b", "7@0"), await ReadCommitted());
        await Produce(7, 0, 1, "c");
        Assert.Equal((3, "a, b", "7@0"), await ReadCommitted());
        Assert.Equal([ErrorCode.None], await Mark(7, 0, commit: true, version, 0));
        Assert.Equal((5, "a, b, c", "7@0"), await ReadCommitted());
        Assert.Equal(5, await Latest(isolation: 1));
    }

    [Fact]
    public async Task An_open_transaction_holds_back_the_end_that_committed_readers_are_told()
    {
        await client.ProduceValues(topic, 0, "a");
        await Produce(7, 0, 0, "b");
        Assert.Equal((1, 2), (await Latest(isolation: 1), await Latest(isolation: 0)));
        Assert.Equal(-1, await Lookup(1_767_000_000_000 + 1, isolation: 1));
        Assert.Equal(0, await Lookup(1_767_000_000_000, isolation: 1));
        await Mark(7, 0, commit: true, 1, 0);
        Assert.Equal((3, 3), (await Latest(isolation: 1), await Latest(isolation: 0)));
    }

    [Fact]
    public async Task Producers_are_described_by_their_partitions_leader()
    {
        await Produce(7, 3, 0, "a", "b");
        await client.Produce(topic, 0, Batches.Idempotent(8, 0, 5, "c"));
        await Mark(9, 1, commit: true, 1, 0);
        var response = await client.Send(new DescribeProducersRequest
        {
            Topics = [new() { Name = topic.Name, PartitionIndexes = [0, 1, 5] }, new() { Name = "nowhere", PartitionIndexes = [0] }],
        });
        Assert.Equal(
            [(7, 3, 1, -1, 0L), (8, 0, 5, -1, -1), (9, 1, -1, 4, -1)],
            response.Topics[0].Partitions[0].ActiveProducers.OrderBy(one => one.ProducerId).Select(
                one => (one.ProducerId, one.ProducerEpoch, one.LastSequence, one.CoordinatorEpoch, one.CurrentTxnStartOffset)));
        Assert.Equal(
            [ErrorCode.None, ErrorCode.None, ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition],
            response.Topics.SelectMany(one => one.Partitions).Select(one => one.ErrorCode));
        Assert.Empty(response.Topics[0].Partitions[1].ActiveProducers);
    }

    [Fact]
    public async Task Markers_of_coordinators_and_epochs_of_the_past_are_refused_and_change_nothing()
    {
        await Produce(7, 3, 0, "a");
        await Mark(7, 3, commit: true, 1, 0); // by a coordinator of epoch 4
        await Produce(7, 3, 1, "b");
        Assert.Equal([ErrorCode.TransactionCoordinatorFenced], await Mark(7, 3, commit: true, 1, 0, coordinatorEpoch: 3));
        Assert.Equal([ErrorCode.InvalidProducerEpoch], await Mark(7, 2, commit: true, 1, 0));
        Assert.Equal([ErrorCode.InvalidProducerEpoch], await Mark(7, 3, commit: true, 2, 0, transactionVersion: 2));
        Assert.Equal([ErrorCode.UnknownTopicOrPartition, ErrorCode.None], await Mark(7, 3, commit: true, 1, 99, 1));
        Assert.Equal((2, 3), (await Latest(isolation: 1), await Latest(isolation: 0)));

        // A producer that the partition does not know gets its marker too: its coordinator knows it.
        Assert.Equal([ErrorCode.None], await Mark(1234, 0, commit: true, 1, 0));
        Assert.Equal((2, 4), (await Latest(isolation: 1), await Latest(isolation: 0)));
        Assert.Equal([ErrorCode.None], await Mark(7, 4, commit: true, 2, 0, transactionVersion: 2));
        Assert.Equal(5, await Latest(isolation: 1));
    }

    [Fact]
    public async Task A_reader_that_waits_is_answered_when_the_marker_comes()
    {
        await Produce(7, 0, 0, "a");
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        (request.IsolationLevel, request.MaxWaitMs) = (1, 10_000);
        var waiting = client.Send(request);
        await broker.Parked(topic, 1);
        await using var other = broker.Connect();
        await other.Produce(topic, 1, Batches.Of("elsewhere"));
        Assert.Equal(ErrorCode.None, (await other.Send(Transactional(7, 0, 1, "b"), NotVerified)).Responses[0].PartitionResponses[0].ErrorCode);
        Assert.False(waiting.IsCompleted);
        await other.Send(Markers(7, 0, commit: true, 0, 4, 0), 1);
        Assert.Equal("a, b", string.Join(", ", Batches.Values((await waiting).Only().Records)));
    }

    [Fact]
    public async Task A_switch_of_verification_takes_effect_while_the_broker_runs()
    {
        await Produce(7, 0, 0, "a");
        await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = 4,
                    ResourceName = "",
                    Configs = [new() { Name = "transaction.partition.verification.enable", Value = "true", ConfigOperation = 0 }],
                },
            ],
        });
        Assert.Equal(ErrorCode.None, (await client.Send(Transactional(7, 0, 1, "b"), NotVerified)).Responses[0].PartitionResponses[0].ErrorCode);
        Assert.NotEqual(ErrorCode.None, (await client.Send(Transactional(8, 0, 0, "c"), NotVerified)).Responses[0].PartitionResponses[0].ErrorCode);
        Assert.Equal(2, await Latest(isolation: 0));
    }

    [Fact]
    public async Task How_long_idle_producers_are_remembered_changes_while_the_broker_runs()
    {
        await client.Produce(topic, 0, Batches.Idempotent(8, 0, 0, "c"));
        await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = 4,
                    ResourceName = "",
                    Configs = [new() { Name = "producer.id.expiration.ms", Value = "60000", ConfigOperation = 0 }],
                },
            ],
        });
        broker.Time.Advance(TimeSpan.FromMinutes(11)); // it is looked for every ten
        var described = await client.Send(new DescribeProducersRequest { Topics = [new() { Name = topic.Name, PartitionIndexes = [0] }] });
        Assert.Empty(described.Topics[0].Partitions[0].ActiveProducers);
    }

    private async Task Produce(long producerId, short epoch, int sequence, params string[] values) => Assert.Equal(
        ErrorCode.None,
        (await client.Send(Transactional(producerId, epoch, sequence, values), NotVerified)).Responses[0].PartitionResponses[0].ErrorCode);

    private ProduceRequest Transactional(long producerId, short epoch, int sequence, params string[] values)
    {
        var request = ClientExtensions.ProduceRequest(topic, 0, Batches.Transactional(producerId, epoch, sequence, values));
        request.TransactionalId = "tx";
        return request;
    }

    private async Task<ErrorCode[]> Mark(
        long producerId, short epoch, bool commit, int version, int partition, int? also = null, int coordinatorEpoch = 4, sbyte transactionVersion = 0)
    {
        int[] partitions = also is { } second ? [partition, second] : [partition];
        var response = await client.Send(Markers(producerId, epoch, commit, transactionVersion, coordinatorEpoch, partitions), version);
        Assert.Equal(producerId, response.Markers[0].ProducerId);
        Assert.Equal(partitions, response.Markers[0].Topics[0].Partitions.Select(one => one.PartitionIndex));
        return [.. response.Markers[0].Topics[0].Partitions.Select(one => one.ErrorCode)];
    }

    private WriteTxnMarkersRequest Markers(
        long producerId, short epoch, bool commit, sbyte transactionVersion, int coordinatorEpoch, params int[] partitions) => new()
    {
        Markers =
        [
            new()
            {
                ProducerId = producerId,
                ProducerEpoch = epoch,
                TransactionResult = commit,
                CoordinatorEpoch = coordinatorEpoch,
                TransactionVersion = transactionVersion,
                Topics = [new() { Name = topic.Name, PartitionIndexes = partitions }],
            },
        ],
    };

    private async Task<(long LastStable, string Values, string Aborted)> ReadCommitted()
    {
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
        request.IsolationLevel = 1;
        var read = (await client.Send(request)).Only();
        Assert.Equal(ErrorCode.None, read.ErrorCode);
        return (
            read.LastStableOffset,
            string.Join(", ", Batches.Values(read.Records)),
            string.Join(", ", read.AbortedTransactions!.Select(aborted => $"{aborted.ProducerId}@{aborted.FirstOffset}")));
    }

    private Task<long> Latest(sbyte isolation) => Lookup(-1, isolation);

    private async Task<long> Lookup(long timestamp, sbyte isolation) => (await client.Send(new ListOffsetsRequest
    {
        ReplicaId = -1,
        IsolationLevel = isolation,
        Topics = [new() { Name = topic.Name, Partitions = [new() { Timestamp = timestamp }] }],
    })).Topics[0].Partitions[0].Offset;
}
