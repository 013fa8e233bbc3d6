using System.Text.RegularExpressions;

namespace Milena.Architecture.Tests;

/// <summary>docs/protocol.md lists what the broker serves: the APIs that are registered, in the versions that their files say.</summary>
public partial class ProtocolDocTests
{
    [Fact]
    public void The_table_of_apis_is_what_is_served()
    {
        var served = Registered().Matches(Repository.Read("src/Broker/BrokerApis.cs")).Select(match => Served(match.Groups["api"].Value));
        var listed = Row().Matches(Repository.Read("docs/protocol.md")).Select(row => row.Value);
        Assert.Equal(served.OrderBy(row => int.Parse(Row().Match(row).Groups["key"].Value)), listed);
    }

    /// <summary>The beginning of the row for an API, made of its file's head and its versions.</summary>
    private static string Served(string api)
    {
        var source = Repository.Read($"src/Broker/Apis/{api}Api.cs");
        var key = Regex.Match(source, $@"<summary>{api} \((?<key>\d+)\)").Groups["key"].Value;
        var versions = Versions().Match(source);
        var (min, max) = (versions.Groups["min"].Value, versions.Groups["max"].Value);
        return $"| {key} | {api} | {(min == max ? min : $"{min} to {max}")} |";
    }

    [GeneratedRegex(@"\.Add<(?<api>\w+)Api,")]
    private static partial Regex Registered();

    [GeneratedRegex(@"VersionRange Versions => new\((?<min>\d+), (?<max>\d+)\)")]
    private static partial Regex Versions();

    [GeneratedRegex(@"^\| (?<key>\d+) \| \w+ \| [\d to]+ \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
