using System.Xml.Linq;

namespace Milena.Architecture.Tests;

/// <summary>Dependencies point down. To change the architecture is to change this table.</summary>
public class EdgesTests
{
    /// <summary>Each project, and what it stands on; it may use those and what those use.</summary>
    private static readonly Dictionary<string, string[]> Edges = new()
    {
        ["Common"] = [],
        ["Metrics"] = ["Common"],
        ["Protocol"] = ["Common"],
        ["Storage"] = ["Protocol"],
        ["Raft"] = ["Protocol"],
        ["Metadata"] = ["Protocol"],
        ["Coordination"] = ["Protocol"],
        ["Network"] = ["Protocol"],
        ["Replication"] = ["Storage", "Metadata"],
        ["Broker"] = ["Raft", "Coordination", "Network", "Replication", "Metrics"],
        ["Monitoring"] = ["Metrics"],
        ["Milena"] = ["Broker", "Monitoring"],
    };

    /// <summary>Projects that decide in values: the build bans clocks, randomness, threads, files and sockets there.</summary>
    private static readonly string[] Pure = ["Common", "Protocol", "Raft", "Metadata", "Coordination"];

    public static TheoryData<string> Projects =>
        [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(path => Path.GetFileName(path)!)];

    [Fact]
    public void Every_project_stands_in_the_table() =>
        Assert.Equal(Edges.Keys.Order(), Projects.Select(row => row.Data).Order());

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_what_stands_below_it(string project)
    {
        var allowed = Below(project);
        foreach (var reference in ProjectFile(project).Descendants("ProjectReference"))
        {
            var name = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
            if (reference.Attribute("ReferenceOutputAssembly")?.Value == "false")
                continue; // a tool that the build runs, not a dependency
            Assert.True(allowed.Contains(name), $"{project} must not use {name}");
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Pure_projects_ban_clocks_chance_and_threads(string project)
    {
        var isPure = ProjectFile(project).Descendants("MilenaPure").Any(element => element.Value == "true");
        Assert.Equal(Pure.Contains(project), isPure);
    }

    private static HashSet<string> Below(string project)
    {
        var below = new HashSet<string>();
        foreach (var name in Edges[project])
        {
            below.Add(name);
            below.UnionWith(Below(name));
        }
        return below;
    }

    private static XDocument ProjectFile(string project) =>
        XDocument.Load(Path.Combine(Repository.Root, "src", project, project + ".csproj"));
}
