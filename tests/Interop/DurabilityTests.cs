using System.Globalization;
using Confluent.Kafka;
using Milena.Interop.Clients;
using Milena.Interop.Crash;
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

        using var writer = new NumberWriter(broker.Bootstrap, topic);
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
}
