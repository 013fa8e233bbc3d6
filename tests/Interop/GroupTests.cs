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
        var before = Flights.Some(1000, keyed: true);
        var after = Flights.Some(1000, keyed: true, from: 1000);
        await broker.CreateTopics(Partitions, topic);

        await using var stays = AllClients.Named(first).Consume(broker.Bootstrap, [topic], group: topic);
        await stays.IsAssigned(Partitions);
        await using var leaves = AllClients.Named(second).Consume(broker.Bootstrap, [topic], group: topic);
        await Task.WhenAll(stays.IsAssigned(Partitions / 2), leaves.IsAssigned(Partitions / 2));
        Assert.Empty(stays.Assignment.Intersect(leaves.Assignment));

        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, before);
        var counts = broker.CountRecords(topic);
        await Task.WhenAll(HasReadAll(stays, counts), HasReadAll(leaves, counts));

        await leaves.Stop();
        await stays.IsAssigned(Partitions);
        var readBefore = stays.Records.Count;
        await AllClients.Dotnet.Produce(broker.Bootstrap, topic, after);
        await stays.HasRead(readBefore + after.Count);
        await stays.Stop();

        // Of a partition that changed hands, the one who left read the earlier part.
        Verify.IsWhatWasSent([.. before, .. after], [.. leaves.Records, .. stays.Records]);
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

    private static Task HasReadAll(Consumption member, IReadOnlyDictionary<int, long> counts) =>
        member.HasRead((int)member.Assignment.Sum(found => counts[found.Partition]));

}
