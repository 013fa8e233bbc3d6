using System.Text;
using Milena.Metadata.Configs;

namespace Milena.Architecture.Tests;

/// <summary>docs/configuration.md names what the code acts on.</summary>
public class ConfigurationDocTests
{
    private const string Document = "docs/configuration.md";
    private const string TableHead = "| name | default | for a topic | while running |\n| --- | --- | --- | --- |\n";

    /// <summary>With MILENA_ACCEPT=1 the table is written anew.</summary>
    [Fact]
    public void The_table_of_names_is_what_the_code_acts_on()
    {
        var text = Repository.Read(Document);
        var start = text.IndexOf(TableHead, StringComparison.Ordinal);
        Assert.True(start >= 0, "the table was not found");
        var end = text.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        var expected = Table();
        if (Environment.GetEnvironmentVariable("MILENA_ACCEPT") == "1")
            File.WriteAllText(Path.Combine(Repository.Root, Document), text[..start] + expected + text[end..]);
        else
            Assert.Equal(expected, text[start..end]);
    }

    private static string Table()
    {
        var topics = ConfigTable.All(ConfigScope.Topic).Values
            .SelectMany(def => def.Synonyms, (def, synonym) => (Topic: def.Name, Broker: synonym.Name))
            .ToLookup(pair => pair.Broker, pair => $"`{pair.Topic}`");
        var table = new StringBuilder(TableHead);
        foreach (var name in ConfigSupport.Names.Order(StringComparer.Ordinal))
        {
            var initial = ConfigTable.Find(ConfigScope.Broker, name)!.Default is { Length: > 0 } text ? $"`{text}`" : "";
            var change = ConfigSupport.IsActedOnAtOnce(name) ? "yes" : "";
            table.Append($"| `{name}` | {initial} | {string.Join(", ", topics[name])} | {change} |\n".Replace("|  |", "| |").Replace("|  |", "| |"));
        }

        return table.ToString();
    }
}
