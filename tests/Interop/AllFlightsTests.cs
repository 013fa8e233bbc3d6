using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>All 200,000 flights from each client to another one.</summary>
public class AllFlightsTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    [Theory]
    [InlineData("kcat", "Confluent.Kafka", Codec.Gzip, true, true)]
    [InlineData("Confluent.Kafka", "kcat", Codec.Lz4, true, false)]
    [InlineData("confluent-kafka-python", "kafkajs", Codec.Zstd, false, true)]
    [InlineData("kafkajs", "confluent-kafka-python", Codec.Snappy, true, false)]
    [InlineData("kafka-python", "@platformatic/kafka", Codec.None, true, true)]
    [InlineData("@platformatic/kafka", "kafka-python", Codec.Lz4, false, false)]
    public async Task All_flights_arrive(string producer, string consumer, string codec, bool keyed, bool inGroup)
    {
        var broker = fixture.Broker;
        var topic = $"flights-{codec}-{(keyed ? "keyed" : "unkeyed")}";
        await broker.CreateTopics(partitions: 6, topic);
        var flights = Flights.All(keyed);

        await AllClients.Named(producer).Produce(broker.Bootstrap, topic, flights, codec);
        var read = await AllClients.Named(consumer).Read(
            broker.Bootstrap, [topic], flights.Count, inGroup ? $"{consumer}-reads-all" : null, Deadline.Long);

        Verify.IsWhatWasSent(flights, read);
        Assert.Equal(flights.Count, broker.CountRecords(topic).Values.Sum());
    }
}
