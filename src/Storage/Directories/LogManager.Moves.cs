using System.Collections.Concurrent;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <content>Logs that move from one directory to another, and where those are wanted that are not there yet.</content>
public sealed partial class LogManager
{
    // Whoever wishes for more than this for topics that never come must not be able to fill the memory.
    private const int PreferredMax = 10_000;

    private readonly ConcurrentDictionary<TopicPartition, LogMove> moves = new();
    private readonly Dictionary<TopicPartition, string> preferred = [];

    /// <summary>The moves that are under way; those that a former process had begun too. A snapshot.</summary>
    public IReadOnlyCollection<LogMove> Moves => (IReadOnlyCollection<LogMove>)moves.Values;

    /// <summary>The move of a partition's log, or null.</summary>
    public LogMove? MoveOf(TopicPartition partition) => moves.GetValueOrDefault(partition);

    /// <summary>
    /// Begins to move a log to a directory, or does nothing where it is there; one that moves to another directory gives that up. If there is no
    /// log yet, it will be made there: <see cref="ErrorCode.ReplicaNotAvailable"/>. <see cref="ErrorCode.LogDirNotFound"/> if there is no
    /// such directory, <see cref="ErrorCode.KafkaStorageError"/> if it or the log's is offline.
    /// </summary>
    public ErrorCode BeginMove(TopicPartition partition, string logDir)
    {
        if (!LogDirectoryNames.HasRoomForFuture(partition))
            return ErrorCode.InvalidTopicException;
        var target = directories.FirstOrDefault(opened => opened.Directory.Path == logDir)?.Directory;
        if (target is null || !HoldsTopics(target))
            return ErrorCode.LogDirNotFound;
        lock (creating)
        {
            if (target.IsOffline || isClosed)
                return ErrorCode.KafkaStorageError;
            if (Find(partition) is not { } log)
            {
                if (preferred.Count < PreferredMax || preferred.ContainsKey(partition))
                    preferred[partition] = target.Path;
                return ErrorCode.ReplicaNotAvailable;
            }

            if (log.IsOffline)
                return ErrorCode.KafkaStorageError;
            if (MoveOf(partition) is { } other)
            {
                if (other.LogDir == target.Path)
                    return ErrorCode.None;
                GiveUp(other);
            }

            return log.LogDir == target.Path || Begin(log, target) ? ErrorCode.None : ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>Gives a move up, if it is still under way; the log stays where it is.</summary>
    public void GiveUpMove(LogMove move)
    {
        lock (creating)
        {
            if (MoveOf(move.Log.Partition) == move)
                GiveUp(move);
        }
    }

    internal bool Finish(LogMove move, int truncations, long cleanedTo)
    {
        lock (creating)
        {
            var log = move.Log;
            if (isClosed || MoveOf(log.Partition) != move || Find(log.Partition) != log)
                return false;
            var (from, to) = (DirectoryOf(log), DirectoryOf(move.Future));
            var left = from.PathOf(NewName(log.Partition, LogDirectoryNames.DeleteSuffix));
            if (!log.MoveInto(move.Future, truncations, cleanedTo, () => move.Copy(MovePieceBytes) > 0 || move is { Failure: null, Lag: 0 }, () => WriteCheckpoints(to), left))
                return false;
            moves.TryRemove(log.Partition, out _);
            from.LogCount--;
            Log.Moved(logger, log.Partition, from.Path, to.Path);
            return true;
        }
    }

    private const int MovePieceBytes = 1 << 20;

    private bool Begin(PartitionLog log, LogDirectory target)
    {
        PartitionLog? copy = null;
        target.Try(() =>
        {
            var path = target.PathOf(NewName(log.Partition, LogDirectoryNames.FutureSuffix));
            target.Files.CreateDirectory(path);
            copy = LogLoader.Create(target, log.Partition, path, log.Config, log.LogStartOffset);
            if (log.TopicId is { } topicId)
                copy.SetFirstTopicId(topicId);
        });
        if (copy is null)
            return false;
        target.LogCount++;
        moves[log.Partition] = new LogMove(this, log, copy);
        WriteCheckpoints(target); // an entry of an earlier log of that name would claim that what is copied lasts already
        Log.MoveBegun(logger, log.Partition, log.LogDir, target.Path);
        return !target.IsOffline;
    }

    private void GiveUp(LogMove move)
    {
        moves.TryRemove(move.Log.Partition, out _);
        Drop(move.Future, LogDirectoryNames.DeleteSuffix);
        Log.MoveGivenUp(logger, move.Log.Partition, move.LogDir, move.Log.LogDir);
    }

    // Takes a log out of use; its files go later, or stay under a name that says that they are nobody's.
    private string Drop(PartitionLog log, string suffix)
    {
        log.BeginClose(isBeingDeleted: true);
        log.EndClose();
        var directory = DirectoryOf(log);
        directory.LogCount--;
        var path = directory.PathOf(NewName(log.Partition, suffix));
        directory.Try(() => log.MoveTo(path));
        if (suffix == LogDirectoryNames.DeleteSuffix)
            directory.DelayedDeletes.Schedule(directory.NowMs + log.Config.FileDeleteDelayMs, log.DeleteDirectory);
        return path;
    }

    private void WriteCheckpoints(LogDirectory directory)
    {
        WriteRecoveryPoints(directory);
        WriteLogStarts(directory);
        WriteHighWatermarks(directory);
        WriteCleaned(directory);
    }

    /// <summary>
    /// A log lies in two directories: a move ended there when the process did. Both are whole, and the one that went on, if any did, has a
    /// later epoch or reaches further. The other is put aside.
    /// </summary>
    private void ChooseOne(PartitionLog log)
    {
        lock (creating)
        {
            var other = logs[log.Partition];
            if (other.TopicId != log.TopicId)
                throw new CorruptFileException(log.LogDir, $"{log.Partition} is in {other.LogDir} as well, of another topic");
            var goesOn = (log.Epochs.Latest, log.LogEndOffset).CompareTo((other.Epochs.Latest, other.LogEndOffset)) > 0 ? log : other;
            logs[log.Partition] = goesOn;
            var path = Drop(goesOn == log ? other : log, LogDirectoryNames.StraySuffix);
            Log.LeftBehind(logger, log.Partition, goesOn.LogDir, path);
        }
    }

    /// <summary>Goes on with the moves of a former process, once all logs are loaded.</summary>
    private void ResumeMoves()
    {
        foreach (var opened in directories.Where(opened => !opened.Directory.IsOffline && HoldsTopics(opened.Directory)))
        {
            var directory = opened.Directory;
            directory.Try(() =>
            {
                foreach (var name in directory.Files.ListDirectories(directory.Path))
                {
                    if (LogDirectoryNames.TryParseFuture(name, out var partition))
                        Resume(opened, name, partition);
                }
            });
        }
    }

    private void Resume(OpenDirectory opened, string name, TopicPartition partition)
    {
        var (directory, path) = (opened.Directory, opened.Directory.PathOf(name));
        var log = Find(partition);
        if (log is null && directories.Any(other => other.Directory.IsOffline))
            return; // what it was copied from may be back at the next start
        if (log is not null && log.LogDir != directory.Path && MoveOf(partition) is null && TryLoadCopy(opened, log, path) is { } copy)
        {
            directory.LogCount++;
            moves[partition] = new LogMove(this, log, copy);
            Log.MoveBegun(logger, partition, log.LogDir, directory.Path);
            return;
        }

        directory.Files.Rename(path, directory.PathOf(NewName(partition, LogDirectoryNames.StraySuffix)));
        Log.StrayMoved(logger, partition, path);
    }

    // What was copied is a beginning of the log, which a crash may have shortened since.
    private PartitionLog? TryLoadCopy(OpenDirectory opened, PartitionLog log, string path)
    {
        try
        {
            var state = new Checkpoints(opened.Directory).StateOf(log.Partition, opened.WasClean, options.ProducerIdExpirationMs);
            var copy = LogLoader.Load(opened.Directory, log.Partition, path, log.Config, state, out _);
            if (copy.TopicId == log.TopicId && copy.TruncateTo(Math.Max(log.LogEndOffset, log.LogStartOffset)) == ErrorCode.None)
                return copy;
            copy.BeginClose(isBeingDeleted: true);
            copy.EndClose();
            return null;
        }
        catch (CorruptFileException)
        {
            return null; // it is put aside, and nothing is lost with it
        }
    }
}
