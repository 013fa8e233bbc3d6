using Confluent.Kafka;
using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>Confluent.Kafka: a new librdkafka under .NET, in the test's own process.</summary>
/// <param name="protocol">By which its consumers take part in groups.</param>
internal sealed class DotnetClient(GroupProtocol protocol = GroupProtocol.Classic) : KafkaClient
{
    public override string Name => "Confluent.Kafka";

    public override Task Produce(
        string bootstrap, IReadOnlyList<Record> records, IReadOnlyList<(string Topic, string Codec)> targets, bool isIdempotent = false) =>
        Task.Run(() =>
        {
            foreach (var (topic, codec) in targets)
                Produce(bootstrap, records, topic, Enum.Parse<CompressionType>(codec, ignoreCase: true), isIdempotent);
        });

    public override Consumption Consume(string bootstrap, IReadOnlyList<string> topics, string? group = null, int? count = null) =>
        new Reading(bootstrap, topics, group, count, protocol);

    private static void Produce(string bootstrap, IReadOnlyList<Record> records, string topic, CompressionType codec, bool isIdempotent)
    {
        using var producer = new ProducerBuilder<byte[]?, byte[]?>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            CompressionType = codec,
            Acks = Acks.All,
            LingerMs = 5,
            EnableIdempotence = isIdempotent,
        }).Build();
        var failures = new List<string>();
        var delivered = 0;
        foreach (var record in records)
        {
            var message = new Message<byte[]?, byte[]?> { Key = record.Key, Value = record.Value };
            while (!TryProduce(message))
                producer.Poll(TimeSpan.FromMilliseconds(100));
        }
        producer.Flush(Deadline.Default);
        Assert.Empty(failures);
        Assert.Equal(records.Count, Volatile.Read(ref delivered));

        bool TryProduce(Message<byte[]?, byte[]?> message)
        {
            try
            {
                producer.Produce(topic, message, OnDelivery);
                return true;
            }
            catch (ProduceException<byte[]?, byte[]?> refused) when (refused.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
            {
                return false;
            }
        }

        void OnDelivery(DeliveryReport<byte[]?, byte[]?> report)
        {
            if (report.Error.IsError)
                lock (failures)
                    failures.Add(report.Error.ToString());
            Interlocked.Increment(ref delivered);
        }
    }

    private sealed class Reading : Consumption
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task loop;

        public Reading(string bootstrap, IReadOnlyList<string> topics, string? group, int? count, GroupProtocol protocol) =>
            loop = Task.Factory.StartNew(() => Read(bootstrap, topics, group, count, protocol), TaskCreationOptions.LongRunning);

        protected override string Diagnosis => $"Confluent.Kafka is {loop.Status}: {loop.Exception?.InnerException}";

        public override Task Stop()
        {
            stop.Cancel();
            return Ended(Deadline.Default);
        }

        public override Task Ended(TimeSpan within) => loop.WaitAsync(within);

        public override async ValueTask DisposeAsync()
        {
            stop.Cancel();
            // Its failure, if any, was shown to whoever awaited the end.
            await loop.WaitAsync(Deadline.Default).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }

        private void Read(string bootstrap, IReadOnlyList<string> topics, string? group, int? count, GroupProtocol protocol)
        {
            var mine = new HashSet<(string, int)>();
            var config = new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = group ?? "unused",
                AutoOffsetReset = AutoOffsetReset.Earliest,
                EnableAutoCommit = group is not null,
                GroupProtocol = protocol,
            };
            // In the consumer protocol these are the coordinator's to say.
            if (protocol == GroupProtocol.Classic)
                (config.SessionTimeoutMs, config.HeartbeatIntervalMs) = (10_000, 500);
            using var consumer = new ConsumerBuilder<byte[]?, byte[]?>(config).SetPartitionsAssignedHandler((_, partitions) =>
            {
                mine.UnionWith(partitions.Select(found => (found.Topic, found.Partition.Value)));
                Assign(mine);
            }).SetPartitionsRevokedHandler((_, partitions) =>
            {
                mine.ExceptWith(partitions.Select(found => (found.Topic, found.Partition.Value)));
                Assign(mine);
            }).Build();

            if (group is null)
                consumer.Assign(AllPartitions(bootstrap, topics));
            else
                consumer.Subscribe(topics);

            for (var read = 0; read != count && !stop.IsCancellationRequested;)
            {
                if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } found)
                    continue;
                read++;
                Add(new Consumed(found.Topic, found.Partition.Value, found.Offset.Value, new Record(found.Message.Key, found.Message.Value)));
            }
            consumer.Close();
        }

        private static IEnumerable<TopicPartitionOffset> AllPartitions(string bootstrap, IReadOnlyList<string> topics)
        {
            using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
            return
            [
                .. from topic in topics
                   from partition in admin.GetMetadata(topic, Deadline.Default).Topics.Single().Partitions
                   select new TopicPartitionOffset(topic, partition.PartitionId, Offset.Beginning),
            ];
        }
    }
}
