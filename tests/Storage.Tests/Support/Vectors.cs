namespace Milena.Storage.Tests;

/// <summary>Files recorded from Apache Kafka's own storage classes.</summary>
internal static class Vectors
{
    /// <summary>The files of the log directory <c>foo-0</c> of case "golden".</summary>
    public static IReadOnlyDictionary<string, byte[]> Golden { get; } = Rows("log-vectors.tsv")
        .Where(row => row is ["file", "golden", ..])
        .ToDictionary(row => row[2], row => row[2].Contains('.') && row[2] != "partition.metadata" ? Convert.FromHexString(row[4]) : Text(row[4]));

    /// <summary>The rows of the passes of Kafka's cleaner, case "compact".</summary>
    public static IReadOnlyList<string[]> Compaction { get; } = [.. Rows("log-vectors.tsv").Where(row => row[1] == "compact")];

    /// <summary>A row of test-vectors.tsv.</summary>
    public static byte[] Checkpoint(string name)
    {
        var row = Rows("checkpoint-vectors.tsv").Single(row => row[0] == name);
        return name == "producer.snapshot" ? Convert.FromHexString(row[3]) : Text(row[3]);
    }

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text.Replace("\\n", "\n"));

    private static IEnumerable<string[]> Rows(string file) =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "vectors", file)).Where(line => !line.StartsWith('#')).Select(line => line.Split('\t'));
}
