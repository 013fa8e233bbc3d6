using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>What the log's writer does to a segment apart from appending.</content>
internal sealed partial class LogSegment
{
    /// <summary>The largest timestamp of a record, ms; -1 if none has one.</summary>
    public long MaxTimestamp
    {
        get
        {
            LoadMaxTimestamp();
            return maxTimestamp;
        }
    }

    /// <summary>The time of the first batch, ms; -1 if it has none, or there is no batch.</summary>
    public long FirstTimestamp
    {
        get
        {
            if (firstTimestamp == Unknown)
            {
                using var scanner = new BatchScanner(File, 0, Size);
                firstTimestamp = scanner.MoveNext() ? scanner.Current.MaxTimestamp : -1;
            }

            return firstTimestamp;
        }
    }

    /// <summary>The offset of the last marker that the transaction index knows; -1 if there is none.</summary>
    public long LastAbortedOffset
    {
        get
        {
            Span<byte> bytes = stackalloc byte[AbortedTransaction.Size];
            return TransactionIndex?.TryReadLast(bytes) == true && AbortedTransaction.TryRead(bytes, out var last) ? last.LastOffset : -1;
        }
    }

    /// <summary>When the file was last written to, Unix ms. Compaction sets it to what it was.</summary>
    public long LastWrittenMs
    {
        get => File.LastWritten.ToUnixTimeMilliseconds();
        set => directory.Files.SetLastWritten(File.Path, DateTimeOffset.FromUnixTimeMilliseconds(value));
    }

    /// <summary>Builds both indexes from the batches.</summary>
    public void RebuildIndexes(int indexIntervalBytes)
    {
        RestartIndexes(0, 0);
        using var scanner = new BatchScanner(File, 0, Size, BatchScanner.LargeWindow);
        while (scanner.MoveNext())
            Index(scanner.Current, scanner.Position, indexIntervalBytes);
        if (IsSealed)
            CompleteIndexes();
    }

    /// <summary>
    /// Finds out, after a start, up to where the indexes can be believed below an offset, and cuts the rest off. Returns the position of
    /// a batch from which on everything must be looked at again, and put to <see cref="Index"/>, headers at least.
    /// </summary>
    public int RestartIndexesBelow(long offset)
    {
        var timeEntries = SoundTimeEntries(out var lastTime);
        // A crash may have kept more of one index than of the other. Nothing is known about times behind the last time entry.
        var limit = timeEntries == 0 ? BaseOffset - 1 : Math.Min(offset - 1, lastTime.Offset);
        var offsetEntries = SoundOffsetEntries(limit, out var lastOffset);
        if (offsetEntries == 0 || !PointsAtItsBatch(lastOffset, checksCrc: true))
        {
            RestartIndexes(0, 0);
            return 0;
        }

        while (timeEntries > 0 && lastTime.Offset > lastOffset.Offset)
            timeEntries = ReadTimeEntry(timeEntries - 2, out lastTime) ? timeEntries - 1 : 0;
        RestartIndexes(offsetEntries, timeEntries);
        (maxTimestamp, offsetOfMaxTimestamp) = timeEntries > 0 ? (lastTime.Timestamp, lastTime.Offset) : (-1, -1);
        lastTimeEntry = maxTimestamp;
        return lastOffset.Position;
    }

    /// <summary>
    /// The position of a batch near the end from which on the file must be walked through to find that, as far as the offset index
    /// knows.
    /// </summary>
    public int PositionNearEnd()
    {
        Span<byte> bytes = stackalloc byte[OffsetIndexEntry.Size];
        if (!OffsetIndex.HasSoundSize || !OffsetIndex.TryReadLast(bytes))
            return 0;
        var entry = OffsetIndexEntry.Read(bytes, BaseOffset);
        return entry.Position >= 0 && PointsAtItsBatch(entry, checksCrc: false) ? entry.Position : 0;
    }

    /// <summary>Sets what a walk to the end has found: the size, and how far back the last index entry is.</summary>
    public void SetEnd(int position)
    {
        Span<byte> bytes = stackalloc byte[OffsetIndexEntry.Size];
        Volatile.Write(ref size, position);
        bytesSinceIndexEntry = position - (OffsetIndex.TryReadLast(bytes) ? OffsetIndexEntry.Read(bytes, BaseOffset).Position : 0);
    }

    /// <summary>Nothing follows any more, so it is the active segment (again).</summary>
    public void Unseal() => IsSealed = false;

