using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <content>
/// Moving to another log directory. The log stays the same object: whoever appends, reads or waits goes on, and finds the files in the
/// other directory.
/// </content>
public sealed partial class PartitionLog
{
    /// <summary>Changes whenever records are taken from the end; odd while that is under way.</summary>
    internal int Truncations => Volatile.Read(ref truncations);

    /// <summary>Goes on at an offset, behind a gap that holds nothing any more: compaction has left it at the end of the log that is copied.</summary>
    internal ErrorCode SkipTo(long offset) => InTurn(() =>
    {
        if (offset <= logEndOffset)
            return;
        Roll(offset, directory.NowMs);
        Volatile.Write(ref logEndOffset, offset);
    });

    /// <summary>
    /// Goes on in the directory of a copy of this log, which is closed. Nothing is appended meanwhile: what the copy still lacks is copied,
    /// all of it is made to last, then the copy's directory takes the log's name, and only when that lasts, the old one loses it. So a
    /// crash leaves the one, the other, or both whole, and never neither. False, and the log is where it was, if the log has been cut or
    /// closed meanwhile, or the copy's disk refuses.
    /// </summary>
    /// <param name="copy">The copy.</param>
    /// <param name="truncationsCopied"><see cref="Truncations"/> when the copy was begun.</param>
    /// <param name="cleanedToCopied"><see cref="CleanedTo"/> then: what was compacted since may be there uncompacted.</param>
    /// <param name="copyMore">Copies the next piece; false if it cannot.</param>
    /// <param name="checkpoint">Writes down what a start must know of the copy.</param>
    /// <param name="leftPath">Where the old directory goes.</param>
    internal bool MoveInto(PartitionLog copy, int truncationsCopied, long cleanedToCopied, Func<bool> copyMore, Action checkpoint, string leftPath)
    {
        lock (writing)
        {
            while (copy.logEndOffset < logEndOffset)
            {
                if (!copyMore())
                    return false;
            }

            lock (copy.writing)
            {
                if (isClosed || IsOffline || copy.isClosed || truncations != truncationsCopied)
                    return false;
                copy.AdvanceHighWatermark(HighWatermark);
                if (copy.AdvanceLogStart(logStartOffset) != ErrorCode.None || !copy.TakeName(this, checkpoint))
                    return false;
                Leave(leftPath);
                TakeOver(copy, cleanedToCopied);
                return true;
            }
        }
    }

    private bool TakeName(PartitionLog original, Action checkpoint)
    {
        if (commit.FlushAsync(logEndOffset).AsTask().GetAwaiter().GetResult() != ErrorCode.None)
            return false;
        return directory.Try(() =>
        {
            LeaderEpochCheckpoint.Write(place.Files, place.Path, original.Epochs.All);
            checkpoint();
            if (IsOffline)
                throw new IOException("what a start must know cannot be written down");
            place.MoveTo(directory.PathOf(LogDirectoryNames.Of(Partition)));
            place.Files.SyncDirectory(directory.Path);
        });
    }

    // If that fails, a start may find both: the one that goes on has more.
    private void Leave(string leftPath)
    {
        var (home, left, old) = (directory, place, Segments);
        home.Try(() =>
        {
            left.MoveTo(leftPath);
            home.Files.SyncDirectory(home.Path);
        });
        home.DelayedDeletes.Schedule(home.NowMs + config.FileDeleteDelayMs, () => DeleteDirectory(home, left, old));
    }

    private void TakeOver(PartitionLog copy, long cleanedToCopied)
    {
        copy.isClosed = true;
        Volatile.Write(ref truncations, truncations + 1);
        Volatile.Write(ref segments, copy.segments);
        (place, snapshots, directory) = (copy.place, copy.snapshots, copy.directory);
        (isBlank, hasUnsyncedTopicId, hasNewNames, hasNewDirectory) = (copy.isBlank, copy.hasUnsyncedTopicId, copy.hasNewNames, copy.hasNewDirectory);
        Volatile.Write(ref cleanedTo, Math.Min(cleanedTo, cleanedToCopied));
        Volatile.Write(ref truncations, truncations + 1);
        Epochs.FileSays(Epochs.All);
        commit.MoveTo(directory.SyncThreads, logEndOffset);
        directory.Try(TakeSnapshot); // of producers whose records are gone the copy has learnt nothing
    }
}
