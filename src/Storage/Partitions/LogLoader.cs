using Milena.Common;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <summary>What is known about a log before it is opened, and how to open it.</summary>
/// <param name="WasClean">The last shutdown was in order, so the files are what they seem.</param>
/// <param name="RecoveryPoint">Everything below it was synced.</param>
/// <param name="LogStartOffset">The first offset that can be read, unless the first segment begins behind it.</param>
/// <param name="HighWatermark">The high watermark when it was last written down.</param>
/// <param name="CleanedTo">Everything below it was compacted; -1 if nothing was.</param>
/// <param name="ProducerIdExpirationMs">When producers that write nothing are forgotten.</param>
internal readonly record struct LoadState(
    bool WasClean, long RecoveryPoint, long LogStartOffset, long HighWatermark, long CleanedTo, long ProducerIdExpirationMs);

/// <summary>
/// Opens a partition's directory. After a shutdown in order it reads the end of the last segment. After a crash it reads what lies
/// behind the recovery point, cuts off what was not finished, and builds indexes and producers again; below the recovery point only
/// headers, and of those only what the last index entry and the last snapshot do not cover. So its cost does not depend on how long the
/// log is.
/// </summary>
internal sealed class LogLoader
{
    private readonly LogDirectory directory;
    private readonly TopicPartition partition;
    private readonly LogConfig config;
    private readonly LoadState state;
    private readonly PartitionDirectory place;
    private readonly SegmentInventory inventory;
    private readonly List<LogSegment> segments = [];
    private readonly List<EpochStart> epochs;
    private readonly EpochStart[] epochsInFile;
    private readonly long nowMs;
    private long snapshotMax = long.MaxValue;
    private bool rebuildsAborted;

    private LogLoader(LogDirectory directory, TopicPartition partition, string path, LogConfig config, LoadState state)
    {
        this.directory = directory;
        this.partition = partition;
        this.config = config;
        this.state = state;
        place = new(directory.Files, path, directory.OpenFiles);
        inventory = new(place);
        epochs = LeaderEpochCheckpoint.Read(place.Files, path);
        epochsInFile = [.. epochs];
        nowMs = directory.NowMs;
    }

    /// <summary>Opens a log; <paramref name="wasRecovered"/> says whether it had to be recovered.</summary>
    public static PartitionLog Load(
        LogDirectory directory, TopicPartition partition, string path, LogConfig config, LoadState state, out bool wasRecovered)
    {
        var loader = new LogLoader(directory, partition, path, config, state);
        return loader.Load(out wasRecovered);
    }

    /// <summary>Makes a log in a directory that is there and empty.</summary>
    public static PartitionLog Create(LogDirectory directory, TopicPartition partition, string path, LogConfig config, long startOffset)
    {
        var place = new PartitionDirectory(directory.Files, path, directory.OpenFiles);
        var segment = LogSegment.Create(place, startOffset, config, directory.NowMs, directory.Jitter(config.SegmentJitterMs));
        var log = new PartitionLog(partition, null, directory, place, config, [segment], new(place, []), [], [], startOffset);
        log.Start(startOffset, startOffset, startOffset, hasNewNames: true, isBlank: true);
        segment.CloseFiles(); // most of many new logs will not be used at once
        return log;
    }

    private PartitionLog Load(out bool wasRecovered)
    {
        OpenSegments();
        // A log that had records once and was cut has an epoch, as soon as it has been synced.
        var isBlank = segments is [{ BaseOffset: 0, Size: 0 }] && !inventory.Has(LeaderEpochCheckpoint.FileName) && inventory.Snapshots.Count == 0;
        wasRecovered = !state.WasClean;
        var endOffset = state.WasClean ? FindEnd(ref wasRecovered) : Recover(state.RecoveryPoint);
        var startOffset = Math.Max(state.LogStartOffset, segments.Count == 0 ? 0 : segments[0].BaseOffset);
        if (endOffset < startOffset || segments.Count == 0)
            endOffset = StartAnew(endOffset, startOffset);

        var topicId = inventory.Has(PartitionMetadata.FileName) ? PartitionMetadata.Read(place.Files, place.Path) : null;
        var snapshots = new SnapshotFiles(place, inventory.Snapshots);
        var log = new PartitionLog(partition, topicId, directory, place, config, [.. segments], snapshots, epochs, epochsInFile, startOffset);
        var recoveryPoint = wasRecovered ? Math.Clamp(state.RecoveryPoint, startOffset, endOffset) : endOffset;
        LoadProducers(log, snapshots, endOffset, wasRecovered ? recoveryPoint : endOffset);
        // Whoever made the names last need not have synced them.
        log.Start(endOffset, state.HighWatermark, recoveryPoint, hasNewNames: wasRecovered || isBlank, isBlank);
        log.LoadCleanedTo(state.CleanedTo);
        if (wasRecovered)
        {
            log.Settle(isClosing: false);
            if (!isBlank)
                log.MakeDurable();
        }

        foreach (var segment in segments)
            segment.CloseFiles(); // most logs of a node that starts will not be used for a while
        return log;
    }

