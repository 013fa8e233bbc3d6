using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>Members of a group share its partitions, and what one leaves another takes on.</summary>
public class GroupTests(BrokerFixture fixture) : IClassFixture<BrokerFixture>
{
    private const int Partitions = 6;

    private readonly BrokerProcess broker = fixture.Broker;

    public static TheoryData<string, string> Members =>
    [
        .. AllClients.List.Select(client => (client.Name, client.Name)),
        ("confluent-kafka-python", "kafka-python"), // they have assignors in common; the Node clients bring their own
        ("kafka-python", "kcat"),
        ("kcat", "Confluent.Kafka"),
    ];

    [Theory]
    [MemberData(nameof(Members))]
    public async Task Two_members_share_the_partitions_and_one_takes_over_what_the_other_leaves(string first, string second)
    {
        var topic = $"{AllClients.Named(first).PlainName}-and-{AllClients.Named(second).PlainName}";
        await broker.CreateTopics(Partitions, topic);

        await using var stays = AllClients.Named(first).Consume(broker.Bootstrap, [topic], group: topic);
        await stays.IsAssigned(Partitions);
        await Send(from: 0);
        await stays.HasReadTo(broker.CountRecords(topic));

        await using var leaves = AllClients.Named(second).Consume(broker.Bootstrap, [topic], group: topic);
        await Task.WhenAll(stays.IsAssigned(Partitions / 2), leaves.IsAssigned(Partitions / 2));
        Assert.Empty(stays.Assignment.Intersect(leaves.Assignment));
        await Send(from: 1000);
        var ends = broker.CountRecords(topic);
        await Task.WhenAll(HasReadItsPart(stays, ends), HasReadItsPart(leaves, ends));

        await leaves.Stop();
        await stays.IsAssigned(Partitions);
        await Send(from: 2000);
        await stays.HasReadTo(broker.CountRecords(topic));
        await stays.Stop();

        Verify.IsInOrder(leaves.Records);
        var together = stays.Records.Concat(leaves.Records);
        if (AllClients.Named(first).ReadsAgainAfterRebalance)
            together = together.Distinct();
        else
            Verify.IsInOrder(stays.Records);
        Verify.IsWhatWasSent(Flights.Some(3000, keyed: true), together.OrderBy(record => record.Offset));

        Task Send(int from) => AllClients.Dotnet.Produce(broker.Bootstrap, topic, Flights.Some(1000, keyed: true, from));
    }

    [Fact]
    public async Task What_a_killed_member_held_goes_to_the_other_after_its_session_timeout()
    {
        const string topic = "killed";
        await broker.CreateTopics(Partitions, topic);
        await using var stays = AllClients.Dotnet.Consume(broker.Bootstrap, [topic], group: topic);
        await stays.IsAssigned(Partitions);
        await using (var killed = AllClients.ConfluentPython.Consume(broker.Bootstrap, [topic], group: topic))
        {
            await Task.WhenAll(stays.IsAssigned(Partitions / 2), killed.IsAssigned(Partitions / 2));
            // Disposing a process that still runs kills it: it leaves no group and closes no socket in order.
        }

        await stays.IsAssigned(Partitions);
        var flights = Flights.Some(500, keyed: true);
        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, flights);
        await stays.HasRead(flights.Count);
        Verify.IsWhatWasSent(flights, stays.Records);
    }

    private static Task HasReadItsPart(Consumption member, IReadOnlyDictionary<int, long> ends) =>
        member.HasReadTo(member.Assignment.ToDictionary(found => found.Partition, found => ends[found.Partition]));

}
