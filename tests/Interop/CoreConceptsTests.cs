using Milena.Interop.Harness;

namespace Milena.Interop;

/// <summary>The guides tell the truth: their commands, pasted one after the other, print what they say they print.</summary>
public class CoreConceptsTests
{
    [Theory]
    [InlineData("core-concepts", "3", 8)]
    [InlineData("transactions", "1", 4)]
    public async Task Every_command_prints_what_the_guide_says(string name, string partitions, int examplesMin)
    {
        Packages.MustBeThere("/usr/bin/kcat");
        await using var broker = await BrokerProcess.Start(("num.partitions", partitions), ("advertised.listeners", "PLAINTEXT://localhost:{port}"));
        var directory = Path.GetDirectoryName(broker.DataDirectory)!;

        var guide = await File.ReadAllTextAsync(Path.Combine(Repository.Root, $"docs/{name}.md"));
        foreach (var (file, program) in Programs(guide))
            await File.WriteAllTextAsync(Path.Combine(directory, file), AtBroker(program));
        var examples = Examples(guide).ToList();
        Assert.True(examples.Count >= examplesMin, "the guide's examples were not found");
        foreach (var (commands, expected) in examples)
        {
            var (exitCode, output, errors) = await ChildProcess.Run("bash", ["-ec", AtBroker(commands)], directory: directory);
            Assert.True(exitCode == 0, $"{commands}\nended with {exitCode}:\n{errors}");
            Assert.Equal(AtBroker(expected), output);
        }

        string AtBroker(string text) => text.Replace("localhost:9092", $"localhost:{broker.Port}");
    }

    /// <summary>Programs, which begin with the name of the file that they are to be in.</summary>
    private static IEnumerable<(string File, string Program)> Programs(string guide) => guide.Split("```")
        .Where(block => block.StartsWith("python\n# ", StringComparison.Ordinal))
        .Select(block => (block["python\n# ".Length..].Split('\n', 2)[0].Split(':')[0], block["python\n".Length..]));

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
