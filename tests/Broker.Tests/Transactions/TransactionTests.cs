using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Storage;

namespace Milena.Broker.Tests.Transactions;

/// <summary>Whole transactions over the wire: what producers are told, and what consumers see.</summary>
public sealed class TransactionTests
{
    private static readonly (string, string) FewPartitions = ("transaction.state.log.num.partitions", "2");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_committed_is_seen_and_what_is_aborted_is_not(bool isOld)
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t", partitions: 2);
        var producer = new TestProducer(client, "tx", isOld);
        Assert.Equal(ErrorCode.None, await producer.Init());

        foreach (var (value, commit) in new[] { ("a", true), ("b", false), ("c", true) })
        {
            if (isOld)
                Assert.Equal(ErrorCode.None, await producer.Add(topic, 0, 1));
            Assert.Equal(ErrorCode.None, await producer.Produce(topic, 0, $"{value}0"));
            Assert.Equal(ErrorCode.None, await producer.Produce(topic, 1, $"{value}1"));
            Assert.DoesNotContain($"{value}0", await ReadCommitted(client, topic, 0));
            Assert.Equal(ErrorCode.None, await producer.End(commit));
            await Ended(broker, client, "tx");
        }

        Assert.Equal(["a0", "c0"], await ReadCommitted(client, topic, 0));
        Assert.Equal(["a1", "c1"], await ReadCommitted(client, topic, 1));
    }

    [Fact]
    public async Task Offsets_are_committed_with_the_transaction_or_not_at_all()
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = ["g"] });
        var producer = new TestProducer(client, "tx", isOld: true);
        await producer.Init();

        foreach (var (offset, commit) in new[] { (5, true), (6, false) })
        {
            var added = await client.Send(new AddOffsetsToTxnRequest
            {
                TransactionalId = "tx", ProducerId = producer.Id, ProducerEpoch = producer.Epoch, GroupId = "g",
            });
            Assert.Equal(ErrorCode.None, added.ErrorCode);
            var committed = await client.Send(
                new TxnOffsetCommitRequest
                {
                    TransactionalId = "tx",
                    GroupId = "g",
                    ProducerId = producer.Id,
                    ProducerEpoch = producer.Epoch,
                    Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = offset }] }],
                },
                version: 4);
            Assert.Equal(ErrorCode.None, committed.Topics[0].Partitions[0].ErrorCode);
            Assert.Equal(ErrorCode.None, await producer.End(commit));
            await Ended(broker, client, "tx");
        }

        var fetched = await client.Send(
            new OffsetFetchRequest { GroupId = "g", RequireStable = true, Topics = [new() { Name = "t", PartitionIndexes = [0] }] }, version: 7);
        Assert.Equal(5, fetched.Topics[0].Partitions[0].CommittedOffset);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_zombie_is_fenced_and_its_transaction_aborted(bool isOld)
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        var zombie = new TestProducer(client, "tx", isOld);
        await zombie.Init();
        if (isOld)
            await zombie.Add(topic, 0);
        Assert.Equal(ErrorCode.None, await zombie.Produce(topic, 0, "never seen"));

        var producer = new TestProducer(client, "tx", isOld);
        Assert.Equal(ErrorCode.None, await producer.Init());
        Assert.Equal(zombie.Id, producer.Id);

        Assert.Equal(ErrorCode.InvalidProducerEpoch, await zombie.Produce(topic, 0, "nor this"));
        Assert.Equal(ErrorCode.ProducerFenced, await zombie.Add(topic, 0));
        Assert.Equal(ErrorCode.ProducerFenced, await zombie.End(commit: true));
        if (isOld)
            await producer.Add(topic, 0);
        Assert.Equal(ErrorCode.None, await producer.Produce(topic, 0, "seen"));
        Assert.Equal(ErrorCode.None, await producer.End(commit: true));
        await Ended(broker, client, "tx");
        Assert.Equal(["seen"], await ReadCommitted(client, topic, 0));
    }

    [Fact]
    public async Task A_transaction_that_takes_too_long_is_aborted()
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        var producer = new TestProducer(client, "tx");
        await producer.Init(timeoutMs: 5_000);
        await producer.Produce(topic, 0, "too late");
        await client.ProduceValues(topic, 0, "behind it");
        Assert.Empty(await ReadCommitted(client, topic, 0));

        broker.Time.Advance(TimeSpan.FromSeconds(10));
        await Ended(broker, client, "tx");

        Assert.Equal(["behind it"], await ReadCommitted(client, topic, 0));
        Assert.Equal(ErrorCode.ProducerFenced, await producer.End(commit: true));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_decided_before_the_node_died_is_carried_out_by_its_next_life(bool commit)
    {
        using var directory = new TempDirectory();
        TestTopic topic;
        await using (var broker = await TestBroker.StartIn(directory, FewPartitions))
        {
            var client = broker.Connect();
            topic = await client.CreateTopic("t");
            var producer = new TestProducer(client, "tx");
            await producer.Init();
            await producer.Produce(topic, 0, "decided");
            AppendPrepared(broker, "tx", producer, commit); // and no marker, as if it had died then
        }

        await using var next = await TestBroker.StartIn(directory, FewPartitions);
        var reader = next.Connect();
        await Ended(next, reader, "tx");
        Assert.Equal(commit ? ["decided"] : [], await ReadCommitted(reader, topic, 0));
        var described = await reader.Send(new DescribeTransactionsRequest { TransactionalIds = ["tx"] });
        Assert.Equal(commit ? "CompleteCommit" : "CompleteAbort", described.TransactionStates[0].TransactionState);
    }

    [Fact]
    public async Task A_topic_that_is_deleted_does_not_hold_its_transaction_up()
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        var gone = await client.CreateTopic("gone");
        var producer = new TestProducer(client, "tx");
        await producer.Init();
        await producer.Produce(topic, 0, "stays");
        await producer.Produce(gone, 0, "goes");
        await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = "gone" }] });

        Assert.Equal(ErrorCode.None, await producer.End(commit: true));
        await Ended(broker, client, "tx");

        Assert.Equal(["stays"], await ReadCommitted(client, topic, 0));
    }

    [Fact]
    public async Task Partitions_that_are_not_there_keep_the_others_out()
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        var topic = await client.CreateTopic("t");
        var producer = new TestProducer(client, "tx");
        await producer.Init();

        var answer = await client.Send(
            new AddPartitionsToTxnRequest
            {
                V3AndBelowTransactionalId = "tx",
                V3AndBelowProducerId = producer.Id,
                V3AndBelowProducerEpoch = producer.Epoch,
                V3AndBelowTopics = [new() { Name = "t", Partitions = [0, 1] }, new() { Name = "nowhere", Partitions = [0] }],
            },
            version: 3);

        Assert.Equal(
            [ErrorCode.OperationNotAttempted, ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition],
            answer.ResultsByTopicV3AndBelow.SelectMany(topics => topics.ResultsByPartition).Select(partition => partition.PartitionErrorCode));
        var described = await client.Send(new DescribeTransactionsRequest { TransactionalIds = ["tx", "other"] });
        Assert.Equal(["Empty", ""], described.TransactionStates.Select(state => state.TransactionState));
        Assert.Equal(ErrorCode.TransactionalIdNotFound, described.TransactionStates[1].ErrorCode);
    }

    [Fact]
    public async Task Brokers_ask_for_several_transactions_at_once()
    {
        await using var broker = await TestBroker.StartAsync(FewPartitions);
        var client = broker.Connect();
        await client.CreateTopic("t", partitions: 2);
        var producer = new TestProducer(client, "tx");
        await producer.Init();

        var old = await Ask(4);
        var current = await Ask(5);

        Assert.Equal([ErrorCode.None, ErrorCode.InvalidTxnState, ErrorCode.InvalidProducerIdMapping], old);
        Assert.Equal([ErrorCode.None, ErrorCode.TransactionAbortable, ErrorCode.InvalidProducerIdMapping], current);

        async Task<ErrorCode[]> Ask(int version)
        {
            var answer = await client.Send(
                new AddPartitionsToTxnRequest { Transactions = [Of("tx", 0, false), Of("tx", 1, true), Of("unknown", 0, true)] }, version);
            return [.. answer.ResultsByTransaction.Select(result => result.TopicResults[0].ResultsByPartition[0].PartitionErrorCode)];
        }

        AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction Of(string id, int partition, bool verifyOnly) => new()
        {
            TransactionalId = id,
            ProducerId = producer.Id,
            ProducerEpoch = producer.Epoch,
            VerifyOnly = verifyOnly,
            Topics = [new() { Name = "t", Partitions = [partition] }],
        };
    }

    private static void AppendPrepared(TestBroker broker, string id, TestProducer producer, bool commit)
    {
        var log = broker.Server.Replicas!.Partitions.Single(
            partition => partition.Name.Topic == "__transaction_state" && partition.Log.LogEndOffset > 0);
        using var builder = new RecordBatchBuilder(RecordBatchOptions.Default);
        builder.Append(
            broker.NowMs,
            TransactionRecords.WriteKey(new TransactionLogKey { TransactionalId = id }),
            TransactionRecords.WriteValue(
                new TransactionLogValue
                {
                    ProducerId = producer.Id,
                    ProducerEpoch = (short)(producer.Epoch + 1),
                    TransactionTimeoutMs = 60_000,
                    TransactionStatus = commit ? (sbyte)2 : (sbyte)3,
                    TransactionPartitions = [new() { Topic = "t", PartitionIds = [0] }],
                    TransactionLastUpdateTimestampMs = broker.NowMs,
                    TransactionStartTimestampMs = broker.NowMs,
                    ClientTransactionVersion = 2,
                },
                version: 1));
        Assert.Equal(ErrorCode.None, log.Append(builder.Build(), AppendOrigin.Coordinator, acks: -1).Error);
    }

    // Time moves now and then: a marker that comes before the partition is led here again is tried again a little later.
    private static async Task Ended(TestBroker broker, TestClient client, string id)
    {
        for (var asked = 1; ; asked++)
        {
            var state = (await client.Send(new DescribeTransactionsRequest { TransactionalIds = [id] })).TransactionStates[0];
            if (state.TransactionState.StartsWith("Complete", StringComparison.Ordinal))
                return;
            await Task.Yield();
            if (asked % 100 == 0)
                broker.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private static async Task<string[]> ReadCommitted(TestClient client, TestTopic topic, int partition)
    {
        var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(partition, 0));
        request.IsolationLevel = 1;
        var read = (await client.Send(request)).Only();
        var aborted = read.AbortedTransactions!.OrderBy(transaction => transaction.FirstOffset).ToList();
        List<string> values = [];
        var dropped = new HashSet<long>();
        using var scratch = new Protocol.Compression.PooledBuffer();
        // As consumers do: what a listed producer has written from the offset that is listed up to its marker is not for them.
        foreach (var batch in RecordBatches.Enumerate(read.Records.ToArray()))
        {
            while (aborted.Count > 0 && aborted[0].FirstOffset <= batch.LastOffset)
            {
                dropped.Add(aborted[0].ProducerId);
                aborted.RemoveAt(0);
            }
            if (batch.IsControl)
            {
                dropped.Remove(batch.ProducerId);
                continue;
            }
            if (batch.IsTransactional && dropped.Contains(batch.ProducerId))
                continue;
            foreach (var record in batch.ReadRecords(scratch, 1 << 20))
                values.Add(System.Text.Encoding.UTF8.GetString(record.Value.Span));
        }
        return [.. values];
    }
}
