using Confluent.Kafka;
using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>Groups of KIP-848 with librdkafka, which speaks both protocols: alone, and side by side in one group.</summary>
public class ConsumerGroupTests(QuickHeartbeats fixture) : IClassFixture<QuickHeartbeats>
{
    private const int Partitions = 6;

    private readonly BrokerProcess broker = fixture.Broker;

    [Theory]
    [InlineData("both-new", GroupProtocol.Consumer, GroupProtocol.Consumer)]
    [InlineData("new-then-classic", GroupProtocol.Consumer, GroupProtocol.Classic)]
    [InlineData("classic-then-new", GroupProtocol.Classic, GroupProtocol.Consumer)]
    public async Task Two_members_share_the_partitions_and_one_takes_over_what_the_other_leaves(
        string topic, GroupProtocol first, GroupProtocol second)
    {
        await broker.CreateTopics(Partitions, topic);
        await using var stays = Client(first).Consume(broker.Bootstrap, [topic], group: topic);
        await stays.IsAssigned(Partitions);
        await Send(from: 0);
        await stays.HasReadTo(broker.CountRecords(topic));

        await using var leaves = Client(second).Consume(broker.Bootstrap, [topic], group: topic);
        await Task.WhenAll(stays.IsAssigned(Partitions / 2), leaves.IsAssigned(Partitions / 2));
        Assert.Empty(stays.Assignment.Intersect(leaves.Assignment));
        Assert.Equal("Consumer", await TypeOf(topic)); // one member of the new protocol makes it one
        await Send(from: 1000);
        var ends = broker.CountRecords(topic);
        await Task.WhenAll(HasReadItsPart(stays, ends), HasReadItsPart(leaves, ends));

        await leaves.Stop();
        await stays.IsAssigned(Partitions);
        Assert.Equal(first == GroupProtocol.Consumer ? "Consumer" : "Classic", await TypeOf(topic)); // and the last to go unmakes it
        await Send(from: 2000);
        await stays.HasReadTo(broker.CountRecords(topic));
        await stays.Stop();

        Verify.IsInOrder(leaves.Records);
        Verify.IsInOrder(stays.Records);
        Verify.IsWhatWasSent(Flights.Some(3000, keyed: true), stays.Records.Concat(leaves.Records).OrderBy(record => record.Offset));

        Task Send(int from) => AllClients.Dotnet.Produce(broker.Bootstrap, topic, Flights.Some(1000, keyed: true, from));
    }

    [Fact]
    public async Task A_subscription_by_pattern_is_the_brokers_to_understand()
    {
        await broker.CreateTopics(2, "pattern-one");
        await broker.CreateTopics(1, "pattern-two");
        await broker.CreateTopics(1, "no-pattern-one");
        await using var reads = AllClients.DotnetConsumerProtocol.Consume(broker.Bootstrap, ["^pattern-(one|two)"], group: "by-pattern");
        await reads.IsAssigned(3);
        Assert.DoesNotContain(reads.Assignment, found => found.Topic == "no-pattern-one");
        await reads.Stop();
    }

    [Fact]
    public async Task Members_stay_what_they_are_while_the_broker_is_killed_and_comes_back()
    {
        const string topic = "killed-broker";
        await using var own = await BrokerProcess.Start([.. QuickHeartbeats.Overrides]);
        await own.CreateTopics(Partitions, topic);
        await using var one = Client(GroupProtocol.Consumer).Consume(own.Bootstrap, [topic], group: topic);
        await using var other = Client(GroupProtocol.Consumer).Consume(own.Bootstrap, [topic], group: topic);
        await Task.WhenAll(one.IsAssigned(Partitions / 2), other.IsAssigned(Partitions / 2));
        var before = one.Assignment;

        await own.Kill();
        await own.StartAgain();
        var flights = Flights.Some(1000, keyed: true);
        await AllClients.Dotnet.Produce(own.Bootstrap, topic, flights);
        var ends = own.CountRecords(topic);
        await Task.WhenAll(HasReadItsPart(one, ends), HasReadItsPart(other, ends));

        Assert.Equal(before, one.Assignment);
        await Task.WhenAll(one.Stop(), other.Stop());
        Verify.IsWhatWasSent(flights, one.Records.Concat(other.Records).OrderBy(record => record.Offset));
    }

    private static KafkaClient Client(GroupProtocol protocol) =>
        protocol == GroupProtocol.Consumer ? AllClients.DotnetConsumerProtocol : AllClients.Dotnet;

    private static Task HasReadItsPart(Consumption member, IReadOnlyDictionary<int, long> ends) =>
        member.HasReadTo(member.Assignment.ToDictionary(found => found.Partition, found => ends[found.Partition]));

    private async Task<string> TypeOf(string group)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build();
        var groups = await admin.ListConsumerGroupsAsync();
        return groups.Valid.Single(listed => listed.GroupId == group).Type.ToString();
    }
}

/// <summary>A broker that asks members of the consumer protocol for a sign of life twice a second, so that tests need not wait.</summary>
public sealed class QuickHeartbeats : BrokerFixture
{
    internal static (string Name, string Value)[] Overrides { get; } =
    [
        ("group.consumer.min.heartbeat.interval.ms", "500"),
        ("group.consumer.heartbeat.interval.ms", "500"),
    ];

    public override async ValueTask InitializeAsync() => Broker = await BrokerProcess.Start(Overrides);
}
