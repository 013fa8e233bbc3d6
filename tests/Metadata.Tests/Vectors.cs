namespace Milena.Metadata.Tests;

/// <summary>Recorded results of Apache Kafka, tab separated, in <c>vectors/</c>.</summary>
internal static class Vectors
{
    public static IEnumerable<string[]> Read(string name) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "vectors", name))
            .Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => line.Split('\t'));
}
