using System.Globalization;

namespace Milena.Storage;

/// <summary>A leader's epoch and the offset of the first record that was appended in it.</summary>
public readonly record struct EpochStart(int Epoch, long StartOffset);

/// <summary>The file <c>leader-epoch-checkpoint</c> of a partition.</summary>
internal static class LeaderEpochCheckpoint
{
    public const string FileName = "leader-epoch-checkpoint";

    /// <summary>Reads the file; a missing one is empty. Throws <see cref="CorruptFileException"/> if it is malformed.</summary>
    public static List<EpochStart> Read(IFileSystem files, string directory)
    {
        var path = Path.Combine(directory, FileName);
        var epochs = new List<EpochStart>();
        if (files.ReadTextOrNull(path) is not { } text)
            return epochs;
        foreach (var entry in CheckpointText.Read(path, text, fields: 2))
            epochs.Add(new(CheckpointText.SmallNumber(path, entry[0]), CheckpointText.Number(path, entry[1])));
        return epochs;
    }

    /// <summary>Replaces the file, durably.</summary>
    public static void Write(IFileSystem files, string directory, IReadOnlyCollection<EpochStart> epochs)
    {
        var lines = new List<string>(epochs.Count);
        foreach (var (epoch, startOffset) in epochs)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{epoch} {startOffset}"));
        files.ReplaceDurably(Path.Combine(directory, FileName), CheckpointText.Write(lines));
    }
}
