using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>
/// Clients of the years before record batches (Kafka 0.11): they write message sets of version 0 or 1, read nothing else,
/// and know old versions of every request.
/// </summary>
public class LegacyTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private const int Count = 500;

    private readonly BrokerProcess broker = fixture.Broker;

    public static TheoryData<string, string> OldClients =>
    [
        .. from version in new[] { "0,9", "0,10", "0,11", "2,0" }
           from codec in new[] { Codec.None, Codec.Gzip, Codec.Snappy, Codec.Lz4 }
           select (version, codec),
    ];

    public static TheoryData<string, string> OldKcats =>
    [
        .. from version in new[] { "0.9.0.1", "0.10.0.1", "0.10.2.1" }
           from codec in new[] { Codec.None, Codec.Gzip, Codec.Snappy, Codec.Lz4 }
           select (version, codec),
    ];

    [Theory]
    [MemberData(nameof(OldClients))]
    public Task An_old_kafka_python_and_todays_clients_read_each_other(string version, string codec) =>
        ReadEachOther(AllClients.MakeKafkaPython(version), codec, $"kafka-python-{version.Replace(',', '.')}-{codec}");

    [Theory]
    [MemberData(nameof(OldKcats))]
    public Task An_old_kcat_and_todays_clients_read_each_other(string version, string codec) =>
        ReadEachOther(
            new KcatClient { Properties = ["api.version.request=false", $"broker.version.fallback={version}"] }, codec, $"kcat-{version}-{codec}");

    private async Task ReadEachOther(KafkaClient old, string codec, string name)
    {
        var flights = Flights.Some(Count, keyed: true);
        await broker.CreateTopics(partitions: 2, $"{name}-old", $"{name}-new");

        await old.Produce(broker.Bootstrap, $"{name}-old", flights, codec);
        Verify.IsWhatWasSent(flights, await AllClients.Dotnet.Read(broker.Bootstrap, [$"{name}-old"], Count));
        Verify.IsWhatWasSent(flights, await old.Read(broker.Bootstrap, [$"{name}-old"], Count));

        await AllClients.Dotnet.Produce(broker.Bootstrap, $"{name}-new", flights, codec);
        Verify.IsWhatWasSent(flights, await old.Read(broker.Bootstrap, [$"{name}-new"], Count));
        Verify.IsWhatWasSent(flights, await old.Read(broker.Bootstrap, [$"{name}-new"], Count, group: name));
    }
}
