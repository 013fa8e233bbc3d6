using System.Text;
using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// The file <c>partition.metadata</c>: the id of the topic that the directory belongs to, so that a topic deleted and created again
/// under its old name does not find the old records.
/// </summary>
internal static class PartitionMetadata
{
    public const string FileName = "partition.metadata";

    private const string FirstLine = "version: 0";
    private const string SecondLine = "topic_id: ";
    private const int IdChars = 22;

    /// <summary>
    /// The topic's id, or null if there is no file, or one that a power cut has taken the end of before it was synced: then no record
    /// was acknowledged either. Throws <see cref="CorruptFileException"/> if it is malformed.
    /// </summary>
    public static Uuid? Read(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (files.ReadTextOrNull(path) is not { } text || IsTorn(text))
            return null;
        var lines = text.Split('\n');
        if (lines[0].TrimEnd() != FirstLine)
            throw new CorruptFileException(path, $"the first line is not '{FirstLine}'");
        if (lines.Length < 2 || !lines[1].StartsWith(SecondLine, StringComparison.Ordinal)
            || !Uuid.TryParse(lines[1][SecondLine.Length..].TrimEnd(), out var topicId))
            throw new CorruptFileException(path, $"the second line is not '{SecondLine}' and an id");
        return topicId == Uuid.Zero ? throw new CorruptFileException(path, "the topic id is zero") : topicId;
    }

    /// <summary>Replaces the file, durably.</summary>
    public static void Write(IFileSystem files, string directory, Uuid topicId) =>
        files.ReplaceDurably(Path.Combine(directory, FileName), TextOf(topicId));

    /// <summary>Writes the file of a new log. It is there when the process dies; a power cut may take it until <see cref="Sync"/>.</summary>
    public static void Create(IFileSystem files, string directory, Uuid topicId)
    {
        using var file = files.Open(Path.Combine(directory, FileName), create: true);
        file.Write(0, Encoding.ASCII.GetBytes(TextOf(topicId)));
    }

    /// <summary>Makes a file that <see cref="Create"/> wrote survive a power cut, but for its name.</summary>
    public static void Sync(IFileSystem files, string directory)
    {
        using var file = files.Open(Path.Combine(directory, FileName), create: false);
        file.Sync();
    }

    private static string TextOf(Uuid topicId) => $"{FirstLine}\n{SecondLine}{topicId}";

    // What a file system keeps of a write: a beginning, or zeros where the bytes should be.
    private static bool IsTorn(string text)
    {
        const string Start = FirstLine + "\n" + SecondLine;
        var written = text.TrimEnd('\0');
        return written.Length < Start.Length
            ? Start.StartsWith(written, StringComparison.Ordinal)
            : written.Length < Start.Length + IdChars && written.StartsWith(Start, StringComparison.Ordinal) && written.LastIndexOf('\n') < Start.Length;
    }
}
