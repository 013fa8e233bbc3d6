using Milena.Broker;

namespace Milena;

/// <summary>What a user sees first: who this is, where it listens, where its data is, and that it is ready.</summary>
internal static class Banner
{
    /// <summary>Prints it, in one piece. Its last line starts with "Ready", which scripts may wait for.</summary>
    internal static void Print(TextWriter output, BrokerServer server, TimeSpan elapsed)
    {
        var lines = new List<string> { $"Milena {CommandLine.Version}, cluster {server.ClusterId}" };
        lines.AddRange(server.Bound.Select(endpoint => $"  listening on  {endpoint}"));
        lines.AddRange(server.LogDirs.Select(path => $"  data in       {path}"));
        lines.Add($"Ready in {elapsed.TotalMilliseconds:0} ms");
        output.WriteLine(string.Join(Environment.NewLine, lines));
    }
}
