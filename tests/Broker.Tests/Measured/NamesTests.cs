using System.Runtime.CompilerServices;
using Milena.Metrics;

namespace Milena.Broker.Tests.Measured;

/// <summary>What a broker shows, against what operators of Apache Kafka know, and against the documentation.</summary>
public sealed class NamesTests : IAsyncLifetime
{
    private TestBroker broker = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        var client = broker.Connect();
        var topic = await client.CreateTopic("t", partitions: 2);
        await client.Produce(topic, 0, Batches.Of("a", "b"));
        await client.Send(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0)));
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public void Every_name_that_operators_know_is_there()
    {
        var missing = KafkaNames.Present.Except(Shown());
        Assert.Empty(missing);
    }

    [Fact]
    public void What_is_said_to_be_absent_is_absent()
    {
        Assert.Empty(KafkaNames.Absent.Keys.Intersect(Shown()));
        Assert.Empty(KafkaNames.Absent.Keys.Intersect(KafkaNames.Present));
    }

    [Fact]
    public void Names_in_Prometheus_are_shared_by_nothing_but_what_has_a_label_to_tell_it_apart()
    {
        foreach (var shared in broker.Server.Metrics.Families.GroupBy(PrometheusNames.Of).Where(group => group.Count() > 1))
            Assert.True(shared.All(family => family.PrometheusLabel is not null), shared.Key);
    }

    /// <summary>With MILENA_ACCEPT=1 the table is written anew.</summary>
    [Fact]
    public void The_table_in_the_documentation_is_what_the_broker_shows()
    {
        const string Head = "| MBean | kind | in Prometheus | what it says |\n| --- | --- | --- | --- |\n";
        var path = DocumentPath();
        var text = File.ReadAllText(path);
        var start = text.IndexOf(Head, StringComparison.Ordinal);
        Assert.True(start >= 0, "the table was not found");
        var end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        var expected = Head + string.Concat(broker.Server.Metrics.Families.Select(Row));
        if (Environment.GetEnvironmentVariable("MILENA_ACCEPT") == "1")
            File.WriteAllText(path, text[..start] + expected + text[end..]);
        else
            Assert.Equal(expected, text[start..end]);
    }

    private static string DocumentPath([CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "..", "docs", "monitoring.md");

    private HashSet<string> Shown() =>
        [.. broker.Server.Metrics.Families.Select(family => family.IsAttribute ? $"{family.Domain}:type={family.Type} {family.Name.Split('.')[0]}" : $"{family}")];

    private static string Row(MetricFamily family)
    {
        var tags = string.Concat(family.TagNames.Select(tag => $",{tag}="));
        var bean = family.IsAttribute ? $"`{family.Domain}:type={family.Type}{tags}` {family.Name}" : $"`{family}{tags}`";
        return $"| {bean} | {family.Kind.ToString().ToLowerInvariant()} | `{PrometheusNames.Of(family)}` | {family.Description} |\n";
    }
}
