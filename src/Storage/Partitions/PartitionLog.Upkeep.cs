using Milena.Common;
using Milena.Protocol.Records;

namespace Milena.Storage;

/// <content>What the log's owner does in the background, at the start and at the end.</content>
public sealed partial class PartitionLog
{
    // How many bytes of batches a start may have to walk through to know the producers again, where segments are larger.
    private const int SnapshotIntervalBytes = 64 * 1024 * 1024;

    private int sizeAtSnapshot;
    private volatile bool hasNewDirectory;

    /// <summary>Whether there is anything that a power cut would take.</summary>
    internal bool IsDirty => RecoveryPoint < LogEndOffset;

    /// <summary>Completes when no sync is under way, for tests.</summary>
    internal Task BackgroundFlush => commit.Idle;

    // A log that never had a record is made again if its files do not survive.
    private bool NeedsSync =>
        !isBlank
        && (IsDirty || Epochs.IsDirty || snapshots.NeedSync || hasNewNames || hasUnsyncedTopicId || Segments.Any(segment => segment.HasUnsyncedSeal));

    /// <summary>When the last sync ended, Unix ms.</summary>
    internal long LastFlushedMs => Volatile.Read(ref lastFlushedMs);

    /// <summary>The first offset in the files, which the log's start may be above.</summary>
    internal long FirstSegmentOffset => Segments[0].BaseOffset;

    /// <summary>The segments, for tests.</summary>
    internal IReadOnlyList<LogSegment> AllSegments => Segments;

    long ISyncedLog.LogEndOffset => LogEndOffset;

    /// <inheritdoc/>
    bool ISyncedLog.TrySync(long from, long to)
    {
        var home = directory;
        if (home.IsOffline || isBeingDeleted)
            return false;
        var started = directory.Time.GetTimestamp();
        try
        {
            var all = Segments; // every offset below the end that was asked for lies in one of these
            var first = from < to ? Math.Max(0, FloorIndex(all, from)) : all.Length;
            while (first > 0 && all[first - 1].HasUnsyncedSeal)
                first--;
            foreach (var segment in all.AsSpan(first))
                Sync(segment);
            snapshots.Sync();
            if (hasUnsyncedTopicId)
            {
                hasUnsyncedTopicId = false;
                PartitionMetadata.Sync(place.Files, place.Path);
            }

            var mustSyncNames = hasNewNames;
            hasNewNames = false;
            if (Epochs.TakeDirty() is { } epochs)
                LeaderEpochCheckpoint.Write(place.Files, place.Path, epochs); // which syncs the names as well
            else if (mustSyncNames)
                place.Files.SyncDirectory(place.Path);
            if (hasNewDirectory)
            {
                hasNewDirectory = false;
                place.Files.SyncDirectory(directory.Path);
            }

            Volatile.Write(ref lastFlushedMs, directory.NowMs);
            directory.Synced?.Invoke(directory.Time.GetElapsedTime(started));
            return true;
        }
        catch (IOException e)
        {
            if (home != directory)
                return true; // the log has moved meanwhile, and everything that it held with it
            if (!isBeingDeleted)
                home.Fail(e);
            return false;
        }
    }

    /// <summary>Syncs in the background what was appended. Takes a snapshot of the producers if the last one is far behind.</summary>
    internal void FlushBehind()
    {
        InTurn(() =>
        {
            if (Active.Size - sizeAtSnapshot > SnapshotIntervalBytes)
                TakeSnapshot();
        });
        commit.Start();
    }

    /// <summary>Makes what a recovery has found last, whatever the process before had left half-done: in the background.</summary>
    internal void MakeDurable()
    {
        Active.MarkUnsynced();
        commit.Start();
    }

    /// <summary>Sets what a load has found, or what a new log begins with.</summary>
    internal void Start(long endOffset, long highWatermarkAtCheckpoint, long recoveryPoint, bool hasNewNames, bool isBlank)
    {
        this.isBlank = isBlank;
        this.hasNewNames = hasNewNames;
        hasNewDirectory = hasNewNames;
        Volatile.Write(ref logEndOffset, endOffset);
        Volatile.Write(ref highWatermark, Math.Clamp(highWatermarkAtCheckpoint, logStartOffset, endOffset));
        Epochs.TruncateFromEnd(endOffset);
        Epochs.TruncateFromStart(logStartOffset);
        commit.Reset(recoveryPoint);
        producers.OnHighWatermark(HighWatermark);
        sizeAtSnapshot = Active.Size;
    }

    /// <summary>
    /// Brings the producers into the state that they have at an offset: from the latest snapshot that lies at or below
    /// <paramref name="snapshotMax"/>, and the batches that follow it. With <paramref name="rebuildAborted"/>, aborted transactions that
    /// the transaction indexes do not know are added to them.
    /// </summary>
    internal void LoadProducers(long endOffset, long snapshotMax, bool rebuildAborted, long expirationMs)
    {
        producers.Clear();
        snapshots.RemoveAbove(endOffset);
        var nowMs = directory.NowMs;
        var entries = snapshots.LoadLatest(
            snapshotMax, offset => Log.SnapshotDamaged(directory.Logger, Partition, offset), out var snapshotOffset);
        foreach (var entry in entries ?? [])
        {
            if (!ProducerStates.IsExpired(entry, nowMs, expirationMs))
                producers.Load(entry);
        }

        var from = Math.Max(snapshotOffset, logStartOffset);
        var all = Segments;
        for (var i = Math.Max(0, FloorIndex(all, from)); i < all.Length && from < endOffset; i++)
            Replay(all[i], from, rebuildAborted);
    }

