namespace Milena.Storage;

/// <summary>
/// The <c>.snapshot</c> files of a log. Those at the base offsets of its segments stay as long as the segments, and the latest one
/// stays; others go when a later one is written. Only the log's writer uses it.
/// </summary>
/// <param name="directory">Where they are.</param>
/// <param name="offsets">Which there are, ascending.</param>
internal sealed class SnapshotFiles(PartitionDirectory directory, List<long> offsets)
{
    private List<long>? unsynced;

    /// <summary>The offset of the latest; -1 if there is none.</summary>
    public long Latest => offsets is [.., var last] ? last : -1;

    /// <summary>Whether <see cref="Sync"/> has anything to do.</summary>
    public bool NeedSync => Volatile.Read(ref unsynced) is not null;

    /// <summary>
    /// Writes a snapshot, and removes the one before if that is not at the base offset of a segment. It is not synced yet; one that a
    /// crash damages is passed over.
    /// </summary>
    public void Write(long offset, ProducerStates states, IReadOnlyList<LogSegment> segments)
    {
        if (offset <= Latest)
            return;
        using (var file = directory.Files.Open(directory.PathOf(offset, LogFileNames.Snapshot), create: true))
        {
            file.SetSize(0);
            file.Write(0, ProducerSnapshot.Write(states));
        }

        offsets.Add(offset);
        lock (directory.Names)
            (unsynced ??= []).Add(offset);
        if (offsets.Count > 1 && IsStray(offsets[^2], segments))
            Remove(offsets.Count - 2);
    }

    /// <summary>
    /// The latest snapshot at or below an offset that is sound, and its offset; null if there is none. Damaged ones are removed.
    /// </summary>
    public List<ProducerEntry>? LoadLatest(long maxOffset, Action<long> onDamaged, out long offset)
    {
        for (var i = offsets.Count - 1; i >= 0; i--)
        {
            offset = offsets[i];
            if (offset > maxOffset)
                continue;
            if (directory.Files.ReadAllOrNull(directory.PathOf(offset, LogFileNames.Snapshot)) is { } bytes && ProducerSnapshot.Read(bytes) is { } entries)
                return entries;
            onDamaged(offset);
            Remove(i);
        }

        offset = -1;
        return null;
    }

    /// <summary>Removes those that lie behind an offset.</summary>
    public void RemoveAbove(long offset)
    {
        for (var i = offsets.Count - 1; i >= 0 && offsets[i] > offset; i--)
            Remove(i);
    }

    /// <summary>Removes those below an offset.</summary>
    public void RemoveBelow(long offset)
    {
        while (offsets.Count > 0 && offsets[0] < offset)
            Remove(0);
    }

    /// <summary>Removes all that are neither at the base offset of a segment nor the latest.</summary>
    public void RemoveStrays(IReadOnlyList<LogSegment> segments)
    {
        for (var i = offsets.Count - 2; i >= 0; i--)
        {
            if (IsStray(offsets[i], segments))
                Remove(i);
        }
    }

    /// <summary>Makes those that were written since the last call survive a power cut. May be called on any thread.</summary>
    public void Sync()
    {
        List<long>? toSync;
        lock (directory.Names)
            (toSync, unsynced) = (unsynced, null);
        foreach (var offset in toSync ?? [])
        {
            try
            {
                using var file = directory.Files.Open(directory.PathOf(offset, LogFileNames.Snapshot), create: false);
                file.Sync();
            }
            catch (FileNotFoundException)
            {
                // removed meanwhile, for a later one
            }
        }
    }

    private static bool IsStray(long offset, IReadOnlyList<LogSegment> segments)
    {
        var low = 0;
        var high = segments.Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (segments[middle].BaseOffset < offset)
                low = middle + 1;
            else
                high = middle;
        }

        return low == segments.Count || segments[low].BaseOffset != offset;
    }

    private void Remove(int index)
    {
        directory.Files.DeleteFile(directory.PathOf(offsets[index], LogFileNames.Snapshot));
        offsets.RemoveAt(index);
    }
}
