namespace Milena.Protocol.Tests;

/// <summary>The recorded samples in <c>vectors/</c>, which are embedded in the test assembly: id, description, length, hex or text.</summary>
internal static class Vectors
{
    private static readonly ILookup<string, string[]> Samples = Rows("test-vectors.tsv").ToLookup(row => row[0]);

    /// <summary>The rows of a file without its comments.</summary>
    internal static IEnumerable<string[]> Rows(string file)
    {
        using var stream = typeof(Vectors).Assembly.GetManifestResourceStream($"vectors/{file}")
            ?? throw new FileNotFoundException(file);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
                yield return line.Split('\t');
        }
    }

    /// <summary>The rows of test-vectors.tsv with that id.</summary>
    internal static IEnumerable<string[]> All(string id) => Samples[id];

    /// <summary>The bytes of the one sample with that id.</summary>
    internal static byte[] Bytes(string id) => Convert.FromHexString(Samples[id].Single()[3]);
}