    /// <summary>Forgets aborted transactions whose marker is at an offset or behind it.</summary>
    public void TruncateTransactionIndex(long offset)
    {
        if (TransactionIndex is not { } index)
            return;
        Span<byte> bytes = stackalloc byte[AbortedTransaction.Size];
        var count = index.FindLast(offset - 1, bytes) + 1;
        if (count < index.Count)
            index.Truncate(count);
        hasUnsyncedTransactions = true; // a process that died may have cut it, and nobody has synced it since
    }

    /// <summary>Removes the batches from a position on, which holds the first offset that goes, and what the indexes know of them.</summary>
    public void TruncateTo(int position, long offset)
    {
        Volatile.Write(ref recent, null);
        Volatile.Write(ref size, position);
        File.SetSize(position);
        Span<byte> bytes = stackalloc byte[AbortedTransaction.Size];
        OffsetIndex.Truncate(OffsetIndex.FindLast(offset - 1 - BaseOffset, bytes) + 1);
        var timeEntries = TimeIndex.Count;
        while (ReadTimeEntry(timeEntries - 1, out var entry) && entry.Offset >= offset)
            timeEntries--;
        TimeIndex.Truncate(timeEntries);
        TruncateTransactionIndex(offset);

        IsSealed = false;
        isPreallocated = false;
        (maxTimestamp, firstTimestamp) = (Unknown, position == 0 ? Unknown : firstTimestamp);
        LoadMaxTimestamp();
        SetEnd(position);
    }

    /// <summary>Drops what a crash has left behind the last whole batch.</summary>
    public void TrimFile()
    {
        if (isPreallocated || File.Size != size)
            File.SetSize(size);
        isPreallocated = false;
    }

    /// <summary>Removes a transaction index that cannot be right. Returns whether one was removed.</summary>
    public bool DropBadTransactionIndex()
    {
        if (transactionIndex is not { } index || IsSound(index))
            return false;
        index.Truncate(0);
        hasUnsyncedTransactions = true;
        return true;
    }

    /// <summary>Makes everything survive a power cut; of an active segment, which will be synced again, only what is needed.</summary>
    public void Sync()
    {
        hasUnsyncedSeal = false;
        File.Sync();
        if (hasUnsyncedTransactions)
        {
            hasUnsyncedTransactions = false;
            TransactionIndex?.File.Sync();
        }

        if (!IsSealed)
            return;
        OffsetIndex.File.Sync();
        TimeIndex.File.Sync();
    }

    /// <summary>Has the files synced at the next occasion, although nothing was added.</summary>
    public void MarkUnsynced() => hasUnsyncedSeal = true;

    /// <summary>Closes files that were not used since the last call.</summary>
    public void CloseIdleFiles()
    {
        OffsetIndex.Flush();
        TimeIndex.Flush();
        foreach (var file in Files())
            file.CloseIfIdle();
    }

    /// <summary>Closes all files; they open again when they are used.</summary>
    public void CloseFiles()
    {
        foreach (var file in Files())
            file.Close();
    }

    /// <summary>
    /// Renames the files of compaction's output to their next stage, the batches first: when they have their own name, whoever finds the
    /// indexes still waiting for theirs has nothing to do but rename them.
    /// </summary>
    public void EnterStage(string nextStage)
    {
        foreach (var file in Files())
            file.EnterStage(nextStage);
        stage = nextStage;
    }

    /// <summary>Removes what compaction has written, unless it has begun to take its place.</summary>
    public void DiscardUnlessPlaced()
    {
        if (stage == LogFileNames.Cleaned)
            Delete();
    }

    /// <summary>Takes the files out of the log by renaming them; they can still be read.</summary>
    public void MarkRemoved()
    {
        foreach (var file in Files())
            file.MarkRemoved();
    }

    /// <summary>The files are about to go with their directory.</summary>
    public void Forsake()
    {
        foreach (var file in Files())
            file.Forsake();
    }

    /// <summary>Removes the files.</summary>
    public void Delete()
    {
        foreach (var file in Files())
            file.Delete();
    }

