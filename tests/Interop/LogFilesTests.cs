using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>
/// The files that the broker leaves, read by a parser that somebody else could have written: what was sent is there byte for byte,
/// and indexes, snapshots and checkpoints say what the batches say.
/// </summary>
public class LogFilesTests
{
    private const int Partitions = 3;

    // Distinct values that compress, nulls among them, and keys that come again.
    private static readonly Record[] Sent =
    [
        .. Enumerable.Range(0, 1_500).Select(i => Record.Of(
            i % 10 == 0 ? null : $"key-{i % 97}", i % 50 == 7 ? null : $"value-{i}-{new string((char)('a' + i % 26), i % 200)}")),
    ];

    [Fact]
    public async Task What_clients_of_several_kinds_sent_lies_on_disk_after_a_stop_and_after_kill_minus_9()
    {
        await using var broker = await BrokerProcess.Start();
        var clients = new[] { AllClients.Dotnet, AllClients.ConfluentPython, AllClients.KafkaPython };
        var targets = clients.ToDictionary(
            client => client, client => client.Codecs.Select(codec => (Topic: $"{client.PlainName}-{codec}", Codec: codec)).ToArray());
        var topics = targets.Values.SelectMany(all => all).Select(target => target.Topic).ToArray();
        await broker.CreateTopics(Partitions, topics);

        foreach (var client in clients)
            await client.Produce(broker.Bootstrap, Sent, targets[client], client.IsIdempotent);
        Assert.Equal(0, await broker.Stop());
        await Check(times: 1);

        await broker.StartAgain();
        foreach (var client in clients)
            await client.Produce(broker.Bootstrap, Sent, targets[client], client.IsIdempotent);
        await broker.Kill();
        await Check(times: 2);

        async Task Check(int times)
        {
            var found = await LogReader.Read(broker.DataDirectory, topics);
            foreach (var client in clients)
            {
                foreach (var (topic, codec) in targets[client])
                {
                    var records = found.Records.Where(record => record.Topic == topic).ToList();
                    foreach (var partition in records.GroupBy(record => record.Partition))
                    {
                        Assert.Equal(Enumerable.Range(0, partition.Count()).Select(i => (long)i), partition.Select(record => record.Offset));
                        Assert.Equal(partition.Count(), found.Bounds(topic, partition.Key)[1]);
                    }

                    Assert.Equal(
                        Enumerable.Repeat(Sent, times).SelectMany(sent => sent).Select(record => record.Text).Order(),
                        records.Select(record => record.Record.Text).Order());
                    Assert.All(records, record => Assert.Equal(codec, record.Codec));
                    Assert.All(records, record => Assert.Equal(client.IsIdempotent, record.ProducerId >= 0));
                }
            }
        }
    }

