using System.Globalization;
using Milena.Common;

namespace Milena.Storage;

/// <summary>
/// An offset for each partition of a log directory: how far logs are flushed, where they start, how far they are replicated. Each is
/// a text file in the directory's root.
/// </summary>
public static class OffsetCheckpoint
{
    /// <summary>Up to which offset each log is synced.</summary>
    public const string RecoveryPoints = "recovery-point-offset-checkpoint";

    /// <summary>Log start offsets that lie within a segment, moved there by DeleteRecords.</summary>
    public const string LogStartOffsets = "log-start-offset-checkpoint";

    /// <summary>High watermarks.</summary>
    public const string HighWatermarks = "replication-offset-checkpoint";

    /// <summary>Up to which offset each log is compacted.</summary>
    public const string Cleaned = "cleaner-offset-checkpoint";

    /// <summary>Reads a checkpoint; a missing one is empty. Throws <see cref="CorruptFileException"/> if it is malformed.</summary>
    internal static Dictionary<TopicPartition, long> Read(IFileSystem files, string path)
    {
        var offsets = new Dictionary<TopicPartition, long>();
        if (files.ReadTextOrNull(path) is not { } text)
            return offsets;
        foreach (var entry in CheckpointText.Read(path, text, fields: 3))
            offsets[new(entry[0], CheckpointText.SmallNumber(path, entry[1]))] = CheckpointText.Number(path, entry[2]);
        return offsets;
    }

    /// <summary>Replaces a checkpoint, durably.</summary>
    internal static void Write(IFileSystem files, string path, IReadOnlyCollection<KeyValuePair<TopicPartition, long>> offsets)
    {
        var lines = new List<string>(offsets.Count);
        foreach (var (partition, offset) in offsets)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{partition.Topic} {partition.Partition} {offset}"));
        files.ReplaceDurably(path, CheckpointText.Write(lines));
    }
}