    private void OpenSegments()
    {
        var all = inventory.BaseOffsets;
        for (var i = 0; i < all.Count; i++)
        {
            var size = place.Files.FileSize(place.PathOf(all[i], LogFileNames.Log));
            if (size > int.MaxValue)
                throw new CorruptFileException(place.PathOf(all[i], LogFileNames.Log), $"a segment cannot have {size} bytes");
            var segment = LogSegment.Open(
                place, all[i], (int)size, inventory.Has(all[i], LogFileNames.TransactionIndex), isSealed: i + 1 < all.Count, nowMs,
                directory.Jitter(config.SegmentJitterMs));
            segments.Add(segment);
            if (segment.DropBadTransactionIndex())
                RebuildAbortedFrom(all[i]);
        }
    }

    // Aborted transactions are found again by replaying the producers over the segment.
    private void RebuildAbortedFrom(long offset)
    {
        snapshotMax = Math.Min(snapshotMax, offset);
        rebuildsAborted = true;
    }

    /// <summary>After a clean shutdown: what follows the last index entry of the last segment.</summary>
    private long FindEnd(ref bool wasRecovered)
    {
        foreach (var segment in segments)
        {
            if (!inventory.Has(segment.BaseOffset, LogFileNames.OffsetIndex) || !inventory.Has(segment.BaseOffset, LogFileNames.TimeIndex))
            {
                Log.IndexesRebuilt(directory.Logger, partition, segment.BaseOffset, "one was missing");
                segment.RebuildIndexes(config.IndexIntervalBytes);
            }
        }

        if (segments.Count == 0)
            return 0;
        var active = segments[^1];
        if (active.Size == 0)
            return active.BaseOffset;
        var endOffset = active.BaseOffset;
        using (var scanner = new BatchScanner(active.File, active.PositionNearEnd(), active.Size))
        {
            while (scanner.MoveNext())
                endOffset = scanner.Current.NextOffset;
            if (scanner.End == BatchRunEnd.Complete && endOffset > active.BaseOffset)
            {
                active.SetEnd(scanner.NextPosition);
                return endOffset;
            }
        }

        wasRecovered = true; // it was clean by name only
        return Recover(active.BaseOffset);
    }

    /// <summary>After a crash: everything from the recovery point on must prove itself.</summary>
    private long Recover(long recoveryPoint)
    {
        rebuildsAborted = true;
        epochs.RemoveAll(epoch => epoch.StartOffset >= recoveryPoint); // what the batches say is right, if a truncation lies between
        var first = Math.Max(0, segments.FindLastIndex(segment => segment.BaseOffset < recoveryPoint));
        foreach (var segment in segments[..Math.Min(first, segments.Count)])
        {
            if (!inventory.Has(segment.BaseOffset, LogFileNames.OffsetIndex) || !inventory.Has(segment.BaseOffset, LogFileNames.TimeIndex))
                segment.RebuildIndexes(config.IndexIntervalBytes);
        }

        var recovery = new SegmentRecovery(segments[first..], recoveryPoint, config.IndexIntervalBytes);
        var endOffset = 0L;
        for (var i = first; i < segments.Count; i++)
        {
            var found = recovery.Of(i - first);
            endOffset = found.EndOffset;
            epochs.AddRange(found.Epochs.Where(epoch => epoch.Epoch > (epochs is [.., var last] ? last.Epoch : -1)).ToList());
            if (found.IsCut)
                Log.TailCut(directory.Logger, partition, segments[i].BaseOffset, found.SizeBefore, segments[i].Size);
            var nextOffset = i + 1 < segments.Count ? segments[i + 1].BaseOffset : endOffset;
            if ((!found.IsCut && !IsHole(endOffset, nextOffset, recoveryPoint)) || nextOffset == endOffset)
                continue; // or what was cut off was only reserved
            RemoveBehind(i);
            break;
        }

        return segments.Count == 0 ? 0 : Math.Max(endOffset, segments[^1].BaseOffset);
    }

    // A power cut may take the end of a segment, batch by batch, and leave the one behind it. Only compaction makes holes of its own.
    private bool IsHole(long endOffset, long nextOffset, long recoveryPoint) =>
        nextOffset > endOffset && nextOffset > recoveryPoint && !config.CleanupPolicy.HasFlag(CleanupPolicy.Compact);

    private void RemoveBehind(int index)
    {
        foreach (var segment in segments[(index + 1)..])
        {
            Log.SegmentBehindDamageRemoved(directory.Logger, partition, segment.BaseOffset);
            segment.Delete();
        }

        segments.RemoveRange(index + 1, segments.Count - index - 1);
        segments[index].Unseal();
    }

    private long StartAnew(long endOffset, long startOffset)
    {
        if (segments.Count > 0)
            Log.EndBelowStart(directory.Logger, partition, endOffset, startOffset);
        foreach (var segment in segments)
            segment.Delete();
        segments.Clear();
        segments.Add(LogSegment.Create(place, startOffset, config, nowMs, directory.Jitter(config.SegmentJitterMs)));
        return startOffset;
    }

    private void LoadProducers(PartitionLog log, SnapshotFiles snapshots, long endOffset, long maxOffset)
    {
        // Files from before producers were kept have no snapshot; if they were closed in order there is nothing to find out.
        if (state.WasClean && snapshots.Latest < 0 && !rebuildsAborted)
            return;
        // A snapshot behind the recovery point is right, but aborted transactions before it might be missing from their index.
        log.LoadProducers(endOffset, Math.Min(maxOffset, snapshotMax), rebuildsAborted, state.ProducerIdExpirationMs);
        snapshots.RemoveStrays(segments);
    }
}
