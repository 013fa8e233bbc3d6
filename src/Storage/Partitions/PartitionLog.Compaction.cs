using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <content>
/// What compaction needs of a log: facts to plan by, what a pass reads, and the moment in which its output takes the place of what it
/// was made of. A pass holds nothing up: it works beside the log, and finds out in the end whether that is still the same.
/// </content>
public sealed partial class PartitionLog
{
    private long cleanedTo = -1;

    /// <summary>Below it every key was compacted once, as <c>cleaner-offset-checkpoint</c> says; -1 if nothing was.</summary>
    internal long CleanedTo => Volatile.Read(ref cleanedTo);

    /// <summary>The directory that holds it.</summary>
    internal LogDirectory Directory => directory;

    /// <summary>Sets what the checkpoint says, while the log is loaded.</summary>
    internal void LoadCleanedTo(long offset) => cleanedTo = offset <= LogEndOffset ? offset : -1;

    /// <summary>What a plan is made of; null if the log is closed or offline.</summary>
    internal LogFacts? CompactionFacts()
    {
        var current = config;
        var all = Segments;
        var facts = new SegmentFacts[all.Length];
        for (var i = 0; i < all.Length; i++)
        {
            var segment = all[i];
            facts[i] = new(segment.BaseOffset, segment.Size);
            if (i + 1 == all.Length || (current.MinCompactionLagMs == 0 && current.MaxCompactionLagMs == long.MaxValue))
                continue;
            // What is not known yet of a segment is found out, and may be put right, so that is the writer's turn.
            var index = i;
            var error = InTurn(() => facts[index] = facts[index] with
            {
                MaxTimestampMs = segment.MaxTimestamp >= 0 ? segment.MaxTimestamp : segment.LastWrittenMs,
                FirstTimestampMs = segment.FirstTimestamp,
            });
            if (error != ErrorCode.None)
                return null;
        }

        return isClosed || IsOffline ? null : new(current, LogStartOffset, LogEndOffset, LastStableOffset, CleanedTo, facts);
    }

    /// <summary>
    /// Begins a pass over the segments below an offset, which is where one begins; null if the log has changed so that there is nothing
    /// to do.
    /// </summary>
    internal CompactionInput? BeginCompaction(long endOffset)
    {
        lock (writing)
        {
            var all = Segments;
            var count = all.TakeWhile(segment => segment.BaseOffset < endOffset).Count();
            if (isClosed || IsOffline || count == 0 || count == all.Length || all[count].BaseOffset != endOffset)
                return null;
            var lastBatches = new Dictionary<long, LastBatch>();
            foreach (var entry in producers.Entries)
            {
                var lastOffset = entry.BatchCount > 0 ? entry.Last.LastOffset : -1;
                if (lastOffset < endOffset)
                    lastBatches.Add(entry.ProducerId, new(lastOffset, entry.Epoch));
            }

            return new(directory, all, count, lastBatches, truncations);
        }
    }

    /// <summary>Whether a pass may go on: the log is open, compacted, and has not been cut since.</summary>
    internal bool IsSameAs(CompactionInput input) =>
        !isClosed && !IsOffline && config.CleanupPolicy.HasFlag(CleanupPolicy.Compact) && Volatile.Read(ref truncations) == input.Truncations;

    /// <summary>Whether a pass may have met files that are gone: retention took a segment out, or the log is cut or closed.</summary>
    internal bool MayLackFiles(CompactionInput input) => !IsSameAs(input) || Segments[0].BaseOffset != input.All[0].BaseOffset;

    /// <summary>
    /// Does what comes after a pass. That the directory of a log is gone, because that was deleted or moved meanwhile, is no failure of
    /// the disk.
    /// </summary>
    internal bool TryAfterPass(CompactionInput input, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (IOException e)
        {
            if (!isClosed && directory == input.Home)
                input.Home.Fail(e);
            return false;
        }
    }

    /// <summary>The aborted transactions that have records between two offsets.</summary>
    internal static IReadOnlyList<AbortedTransaction> AbortedIn(CompactionInput input, long fromOffset, long upperBound) =>
        AbortedBetween(input.All, fromOffset, upperBound);

    /// <summary>An empty segment that is not part of the log, for the output of a pass.</summary>
    internal LogSegment CreateCleaned(long baseOffset) => LogSegment.CreateCleaned(place, baseOffset, directory.NowMs);

    /// <summary>
    /// Makes everything below an offset last, and the recovery point with it, so that no recovery ever looks for records that a pass is
    /// going to remove. False if the disk refuses.
    /// </summary>
    internal bool SettleBelow(long offset)
    {
        if (FlushAsync(offset).AsTask().GetAwaiter().GetResult() != ErrorCode.None)
            return false;
        directory.RecoveryPointsMoved?.Invoke();
        return !IsOffline;
    }

    /// <summary>
    /// Puts a cleaned segment, which must be synced, in the place of those that it was made of. After a crash at any moment, either they
    /// are there or it is (<see cref="SegmentInventory"/>); who reads them reads on. False, and nothing is changed, if the log is not what
    /// it was when the pass began.
    /// </summary>
    internal bool TryReplace(CompactionInput input, ReadOnlySpan<LogSegment> replaced, LogSegment cleaned)
    {
        var old = replaced.ToArray();
        var isDone = false;
        var error = InTurn(() =>
        {
            var all = Segments;
            var first = Array.IndexOf(all, old[0]);
            if (!IsSameAs(input) || first < 0 || first + old.Length >= all.Length || !all.AsSpan(first, old.Length).SequenceEqual(old))
                return;
            cleaned.EnterStage(LogFileNames.Swap);
            foreach (var segment in old)
                segment.MarkRemoved(); // the oldest first: what a crash leaves in between is then superseded by what is left behind it
            cleaned.EnterStage("");
            Volatile.Write(ref segments, [.. all[..first], cleaned, .. all[(first + old.Length)..]]);
            snapshots.RemoveStrays(Segments);
            directory.DelayedDeletes.Schedule(directory.NowMs + config.FileDeleteDelayMs, () => DeleteFiles(old));
            isDone = true;
        });
        if (error == ErrorCode.None && isDone)
            return TryAfterPass(input, () => place.Files.SyncDirectory(place.Path));
        return false;
    }

    /// <summary>Ends a pass: everything below the offset is compacted.</summary>
    internal void EndCompaction(CompactionInput input, long endOffset)
    {
        lock (writing)
        {
            if (IsSameAs(input))
                Volatile.Write(ref cleanedTo, endOffset);
        }
    }
}

/// <summary>What a pass works on.</summary>
/// <param name="Home">The directory that holds it.</param>
/// <param name="All">The log's segments when it began; the active one is the last.</param>
/// <param name="Count">How many of them are compacted.</param>
/// <param name="Producers">Who may go on writing.</param>
/// <param name="Truncations">Tells whether the log has been cut since.</param>
internal sealed record CompactionInput(
    LogDirectory Home, LogSegment[] All, int Count, IReadOnlyDictionary<long, LastBatch> Producers, int Truncations);