    /// <summary>Finds the largest timestamp if it is not known yet. Drops a time index that is wrong about it.</summary>
    public void LoadMaxTimestamp()
    {
        if (maxTimestamp != Unknown)
            return;
        if (ReadTimeEntry(TimeIndex.Count - 1, out var last) && IsSound(last))
        {
            (maxTimestamp, offsetOfMaxTimestamp, lastTimeEntry) = (last.Timestamp, last.Offset, last.Timestamp);
            var isRaised = RaiseMaxTimestamp(IsSealed ? PositionNearEnd() : Floor(last.Offset).Position);
            if (!IsSealed || !isRaised)
                return; // the last entry of a complete index is the largest, so a larger one at the end means that some are missing
        }

        (maxTimestamp, offsetOfMaxTimestamp, lastTimeEntry) = (-1, -1, -1);
        TimeIndex.Truncate(0);
        RaiseMaxTimestamp(0);
        if (IsSealed && maxTimestamp >= 0)
        {
            AddTimeEntry();
            TimeIndex.Flush();
        }
    }

    private bool RaiseMaxTimestamp(int fromPosition)
    {
        var before = maxTimestamp;
        using var scanner = new BatchScanner(File, fromPosition, Size, BatchScanner.LargeWindow);
        while (scanner.MoveNext())
        {
            if (scanner.Current.MaxTimestamp > maxTimestamp)
                (maxTimestamp, offsetOfMaxTimestamp) = (scanner.Current.MaxTimestamp, scanner.Current.LastOffset);
        }

        return maxTimestamp > before;
    }

    private IEnumerable<LazyFile> Files()
    {
        yield return File;
        yield return OffsetIndex.File;
        yield return TimeIndex.File;
        if (TransactionIndex is { } transactions)
            yield return transactions.File;
    }

    private void RestartIndexes(int offsetEntries, int timeEntries)
    {
        OffsetIndex.Truncate(offsetEntries);
        TimeIndex.Truncate(timeEntries);
        (maxTimestamp, offsetOfMaxTimestamp, lastTimeEntry) = (-1, -1, -1);
        bytesSinceIndexEntry = 0;
    }

    // An index that a power cut has thrown back in time may point into the middle of a batch, where chance can look like a header; after a
    // clean shutdown, it would also have to lead to the very end of the file.
    private bool PointsAtItsBatch(OffsetIndexEntry entry, bool checksCrc)
    {
        using var scanner = new BatchScanner(File, entry.Position, Size);
        return scanner.MoveNext() && IsSound(entry, scanner.Current) && (!checksCrc || scanner.IsCurrentValid());
    }

    // The entries at the front that rise as they must and lie within the file, up to a last offset.
    private int SoundOffsetEntries(long lastOffset, out OffsetIndexEntry last)
    {
        last = default;
        if (!OffsetIndex.File.Exists)
            return 0;
        var bytes = OffsetIndex.RentAll(out var count);
        var sound = 0;
        for (; sound < count; sound++)
        {
            var entry = OffsetIndexEntry.Read(bytes.AsSpan(sound * OffsetIndexEntry.Size), BaseOffset);
            var previous = sound == 0 ? new(BaseOffset - 1, -1) : last;
            if (entry.Offset <= previous.Offset || entry.Position <= previous.Position || entry.Position >= Size || entry.Offset > lastOffset)
                break;
            last = entry;
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(bytes);
        return sound;
    }

    private int SoundTimeEntries(out TimeIndexEntry last)
    {
        last = default;
        if (!TimeIndex.File.Exists)
            return 0;
        var bytes = TimeIndex.RentAll(out var count);
        var sound = 0;
        for (; sound < count; sound++)
        {
            var entry = TimeIndexEntry.Read(bytes.AsSpan(sound * TimeIndexEntry.Size), BaseOffset);
            var previous = sound == 0 ? new(-1, BaseOffset - 1) : last;
            if (entry.Timestamp <= previous.Timestamp || entry.Offset <= previous.Offset)
                break;
            last = entry;
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(bytes);
        return sound;
    }

    private bool ReadTimeEntry(int index, out TimeIndexEntry entry)
    {
        Span<byte> bytes = stackalloc byte[TimeIndexEntry.Size];
        var found = TimeIndex.TryRead(index, bytes);
        entry = found ? TimeIndexEntry.Read(bytes, BaseOffset) : default;
        return found;
    }

    private static bool IsSound(IndexFile index)
    {
        if (!index.HasSoundSize)
            return false;
        Span<byte> bytes = stackalloc byte[AbortedTransaction.Size];
        var previous = -1L;
        for (var i = 0; index.TryRead(i, bytes); i++)
        {
            if (!AbortedTransaction.TryRead(bytes, out var aborted) || aborted.LastOffset < previous)
                return false;
            previous = aborted.LastOffset;
        }

        return true;
    }
}
