using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>
/// What a partition's directory holds, once what a crash may have left half-done has been finished or undone: files that wait for
/// their removal, output of compaction that is not complete, and such that is, but has not yet taken the place of its input.
/// </summary>
internal sealed class SegmentInventory
{
    private readonly PartitionDirectory place;
    private readonly HashSet<string> names;

    /// <summary>Lists the directory and puts it in order.</summary>
    public SegmentInventory(PartitionDirectory place)
    {
        this.place = place;
        names = [.. place.Files.ListFiles(place.Path)];
        RemoveAll(LogFileNames.Deleted);
        FinishSwaps();
        foreach (var name in names)
        {
            if (!LogFileNames.TryParse(name, out var offset, out var suffix))
                continue;
            if (suffix == LogFileNames.Log)
                BaseOffsets.Add(offset);
            else if (suffix == LogFileNames.Snapshot)
                Snapshots.Add(offset);
        }

        BaseOffsets.Sort();
        Snapshots.Sort();
        RemoveOrphans();
    }

    /// <summary>The base offsets of the segments, ascending.</summary>
    public List<long> BaseOffsets { get; } = [];

    /// <summary>The offsets of the producer snapshots, ascending.</summary>
    public List<long> Snapshots { get; } = [];

    public bool Has(long offset, string suffix) => names.Contains(LogFileNames.Of(offset, suffix));

    public bool Has(string name) => names.Contains(name);

    private void FinishSwaps()
    {
        var swaps = Parsed(LogFileNames.Swap);
        var cleaned = Parsed(LogFileNames.Cleaned);
        // Several segments become swaps one after the other; while one is still being cleaned, those behind it are not complete.
        var firstCleaned = cleaned.Count == 0 ? long.MaxValue : cleaned.Min(file => file.Offset);
        foreach (var (name, offset) in swaps)
        {
            if (offset >= firstCleaned)
                Remove(name);
        }

        foreach (var (name, _) in cleaned)
            Remove(name);
        swaps.RemoveAll(file => file.Offset >= firstCleaned);
        var logs = swaps.Where(file => file.Name.EndsWith(LogFileNames.Log + LogFileNames.Swap, StringComparison.Ordinal)).ToList();
        if (logs.Count > 0)
            RemoveReplaced(logs.Min(file => file.Offset), logs.Max(file => Math.Max(EndOffset(file.Offset), file.Offset + 1)));
        // The batches first: once they have their name, what waits beside them is not taken for something that they replace.
        foreach (var (name, _) in swaps.OrderBy(file => !logs.Contains(file)).ThenBy(file => file.Offset).ToList())
        {
            var final = name[..^LogFileNames.Swap.Length];
            place.Files.Rename(PathOf(name), PathOf(final));
            names.Remove(name);
            names.Add(final);
        }
    }

    private void RemoveReplaced(long from, long to)
    {
        foreach (var name in names.ToArray())
        {
            if (LogFileNames.TryParse(name, out var offset, out var suffix) && LogFileNames.OfSegment.Contains(suffix) && offset >= from && offset < to)
                Remove(name);
        }
    }

    private long EndOffset(long baseOffset)
    {
        var file = new LazyFile(place, baseOffset, LogFileNames.Log + LogFileNames.Swap);
        var end = baseOffset;
        using (var scanner = new BatchScanner(file, 0, (int)file.Size, BatchScanner.LargeWindow))
        {
            while (scanner.MoveNext())
                end = scanner.Current.NextOffset;
        }

        file.Close();
        return end;
    }

    private void RemoveOrphans()
    {
        foreach (var name in names.ToArray())
        {
            if (LogFileNames.TryParse(name, out var offset, out var suffix) && suffix != LogFileNames.Log
                && LogFileNames.OfSegment.Contains(suffix) && !Has(offset, LogFileNames.Log))
                Remove(name);
        }
    }

    private List<(string Name, long Offset)> Parsed(string lastSuffix)
    {
        var found = new List<(string, long)>();
        foreach (var name in names)
        {
            if (name.EndsWith(lastSuffix, StringComparison.Ordinal) && LogFileNames.TryParse(name, out var offset, out _))
                found.Add((name, offset));
        }

        return found;
    }

    private void RemoveAll(string lastSuffix)
    {
        foreach (var (name, _) in Parsed(lastSuffix))
            Remove(name);
    }

    private void Remove(string name)
    {
        place.Files.DeleteFile(PathOf(name));
        names.Remove(name);
    }

    private string PathOf(string name) => Path.Combine(place.Path, name);
}
