using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>Transactions of clients that others wrote: committed once, aborted never seen, zombies fenced. (Python's are in the guide.)</summary>
public class TransactionTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly BrokerProcess broker = fixture.Broker;

    [Theory]
    [InlineData("@platformatic/kafka")]
    [InlineData("kafkajs")]
    public async Task What_a_client_for_Node_commits_is_seen_and_what_it_aborts_is_not(string client)
    {
        var topic = $"transactions-{client.Split('/')[^1]}";
        await broker.CreateTopics(2, topic);

        var (exitCode, output, errors) = await ChildProcess.Run("node", ["transactions.mjs", client, broker.Bootstrap, topic, topic]);

        Assert.True(exitCode == 0, $"{client} ended with {exitCode}:\n{output}\n{errors}");
        Assert.Equal(["0a", "0b", "2a", "2b", "4a", "4b"], Read(topic).Order());
        Assert.Equal(12, Read(topic, IsolationLevel.ReadUncommitted).Count);
    }

    [Fact]
    public async Task Every_record_is_doubled_once_though_half_of_the_transactions_abort_and_the_worker_is_replaced()
    {
        await broker.CreateTopics(2, "numbers");
        await broker.CreateTopics(2, "doubles");
        using (var source = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = broker.Bootstrap }).Build())
        {
            for (var i = 0; i < 100; i++)
                await source.ProduceAsync("numbers", new() { Value = $"{i}" });
        }

        var zombies = new List<IProducer<Null, string>>();
        for (var worker = 0; worker < 3; worker++)
        {
            var producer = Producer("doubling");
            using var consumer = Consumer("doubling");
            Double(producer, consumer, steps: worker < 2 ? 5 : 100, leavesOneOpen: worker < 2);
            consumer.Close();
            zombies.Add(producer);
        }

        foreach (var zombie in zombies.SkipLast(1))
        {
            var refused = Assert.Throws<KafkaException>(() => zombie.CommitTransaction(Patience));
            Assert.Equal(Confluent.Kafka.ErrorCode.Local_Fenced, refused.Error.Code);
        }
        zombies.ForEach(producer => producer.Dispose());
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{2 * i}").Order(), Read("doubles").Order());
    }

    private static void Double(IProducer<Null, string> producer, IConsumer<Ignore, string> consumer, int steps, bool leavesOneOpen)
    {
        producer.InitTransactions(Patience);
        consumer.Subscribe("numbers");
        var idle = 0;
        for (var step = 0; step < steps && idle < 2; step++)
        {
            var records = Take(consumer, 10);
            idle = records.Count == 0 ? idle + 1 : 0;
            if (records.Count == 0)
                continue;
            producer.BeginTransaction();
            foreach (var record in records)
                producer.Produce("doubles", new() { Value = $"{2 * int.Parse(record.Message.Value)}" });
            producer.SendOffsetsToTransaction(
                records.Select(record => new TopicPartitionOffset(record.TopicPartition, record.Offset + 1)), consumer.ConsumerGroupMetadata, Patience);
            if (step % 2 == 0)
            {
                producer.CommitTransaction(Patience);
                continue;
            }
            if (leavesOneOpen && step == steps - 2)
            {
                producer.Flush(Patience);
                return; // as if it hung; who comes next finds it open
            }
            producer.AbortTransaction(Patience);
            foreach (var first in records.GroupBy(record => record.TopicPartition).Select(group => group.First()))
                consumer.Seek(first.TopicPartitionOffset);
        }
    }

    private static List<ConsumeResult<Ignore, string>> Take(IConsumer<Ignore, string> consumer, int count)
    {
        var records = new List<ConsumeResult<Ignore, string>>();
        while (records.Count < count && consumer.Consume(TimeSpan.FromSeconds(records.Count == 0 ? 5 : 0.1)) is { } record)
            records.Add(record);
        return records;
    }

    private List<string> Read(string topic, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        using var consumer = new ConsumerBuilder<Ignore, string>(new ConsumerConfig
        {
            BootstrapServers = broker.Bootstrap, GroupId = "reader", IsolationLevel = isolation, EnableAutoCommit = false, EnablePartitionEof = true,
        }).Build();
        consumer.Assign(Enumerable.Range(0, 2).Select(partition => new TopicPartitionOffset(topic, partition, Offset.Beginning)));
        var values = new List<string>();
        for (var ended = 0; ended < 2;)
        {
            var result = consumer.Consume(Patience);
            Assert.NotNull(result);
            if (result.IsPartitionEOF)
                ended++;
            else
                values.Add(result.Message.Value);
        }
        return values;
    }

    private IProducer<Null, string> Producer(string transactionalId) => new ProducerBuilder<Null, string>(
        new ProducerConfig { BootstrapServers = broker.Bootstrap, TransactionalId = transactionalId, LingerMs = 5 })
        .SetLogHandler(static (_, _) => { }) // being fenced is what the test is about
        .Build();

    private IConsumer<Ignore, string> Consumer(string group) => new ConsumerBuilder<Ignore, string>(new ConsumerConfig
    {
        BootstrapServers = broker.Bootstrap,
        GroupId = group,
        AutoOffsetReset = AutoOffsetReset.Earliest,
        EnableAutoCommit = false,
        SessionTimeoutMs = 6_000,
        IsolationLevel = IsolationLevel.ReadCommitted,
    }).Build();
}
