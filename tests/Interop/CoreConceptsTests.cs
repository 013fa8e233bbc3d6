using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>docs/core-concepts.md tells the truth: its commands, pasted one after the other, print what it says they print.</summary>
public class CoreConceptsTests
{
    [Fact]
    public async Task Every_command_prints_what_the_guide_says()
    {
        Packages.MustBeThere("/usr/bin/kcat");
        await using var broker = await BrokerProcess.Start(("num.partitions", "3"), ("advertised.listeners", "PLAINTEXT://localhost:{port}"));
        var directory = Path.GetDirectoryName(broker.DataDirectory)!;

        var examples = Examples(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/core-concepts.md"))).ToList();
        Assert.True(examples.Count >= 8, "the guide's examples were not found");
        foreach (var (commands, expected) in examples)
        {
            var (exitCode, output, errors) = await ChildProcess.Run("bash", ["-ec", AtBroker(commands)], directory: directory);
            Assert.True(exitCode == 0, $"{commands}\nended with {exitCode}:\n{errors}");
            Assert.Equal(AtBroker(expected), output);
        }

        string AtBroker(string text) => text.Replace("localhost:9092", $"localhost:{broker.Port}");
    }

    /// <summary>Blocks of commands that are followed by a block of what they print.</summary>
    private static IEnumerable<(string Commands, string Output)> Examples(string guide)
    {
        var blocks = guide.Split("```");
        for (var i = 1; i + 2 < blocks.Length; i += 2)
        {
            if (blocks[i].StartsWith("sh\n", StringComparison.Ordinal) && blocks[i + 2].StartsWith("text\n", StringComparison.Ordinal))
                yield return (blocks[i][3..].Trim('\n'), blocks[i + 2][5..].Trim('\n'));
        }
    }
}
