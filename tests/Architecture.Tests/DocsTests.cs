using System.Text.RegularExpressions;

namespace Milena.Architecture.Tests;

/// <summary>What the documents lead to is there.</summary>
public partial class DocsTests
{
    public static TheoryData<string> Documents =>
    [
        .. Directory.GetFiles(Repository.Root, "*.md")
            .Concat(Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md"))
            .Concat(Directory.GetFiles(Path.Combine(Repository.Root, "src"), "README.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Order(),
    ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_leads_to_a_file(string document)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        foreach (Match link in Link().Matches(Repository.Read(document)))
        {
            var target = link.Groups["target"].Value;
            if (target.Contains("://", StringComparison.Ordinal))
                continue;
            Assert.True(Path.Exists(Path.Combine(folder, target)), $"{document} links to {target}, which is not there");
        }
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    [InlineData("CONTRIBUTING.md")]
    public void Every_path_and_source_file_that_is_named_is_there(string document)
    {
        foreach (Match code in Code().Matches(Repository.Read(document)))
        {
            var name = code.Groups["name"].Value;
            if (name.Contains('*') || name.Contains('<'))
                continue;
            if (RepositoryPath().IsMatch(name))
                Assert.True(Path.Exists(Path.Combine(Repository.Root, name)), $"{document} names {name}, which is not there");
            else if (SourceFile().IsMatch(name))
                Assert.True(Sources.Contains(name), $"{document} names {name}, which is nowhere in src, tests, eng or benchmarks");
        }
    }

    private static HashSet<string> Sources { get; } =
    [
        .. new[] { "src", "tests", "eng", "benchmarks" }
            .SelectMany(folder => Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetFileName(path)!),
    ];

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)\s]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex("`(?<name>[^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^(src|tests|eng|benchmarks|docs)/[\w./-]*$")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"^[\w.]+\.cs$")]
    private static partial Regex SourceFile();
}
