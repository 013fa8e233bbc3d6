using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// The file <c>partition.metadata</c>: the id of the topic that the directory belongs to, so that a topic deleted and created again
/// under its old name does not find the old records.
/// </summary>
internal static class PartitionMetadata
{
    public const string FileName = "partition.metadata";

    /// <summary>The topic's id, or null if there is no file. Throws <see cref="CorruptFileException"/> if it is malformed.</summary>
    public static Uuid? Read(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (files.ReadTextOrNull(path) is not { } text)
            return null;
        var lines = text.Split('\n');
        if (lines[0].TrimEnd() != "version: 0")
            throw new CorruptFileException(path, "the first line is not 'version: 0'");
        if (lines.Length < 2 || !lines[1].StartsWith("topic_id: ", StringComparison.Ordinal)
            || !Uuid.TryParse(lines[1]["topic_id: ".Length..].TrimEnd(), out var topicId))
            throw new CorruptFileException(path, "the second line is not 'topic_id: ' and an id");
        return topicId == Uuid.Zero ? throw new CorruptFileException(path, "the topic id is zero") : topicId;
    }

    /// <summary>Replaces the file, durably.</summary>
    public static void Write(IFileSystem files, string directory, Uuid topicId) =>
        files.ReplaceDurably(Path.Combine(directory, FileName), $"version: 0\ntopic_id: {topicId}");
}
