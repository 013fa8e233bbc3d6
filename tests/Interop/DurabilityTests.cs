using System.Globalization;
using Confluent.Kafka;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>What was acknowledged with acks=all is there after kill -9, at its offset, once.</summary>
public class DurabilityTests
{
    private const int Kills = 5;
    private const int Partitions = 3;

    // One idempotent producer goes on through all of it. After some number of acknowledgements, drawn from the seed, the
    // broker is killed, while requests are under way, and started again; at the end everything is read.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Acknowledged_records_survive_kill_minus_9_at_any_moment(int seed)
    {
        const string topic = "kept";
        var random = new Random(seed);
        await using var broker = await BrokerProcess.Start();
        await broker.CreateTopics(Partitions, topic);

        using var writer = new EndlessWriter(broker.Bootstrap, topic);
        for (var kill = 0; kill < Kills; kill++)
        {
            await writer.Acknowledges(random.Next(1, 3000));
            await broker.Kill();
            await broker.StartAgain();
        }
        await writer.Acknowledges(1);
        var acknowledged = await writer.Stop();

        var counts = broker.CountRecords(topic);
        var read = await ReadAll(broker, topic, counts);
        Assert.True(acknowledged.Count > Kills);
        foreach (var (value, place) in acknowledged)
            Assert.True(read.GetValueOrDefault(place, -1) == value, $"seed {seed}: {value} was acknowledged at {place} and is not there");
        Assert.True(read.Values.Distinct().Count() == read.Count, $"seed {seed}: a record is there twice");
    }

    [Fact]
    public async Task A_graceful_stop_loses_nothing_and_needs_no_recovery()
    {
        const string topic = "kept";
        var flights = Flights.Some(5000, keyed: true);
        await using var broker = await BrokerProcess.Start();
        await broker.CreateTopics(Partitions, topic);
        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, flights);

        Assert.Equal(0, await broker.Stop());
        await broker.StartAgain();

        Verify.IsWhatWasSent(flights, await AllClients.Dotnet.Read(broker.Bootstrap, [topic], flights.Count));
    }

    private static async Task<Dictionary<TopicPartitionOffset, long>> ReadAll(
        BrokerProcess broker, string topic, IReadOnlyDictionary<int, long> counts)
    {
        var records = await AllClients.Dotnet.Read(broker.Bootstrap, [topic], (int)counts.Values.Sum());
        foreach (var partition in records.GroupBy(record => record.Partition))
            Verify.HasNoGap(partition.Key, [.. partition], from: 0);
        return records.ToDictionary(
            record => new TopicPartitionOffset(topic, record.Partition, record.Offset),
            record => long.Parse(record.Record.Value!, CultureInfo.InvariantCulture));
    }

    /// <summary>Produces the numbers from 0 on until it is stopped, some hundreds under way at a time.</summary>
    private sealed class EndlessWriter : IDisposable
    {
        private readonly IProducer<Null, byte[]> producer;
        private readonly Lock gate = new();
        private readonly Dictionary<long, TopicPartitionOffset> acknowledged = [];
        private readonly SemaphoreSlim underWay = new(500);
        private readonly CancellationTokenSource stop = new();
        private readonly Task loop;
        private (int Count, TaskCompletionSource Reached) awaited = (int.MaxValue, new());
        private Error? failure;

        public EndlessWriter(string bootstrap, string topic)
        {
            producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig
            {
                BootstrapServers = bootstrap,
                Acks = Acks.All,
                EnableIdempotence = true,
                LingerMs = 1,
                BatchNumMessages = 50,
                ReconnectBackoffMs = 10,
                ReconnectBackoffMaxMs = 100,
                RetryBackoffMs = 10,
            }).Build();
            loop = Task.Run(() => Write(topic));
        }

        /// <summary>Waits for so many more acknowledgements.</summary>
        public async Task Acknowledges(int more)
        {
            TaskCompletionSource reached;
            lock (gate)
            {
                reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                awaited = (acknowledged.Count + more, reached);
            }
            await reached.Task.WaitAsync(Deadline.Default);
        }

        /// <summary>Ends, and tells where each acknowledged number lies.</summary>
        public async Task<IReadOnlyDictionary<long, TopicPartitionOffset>> Stop()
        {
            stop.Cancel();
            await loop;
            producer.Flush(Deadline.Default);
            lock (gate)
            {
                Assert.Null(failure);
                return acknowledged;
            }
        }

        public void Dispose()
        {
            stop.Cancel();
            producer.Dispose();
        }

        private async Task Write(string topic)
        {
            for (var number = 0L; !stop.IsCancellationRequested; number++)
            {
                await underWay.WaitAsync(Deadline.Default);
                var value = number;
                producer.Produce(
                    topic,
                    new Message<Null, byte[]> { Value = System.Text.Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture)) },
                    report => OnReport(value, report));
            }
        }

        private void OnReport(long number, DeliveryReport<Null, byte[]> report)
        {
            underWay.Release();
            lock (gate)
            {
                if (report.Error.IsError)
                    failure = report.Error;
                else
                    acknowledged.Add(number, report.TopicPartitionOffset);
                if (acknowledged.Count >= awaited.Count)
                    awaited.Reached.TrySetResult();
            }
        }
    }
}
