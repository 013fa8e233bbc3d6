using Milena.Interop.Clients;
using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>A consumer that stops and comes back goes on where it was, whatever became of the broker in between.</summary>
public class ResumeTests
{
    public static TheoryData<string> Clients => [.. AllClients.List.Select(client => client.Name)];

    [Theory]
    [MemberData(nameof(Clients))]
    public Task Goes_on_from_its_committed_offset_after_a_restart(string client) =>
        GoesOn(client, async broker => Assert.Equal(0, await broker.Stop()));

    [Theory]
    [MemberData(nameof(Clients))]
    public Task Goes_on_from_its_committed_offset_after_kill_minus_9(string client) => GoesOn(client, broker => broker.Kill());

    private static async Task GoesOn(string name, Func<BrokerProcess, Task> end)
    {
        const string topic = "flights";
        var client = AllClients.Named(name);
        var flights = Flights.Some(1000, keyed: true);
        await using var broker = await BrokerProcess.Start();
        await broker.CreateTopics(partitions: 3, topic);
        await client.Produce(broker.Bootstrap, topic, flights);

        var first = await client.Read(broker.Bootstrap, [topic], countEach: 400, group: "g");
        await end(broker);
        await broker.StartAgain();
        var rest = await client.Read(broker.Bootstrap, [topic], countEach: 600, group: "g");

        Verify.IsWhatWasSent(flights, [.. first, .. rest]);
    }
}
