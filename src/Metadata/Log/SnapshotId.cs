using System.Globalization;

namespace Milena.Metadata.Log;

/// <summary>Which part of the metadata log a snapshot stands for, which is also the name of its file.</summary>
/// <param name="EndOffset">It holds everything below; exclusive.</param>
/// <param name="Epoch">The epoch of the last record in it.</param>
public readonly record struct SnapshotId(long EndOffset, int Epoch) : IComparable<SnapshotId>
{
    private const string Extension = ".checkpoint";
    private const int OffsetDigits = 20;
    private const int EpochDigits = 10;

    /// <summary>
    /// What formatting leaves of the quorum's voters, and from 4.4 on of everything. It stands for no part of the log, whose
    /// records begin at offset 0 all the same.
    /// </summary>
    public static SnapshotId OfFormatting => default;

    /// <summary>For example <c>00000000000000000200-0000000003.checkpoint</c>.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{EndOffset:D20}-{Epoch:D10}{Extension}");

    /// <summary>Reads a file's name; false if it is not that of a complete snapshot.</summary>
    public static bool TryParse(string fileName, out SnapshotId id)
    {
        id = default;
        if (fileName.Length != OffsetDigits + 1 + EpochDigits + Extension.Length || fileName[OffsetDigits] != '-'
            || !fileName.EndsWith(Extension, StringComparison.Ordinal)
            || !long.TryParse(fileName.AsSpan(0, OffsetDigits), NumberStyles.None, CultureInfo.InvariantCulture, out var endOffset)
            || !int.TryParse(fileName.AsSpan(OffsetDigits + 1, EpochDigits), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
            return false;
        id = new SnapshotId(endOffset, epoch);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(SnapshotId other) =>
        EndOffset != other.EndOffset ? EndOffset.CompareTo(other.EndOffset) : Epoch.CompareTo(other.Epoch);

    /// <inheritdoc/>
    public override string ToString() => FileName;
}
