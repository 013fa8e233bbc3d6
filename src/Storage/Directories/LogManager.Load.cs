using System.Diagnostics;
using Milena.Common;

namespace Milena.Storage;

/// <content>Loading what the directories hold.</content>
public sealed partial class LogManager
{
    /// <summary>
    /// Opens the log of <c>__cluster_metadata-0</c> in the metadata log directory, and makes it if it is missing. Throws
    /// <see cref="LogDirectoryException"/> if the disk refuses: without it a node can do nothing.
    /// </summary>
    public PartitionLog OpenMetadataLog(LogConfig config)
    {
        var path = Path.GetFullPath(options.MetadataLogDir ?? options.LogDirs[0]);
        var opened = directories.First(opened => opened.Directory.Path == path);
        var directory = opened.Directory;
        lock (creating)
        {
            directory.Try(() =>
            {
                var logPath = directory.PathOf(LogDirectoryNames.Of(LogDirectoryNames.Metadata));
                directory.Files.CreateDirectory(logPath);
                var state = new Checkpoints(directory).StateOf(LogDirectoryNames.Metadata, opened.WasClean, options.ProducerIdExpirationMs);
                metadataLog = LogLoader.Load(directory, LogDirectoryNames.Metadata, logPath, config, state, out _);
                if (metadataLog.RecoveryPoint < state.RecoveryPoint)
                    WriteRecoveryPoints(directory);
            });
            return metadataLog ?? throw new LogDirectoryException($"the metadata log in {path} cannot be opened");
        }
    }

    /// <summary>
    /// Loads all other logs, several at a time, and starts the background work. Call it once. A directory in which one cannot be loaded
    /// goes offline.
    /// </summary>
    /// <param name="configOf">The settings of a topic; they may also be set later (<see cref="PartitionLog.Config"/>).</param>
    public void LoadLogs(Func<string, LogConfig> configOf)
    {
        var loads = directories.Where(opened => HoldsTopics(opened.Directory)).Select(opened => Task.Run(() => Load(opened, configOf))).ToArray();
        Task.WaitAll(loads);
        ResumeMoves();
        isLoaded = true;
        foreach (var move in moves.Values)
            WriteCheckpoints(DirectoryOf(move.Future)); // a copy may be shorter than they say
        foreach (var load in loads)
            load.Result?.Invoke();
        StartBackgroundWork();
    }

    // Returns what must be done once all are loaded, if anything.
    private Action? Load(OpenDirectory opened, Func<string, LogConfig> configOf)
    {
        var directory = opened.Directory;
        var started = Stopwatch.GetTimestamp();
        var (loaded, recovered, becameShorter) = (0, 0, false);
        directory.Try(() =>
        {
            var checkpoints = new Checkpoints(directory);
            var found = FindLogs(directory);
            Parallel.ForEach(
                found,
                new ParallelOptions { MaxDegreeOfParallelism = options.RecoveryThreadsPerDataDir },
                partition => directory.Try(() =>
                {
                    var state = checkpoints.StateOf(partition, opened.WasClean, options.ProducerIdExpirationMs);
                    var path = directory.PathOf(LogDirectoryNames.Of(partition));
                    var log = LogLoader.Load(directory, partition, path, configOf(partition.Topic), state, out var wasRecovered);
                    lock (creating)
                    {
                        directory.LogCount++;
                        loaded++;
                    }

                    if (!logs.TryAdd(partition, log))
                        ChooseOne(log);
                    if (wasRecovered)
                        Interlocked.Increment(ref recovered);
                    if (log.RecoveryPoint < state.RecoveryPoint)
                        Volatile.Write(ref becameShorter, true);
                }));
        });
        Log.DirectoryLoaded(logger, directory.Path, loaded, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds, recovered);
        // A log that has become shorter is written anew from there: nothing must claim that this is synced already.
        return becameShorter ? () => WriteRecoveryPoints(directory) : null;
    }

    private List<TopicPartition> FindLogs(LogDirectory directory)
    {
        var found = new List<TopicPartition>();
        foreach (var name in directory.Files.ListDirectories(directory.Path))
        {
            if (name.EndsWith(LogDirectoryNames.DeleteSuffix, StringComparison.Ordinal))
                directory.DelayedDeletes.Schedule(directory.NowMs, () => directory.Try(() => directory.Files.DeleteDirectory(directory.PathOf(name))));
            else if (LogDirectoryNames.TryParse(name, out var partition))
                found.Add(partition);
            else if (!LogDirectoryNames.TryParseFuture(name, out _)
                && !name.EndsWith(LogDirectoryNames.StraySuffix, StringComparison.Ordinal) && name != LogDirectoryNames.RemoteIndexCache)
                Log.UnknownDirectory(logger, directory.PathOf(name));
        }

        found.Remove(LogDirectoryNames.Metadata);
        return found;
    }

    /// <summary>The checkpoints of a directory, as they were left.</summary>
    private sealed class Checkpoints(LogDirectory directory)
    {
        private readonly Dictionary<TopicPartition, long> recoveryPoints = Read(directory, OffsetCheckpoint.RecoveryPoints);
        private readonly Dictionary<TopicPartition, long> logStarts = Read(directory, OffsetCheckpoint.LogStartOffsets);
        private readonly Dictionary<TopicPartition, long> highWatermarks = Read(directory, OffsetCheckpoint.HighWatermarks);
        private readonly Dictionary<TopicPartition, long> cleaned = Read(directory, OffsetCheckpoint.Cleaned);

        public LoadState StateOf(TopicPartition partition, bool wasClean, long producerIdExpirationMs) => new(
            wasClean, recoveryPoints.GetValueOrDefault(partition), logStarts.GetValueOrDefault(partition), highWatermarks.GetValueOrDefault(partition),
            cleaned.GetValueOrDefault(partition, -1), producerIdExpirationMs);

        private static Dictionary<TopicPartition, long> Read(LogDirectory directory, string name) =>
            OffsetCheckpoint.Read(directory.Files, directory.PathOf(name));
    }
}