    [Fact]
    public async Task Small_segments_have_whole_indexes_and_snapshots_each()
    {
        const string topic = "rolled";
        await using var broker = await BrokerProcess.Start();
        await CreateTopic(broker, topic, ("segment.bytes", "1048576"), ("index.interval.bytes", "1000"));
        var large = Enumerable.Range(0, 6_000).Select(i => Record.Of($"{i}", new string((char)('a' + i % 26), 1_000))).ToArray();
        await AllClients.Dotnet.Produce(broker.Bootstrap, large, [(topic, Codec.None)], isIdempotent: true);
        await broker.Kill();
        Assert.True(Directory.GetFiles(Path.Combine(broker.DataDirectory, $"{topic}-0"), "*.snapshot").Length >= 4);
        var found = await LogReader.Read(broker.DataDirectory, topic);
        Assert.Equal(large, found.Records.Select(record => record.Record));

        await broker.StartAgain();
        Assert.Equal(0, await broker.Stop());
        found = await LogReader.Read(broker.DataDirectory, topic);
        Assert.Equal(large, found.Records.Select(record => record.Record));
        Assert.Equal([0, large.Length, large.Length, large.Length, large.Length], found.Bounds(topic, 0));

        // The reader sees whatever does not fit: a byte that is changed in a file of any kind, but for the topic's id.
        var files = Directory.GetFiles(Path.Combine(broker.DataDirectory, $"{topic}-0"))
            .Where(file => new FileInfo(file).Length > 0 && Path.GetFileName(file) != "partition.metadata")
            .GroupBy(file => Path.GetExtension(file)).Select(kind => kind.Order().First());
        foreach (var file in files.Append(Path.Combine(broker.DataDirectory, "recovery-point-offset-checkpoint")))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            await File.WriteAllBytesAsync(file, [.. bytes[..^2], (byte)(bytes[^2] ^ 0x15), bytes[^1]]);
            Assert.True(
                await Xunit.Record.ExceptionAsync(() => LogReader.Read(broker.DataDirectory, topic)) is not null, $"a change of {file} goes unseen");
            await File.WriteAllBytesAsync(file, bytes);
        }
    }

    [Fact]
    public async Task A_compacted_topic_keeps_the_last_of_each_key_at_its_offset()
    {
        const string topic = "compacted";
        await using var broker = await BrokerProcess.Start(("log.cleaner.backoff.ms", "200"));
        using var cleaned = new FileSystemWatcher(broker.DataDirectory, "cleaner-offset-checkpoint");
        var isCleaned = new TaskCompletionSource();
        void Look()
        {
            var checkpoint = Path.Combine(broker.DataDirectory, "cleaner-offset-checkpoint");
            if (File.Exists(checkpoint) && File.ReadAllText(checkpoint).Contains($"{topic} 0 ", StringComparison.Ordinal))
                isCleaned.TrySetResult();
        }

        cleaned.Renamed += (_, _) => Look();
        cleaned.Changed += (_, _) => Look();
        cleaned.EnableRaisingEvents = true;
        await CreateTopic(
            broker, topic, ("cleanup.policy", "compact"), ("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.01"), ("delete.retention.ms", "0"));
        var sent = Enumerable.Range(0, 4_000)
            .Select(i => Record.Of($"key-{i % 300}", i is > 100 and < 130 ? null : $"{i}-{new string('x', 1_000)}")).ToArray();
        await AllClients.Dotnet.Produce(broker.Bootstrap, sent, [(topic, Codec.None)], isIdempotent: true);
        Look();
        await isCleaned.Task.WaitAsync(Deadline.Default);
        Assert.Equal(0, await broker.Stop());

        var found = (await LogReader.Read(broker.DataDirectory, topic)).Records;
        Assert.InRange(found.Count, 300, sent.Length - 1);
        Assert.Equal(found.Select(record => record.Offset).Distinct().Order(), found.Select(record => record.Offset));
        Assert.All(found, record => Assert.Equal(sent[record.Offset], record.Record));
        Assert.All(
            sent.Select((record, offset) => (record.KeyText, Offset: (long)offset)).GroupBy(record => record.KeyText),
            key => Assert.Contains(found, record => record.Offset == key.Last().Offset));
    }

    [Fact]
    public async Task Transactions_leave_their_markers_and_the_index_of_those_that_were_aborted()
    {
        const string topic = "transactional";
        await using var broker = await BrokerProcess.Start();
        await CreateTopic(broker, topic);
        var expected = new List<(string Value, bool IsCommitted)>();
        var outcomes = new[] { true, false, true, true, false };
        using (var producer = NewProducer(broker, "one"))
        {
            producer.InitTransactions(Deadline.Default);
            for (var i = 0; i < outcomes.Length; i++)
                Transact(producer, i, outcomes[i]);
        }

        // Another begins a transaction and goes, and its next life aborts what is left of it.
        using (var lost = NewProducer(broker, "two"))
        {
            lost.InitTransactions(Deadline.Default);
            lost.BeginTransaction();
            Produce(lost, 77, isCommitted: false);
            lost.Flush(Deadline.Default);
        }

        using (var again = NewProducer(broker, "two"))
        {
            again.InitTransactions(Deadline.Default);
            Transact(again, 78, isCommitted: true);
        }

        await broker.Kill();
        await Check();
        await broker.StartAgain();
        Assert.Equal(0, await broker.Stop());
        await Check();

        void Transact(IProducer<Null, string> producer, int number, bool isCommitted)
        {
            producer.BeginTransaction();
            Produce(producer, number, isCommitted);
            if (isCommitted)
                producer.CommitTransaction(Deadline.Default);
            else
            {
                producer.Flush(Deadline.Default);
                producer.AbortTransaction(Deadline.Default);
            }
        }

        void Produce(IProducer<Null, string> producer, int number, bool isCommitted)
        {
            for (var i = 0; i < 20; i++)
            {
                var value = $"{number}-{i}";
                expected.Add((value, isCommitted));
                producer.Produce(topic, new Message<Null, string> { Value = value });
            }
        }

        async Task Check()
        {
            var found = await LogReader.Read(broker.DataDirectory, topic);
            var records = found.Records;
            Assert.Equal(expected.Select(sent => sent.Value), records.Select(record => System.Text.Encoding.UTF8.GetString(record.Record.Value!)));
            Assert.All(records, record => Assert.True(record.IsTransactional));
            Assert.Equal(
                [.. outcomes.Select(isCommitted => isCommitted ? "COMMIT" : "ABORT"), "ABORT", "COMMIT"], found.Markers.Select(marker => marker[5]));

            // What the index calls aborted is exactly what was aborted.
            var aborted = found.Aborted.Select(entry => (Producer: long.Parse(entry[2]), First: long.Parse(entry[3]), Last: long.Parse(entry[4]))).ToList();
            Assert.Equal(3, aborted.Count);
            Assert.Equal(
                expected.Select(sent => sent.IsCommitted),
                records.Select(record => !aborted.Any(entry =>
                    entry.Producer == record.ProducerId && entry.First <= record.Offset && record.Offset < entry.Last)));
            Assert.Equal(found.Bounds(topic, 0)[1], found.Bounds(topic, 0)[2]); // nothing is open
        }
    }

    private static IProducer<Null, string> NewProducer(BrokerProcess broker, string transactionalId) =>
        new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = broker.Bootstrap, TransactionalId = transactionalId }).Build();

    private static async Task CreateTopic(BrokerProcess broker, string topic, params (string Name, string Value)[] configs)
    {
        using var admin = broker.Admin();
        await admin.CreateTopicsAsync(
        [
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = 1,
                ReplicationFactor = 1,
                Configs = configs.ToDictionary(config => config.Name, config => config.Value),
            },
        ]);
    }
}
