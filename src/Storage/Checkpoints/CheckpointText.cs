using System.Globalization;
using System.Text;

namespace Milena.Storage;

/// <summary>
/// The frame that Kafka's checkpoints share: a line with version 0, a line with the number of entries, and a line for each entry with
/// its fields between blanks.
/// </summary>
internal static class CheckpointText
{
    private const string Version = "0";

    /// <summary>The text of a checkpoint whose entries are the given lines.</summary>
    public static string Write(IReadOnlyCollection<string> lines)
    {
        var text = new StringBuilder();
        text.Append(Version).Append('\n').Append(lines.Count.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach (var line in lines)
            text.Append(line).Append('\n');
        return text.ToString();
    }

    /// <summary>The fields of each entry; throws <see cref="CorruptFileException"/> unless all of the text is as it must be.</summary>
    public static IEnumerable<string[]> Read(string path, string text, int fields)
    {
        var lines = text.Split('\n');
        if (lines[0].Trim() != Version)
            throw new CorruptFileException(path, $"version '{Shorten(lines[0])}' is not {Version}");
        if (lines.Length < 2 || !TryParse(lines[1].Trim(), out var count) || count < 0)
            throw new CorruptFileException(path, "the second line is not the number of entries");
        for (var i = 2; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length == 0)
                continue; // the end of the last line
            var entry = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (entry.Length != fields)
                throw new CorruptFileException(path, $"malformed line '{Shorten(line)}'");
            count--;
            yield return entry;
        }

        if (count != 0)
            throw new CorruptFileException(path, "the number of entries is not what the second line says");
    }

    /// <summary>A field as a number that is not negative.</summary>
    public static long Number(string path, string field) =>
        TryParse(field, out var number) && number >= 0
            ? number
            : throw new CorruptFileException(path, $"'{Shorten(field)}' is not a number that could stand here");

    /// <summary>A field as a number that is not negative and fits an int.</summary>
    public static int SmallNumber(string path, string field) =>
        Number(path, field) is var number and <= int.MaxValue
            ? (int)number
            : throw new CorruptFileException(path, $"'{Shorten(field)}' is too large");

    private static bool TryParse(string text, out long number) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