    /// <summary>Forgets producers that have written nothing for so long.</summary>
    internal void RemoveExpiredProducers(long expirationMs)
    {
        lock (writing)
            producers.RemoveExpired(directory.NowMs, expirationMs);
    }

    /// <summary>Closes files that have not been used since the last call, if nothing waits for a sync.</summary>
    internal void CloseIdleFiles()
    {
        if (IsDirty)
            return;
        InTurn(() =>
        {
            foreach (var segment in Segments)
                segment.CloseIdleFiles();
        });
    }

    /// <summary>
    /// Ends the log in order: nothing is appended any more; what is only in memory is written, the producers go into a snapshot, so that
    /// the next start reads next to nothing, and a sync is started. <see cref="EndClose"/> waits for that.
    /// </summary>
    internal void BeginClose(bool isBeingDeleted = false)
    {
        this.isBeingDeleted |= isBeingDeleted;
        lock (writing)
        {
            if (isClosed)
                return;
            isClosed = true;
            directory.Try(() =>
            {
                if (!isBeingDeleted)
                    Settle(isClosing: true);
            });
        }

        if (!isBeingDeleted && NeedsSync)
            commit.Start();
    }

    /// <summary>Returns when the log is closed: true if everything is on the disk.</summary>
    internal bool EndClose()
    {
        commit.Idle.GetAwaiter().GetResult(); // a sync that is under way must not meet files that are closed or gone
        foreach (var segment in Segments)
            segment.CloseFiles();
        return !IsOffline && (isBeingDeleted || !IsDirty);
    }

    /// <summary>Renames the log's directory, once it is closed. What is being read from it can be read on.</summary>
    internal void MoveTo(string path) => place.MoveTo(path);

    /// <summary>Removes the log's directory.</summary>
    internal void DeleteDirectory() => DeleteDirectory(directory, place, Segments);

    private static void DeleteDirectory(LogDirectory home, PartitionDirectory place, LogSegment[] segments)
    {
        foreach (var segment in segments)
        {
            segment.Forsake();
            segment.CloseFiles();
        }

        try
        {
            place.Files.DeleteDirectory(place.Path);
        }
        catch (IOException e)
        {
            home.Fail(e);
        }
    }

    /// <summary>
    /// Sets the topic's id of a log that was just made. Its file is synced with the log's first records: with thousands of new
    /// partitions, a sync for each would keep the first client waiting for seconds.
    /// </summary>
    internal void SetFirstTopicId(Uuid topicId)
    {
        PartitionMetadata.Create(place.Files, place.Path, topicId);
        TopicId = topicId;
        hasUnsyncedTopicId = true;
    }

    /// <summary>Sets the topic's id and writes <c>partition.metadata</c>.</summary>
    internal void AssignTopicId(Uuid topicId)
    {
        PartitionMetadata.Write(place.Files, place.Path, topicId);
        TopicId = topicId;
    }

    /// <summary>
    /// Leaves the files as a closed log has them, with a snapshot at the end. A log that was recovered gets one only if finding out
    /// the same again would take long: thousands of new files would.
    /// </summary>
    internal void Settle(bool isClosing)
    {
        Active.CompleteIndexes();
        if (logEndOffset > Math.Max(snapshots.Latest, Segments[0].BaseOffset)
            && (isClosing || producers.Count > 0 || Active.Size > SnapshotIntervalBytes))
            TakeSnapshot();
    }

    private static void Sync(LogSegment segment)
    {
        try
        {
            segment.Sync();
        }
        catch (IOException) when (segment.File.IsRemoved)
        {
            // retention or a truncation has taken it meanwhile
        }
    }

    private void TakeSnapshot()
    {
        snapshots.Write(logEndOffset, producers, Segments);
        sizeAtSnapshot = Active.Size;
    }

    private void ReloadProducers(long endOffset)
    {
        LoadProducers(endOffset, endOffset, rebuildAborted: false, expirationMs: long.MaxValue);
        producers.OnHighWatermark(HighWatermark);
        sizeAtSnapshot = Active.Size;
    }

    private void Replay(LogSegment segment, long from, bool rebuildAborted)
    {
        var offset = Math.Max(from, segment.BaseOffset);
        var search = segment.Find(offset, out var position, out _);
        if (search == SegmentSearch.BadIndex)
        {
            Log.IndexesRebuilt(directory.Logger, Partition, segment.BaseOffset, "an entry did not point at its batch");
            segment.RebuildIndexes(config.IndexIntervalBytes);
            search = segment.Find(offset, out position, out _);
        }

        if (search != SegmentSearch.Found)
            return;
        using var scanner = new BatchScanner(segment.File, position, segment.Size, BatchScanner.LargeWindow);
        while (scanner.MoveNext())
        {
            if (!scanner.Current.HasProducerId)
                continue;
            var aborted = producers.Apply(scanner.Current.IsControl ? scanner.Load() : scanner.Current);
            if (rebuildAborted && aborted is { IsAborted: true } transaction && segment.LastAbortedOffset < transaction.LastOffset)
            {
                segment.AddAborted(new(
                    transaction.ProducerId, transaction.FirstOffset, transaction.LastOffset, producers.LastStableOffsetAfter(transaction)));
            }
        }
    }
}
