using System.Globalization;
using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.Crash;

/// <summary>
/// Consume, transform, produce: reads a topic in a group, and writes <c>partition:offset</c> of each record to another, the record and
/// the offset that follows it in one transaction. So each is written once, whoever dies when.
/// </summary>
internal sealed class Relay : IDisposable
{
    private const int RecordsMax = 200;

    private readonly string bootstrap;
    private readonly (string From, string To) topics;
    private readonly string id;
    private readonly IConsumer<Ignore, byte[]> consumer;
    private readonly CancellationTokenSource stop = new();
    private readonly Task loop;
    private IProducer<Null, string>? producer;

    public Relay(string bootstrap, string from, string to, string group, GroupProtocol protocol, string id)
    {
        (this.bootstrap, topics, this.id) = (bootstrap, (from, to), id);
        consumer = new ConsumerBuilder<Ignore, byte[]>(GroupMember.Config(bootstrap, group, protocol)).SetLogHandler(Persistent.Ignore).Build();
        consumer.Subscribe(from);
        loop = Task.Factory.StartNew(Run, TaskCreationOptions.LongRunning);
    }

    /// <summary>How many transactions it has committed.</summary>
    public int Committed { get; private set; }

    /// <summary>Ends, and throws what made it fail.</summary>
    public async Task Stop()
    {
        stop.Cancel();
        await loop;
        consumer.Close();
    }

    public void Dispose()
    {
        stop.Cancel();
        Persistent.Ends(loop); // the client is in use until then
        consumer.Dispose();
        producer?.Dispose();
    }

    private void Run()
    {
        while (!stop.IsCancellationRequested)
        {
            producer ??= Open();
            var next = new Dictionary<TopicPartition, Offset>();
            try
            {
                if (!Read(next, out var records))
                    continue;
                producer.BeginTransaction();
                foreach (var record in records)
                    producer.Produce(topics.To, new() { Value = $"{record.Partition.Value}:{record.Offset.Value}" });
                var offsets = next.Select(pair => new TopicPartitionOffset(pair.Key, pair.Value)).ToList();
                Persistent.Call(() => producer.SendOffsetsToTransaction(offsets, consumer.ConsumerGroupMetadata, Deadline.Default));
                Persistent.Call(() => producer.CommitTransaction(Deadline.Default));
                Committed++;
            }
            catch (KafkaTxnRequiresAbortException)
            {
                Abort();
                GoBack(next.Keys);
            }
            catch (KafkaException e) when (e.Error.IsFatal)
            {
                StartAnew();
                GoBack(next.Keys);
            }
        }
    }

    private bool Read(Dictionary<TopicPartition, Offset> next, out List<ConsumeResult<Ignore, byte[]>> records)
    {
        records = [];
        while (records.Count < RecordsMax)
        {
            var found = GroupMember.Poll(consumer, TimeSpan.FromMilliseconds(records.Count == 0 ? 100 : 0));
            if (found is null)
                break;
            records.Add(found);
            next[found.TopicPartition] = found.Offset + 1;
        }

        return records.Count > 0;
    }

    // What was read in a transaction that came to nothing is read again, if the partition is still this member's.
    private void GoBack(IEnumerable<TopicPartition> partitions)
    {
        var mine = partitions.Intersect(consumer.Assignment).ToList();
        foreach (var committed in Persistent.Call(() => consumer.Committed(mine, Deadline.Default)))
        {
            var position = committed.Offset == Offset.Unset ? Offset.Beginning : committed.Offset;
            try
            {
                consumer.Seek(new TopicPartitionOffset(committed.TopicPartition, position));
            }
            catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_State)
            {
                // It has just been taken away: its next owner begins at the committed offset.
            }
        }
    }

    private void Abort()
    {
        try
        {
            Persistent.Call(() => producer!.AbortTransaction(Deadline.Default));
        }
        catch (KafkaException e) when (e.Error.IsFatal)
        {
            StartAnew();
        }
    }

    private void StartAnew()
    {
        producer?.Dispose();
        producer = null;
    }

    private IProducer<Null, string> Open()
    {
        var opened = new ProducerBuilder<Null, string>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            TransactionalId = id,
            TransactionTimeoutMs = 60_000,
            LingerMs = 1,
            ReconnectBackoffMs = 10,
            ReconnectBackoffMaxMs = 100,
            RetryBackoffMs = 10,
        }).SetLogHandler(Persistent.Ignore).Build();
        Persistent.Call(() => opened.InitTransactions(Deadline.Default));
        return opened;
    }
}
