using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Storage;

/// <summary>
/// All logs of a node: locks the log directories, loads what is in them, creates and removes logs, and does in the background what
/// logs need (retention, flushes, checkpoints). One a process; any thread may use it.
/// </summary>
public sealed partial class LogManager : IAsyncDisposable
{
    private readonly LogManagerOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Random random;
    private readonly IReadOnlyList<OpenDirectory> directories;
    private readonly ConcurrentDictionary<TopicPartition, PartitionLog> logs = new();
    private readonly Lock creating = new();
    private PartitionLog? metadataLog;
    private volatile bool isLoaded;
    private bool isClosed;

    private LogManager(
        LogManagerOptions options, TimeProvider time, Random random, ILogger logger, IReadOnlyList<OpenDirectory> directories, string clusterId)
    {
        this.options = options;
        ProducerIdExpirationMs = options.ProducerIdExpirationMs;
        this.time = time;
        this.random = random;
        this.logger = logger;
        this.directories = directories;
        ClusterId = clusterId;
        Cleaner = new(options.Cleaner, () => logs.Values, WriteCleaned, time, logger);
        foreach (var opened in directories)
        {
            if (opened.Directory.Failure is { } failure)
                Log.DirectoryFailed(logger, opened.Directory.Path, failure.Message);
            opened.Directory.Failed = OnFailed;
            opened.Directory.Synced = took => Synced?.Invoke(took);
            opened.Directory.RecoveryPointsMoved = () =>
            {
                WriteRecoveryPoints(opened.Directory);
                WriteCleaned(opened.Directory); // what was compacted cannot reach further than the log
            };
        }
    }

    /// <summary>How long producers that write nothing are remembered, <c>producer.id.expiration.ms</c>; may change at any time.</summary>
    public long ProducerIdExpirationMs { get; set; }

    /// <summary>
    /// Locks the directories and reads or writes their <c>meta.properties</c>; loads no logs yet. Throws
    /// <see cref="LogDirectoryException"/> if a directory is in use, belongs to another cluster or node, or if none can be used. One of
    /// several that cannot be read is offline from the start.
    /// </summary>
    /// <param name="options">The settings.</param>
    /// <param name="time">Timestamps and timers.</param>
    /// <param name="random">Ids and jitter; used under a lock, so it may be shared with nobody else.</param>
    /// <param name="loggers">Where the logs' own messages go.</param>
    /// <param name="files">The disk; null for the machine's.</param>
    public static LogManager Open(
        LogManagerOptions options, TimeProvider time, Random random, ILoggerFactory loggers, IFileSystem? files = null)
    {
        var logger = loggers.CreateLogger("Milena.Storage");
        var openFiles = new OpenFiles(options.OpenFilesMax);
        var opener = new DirectoryOpener(
            options, path => new(path, files ?? LocalFileSystem.Instance, time, logger, random, openFiles), random);
        var (directories, clusterId) = opener.Open();
        return new(options, time, random, logger, directories, clusterId);
    }

    /// <summary>
    /// A directory has failed and is offline from now on, with all its logs. Raised once for each, on the thread pool; the process
    /// lives, and whoever listens decides whether it should. Directories that failed while they were opened are in <see cref="LogDirs"/>.
    /// </summary>
    public event Action<LogDirInfo, IOException>? LogDirFailed;

    /// <summary>A log has been synced, which took so long. Raised on the thread that did it; whoever listens returns at once.</summary>
    public event Action<TimeSpan>? Synced;

    /// <summary>Compacts the logs that want it, from <see cref="LoadLogs"/> on.</summary>
    public LogCleaner Cleaner { get; }

    /// <summary>The cluster's id.</summary>
    public string ClusterId { get; }

    /// <summary>The broker's epoch at the last shutdown, if that was clean in all directories; -1 otherwise.</summary>
    public long PreviousBrokerEpoch =>
        directories.All(directory => directory.WasClean) && directories.Select(directory => directory.BrokerEpoch).Distinct().Count() == 1
            ? directories[0].BrokerEpoch
            : -1;

    /// <summary>The directories.</summary>
    public IReadOnlyList<LogDirInfo> LogDirs => [.. directories.Select(opened => Describe(opened.Directory))];

    /// <summary>The logs that are open, the metadata log left out. A snapshot.</summary>
    public IReadOnlyCollection<PartitionLog> Logs => (IReadOnlyCollection<PartitionLog>)logs.Values;

    /// <summary>The log of a partition, or null. The metadata log is not found so.</summary>
    public PartitionLog? Find(TopicPartition partition) => logs.GetValueOrDefault(partition);

    /// <summary>The size of a log directory's volume and what of it may still be used, bytes; (-1, -1) if it cannot be told.</summary>
    public (long TotalBytes, long UsableBytes) SpaceOf(string logDir)
    {
        var space = (-1L, -1L);
        var opened = directories.FirstOrDefault(opened => opened.Directory.Path == logDir);
        opened?.Directory.Try(() => space = opened.Directory.Files.Space(logDir));
        return space;
    }

    /// <summary>
    /// The log of a partition, made in the directory with the fewest logs if it is missing. <see cref="ErrorCode.InconsistentTopicId"/>
    /// if there is one of another topic of that name; <see cref="ErrorCode.KafkaStorageError"/> if no directory is online.
    /// </summary>
    public ErrorCode GetOrCreate(TopicPartition partition, Uuid topicId, LogConfig config, out PartitionLog? log)
    {
        lock (creating)
        {
            log = Find(partition);
            return log is null ? Create(partition, topicId, config, out log) : Adopt(log, topicId);
        }
    }

    /// <summary>Takes a log out of use at once; its files go later, off the way. False if there is none.</summary>
    public bool Delete(TopicPartition partition)
    {
        lock (creating)
        {
            if (!logs.TryRemove(partition, out var log))
                return false;
            if (MoveOf(partition) is { } move)
                GiveUp(move);
            Drop(log, LogDirectoryNames.DeleteSuffix);
            return true;
        }
    }

    /// <summary>
    /// Takes out of use the logs that do not belong here, because their topic was deleted or moved while this node was away; their
    /// directories are renamed <c>-stray</c> and kept. Returns which.
    /// </summary>
    public IReadOnlyList<TopicPartition> MoveStrays(Func<TopicPartition, Uuid?, bool> belongsHere)
    {
        lock (creating)
        {
            var strays = logs.Values.Where(log => !belongsHere(log.Partition, log.TopicId)).ToList();
            foreach (var log in strays)
            {
                logs.TryRemove(log.Partition, out _);
                if (MoveOf(log.Partition) is { } move)
                    GiveUp(move);
                log.BeginClose();
                log.EndClose();
                var directory = DirectoryOf(log);
                directory.LogCount--;
                var path = directory.PathOf(NewName(log.Partition, LogDirectoryNames.StraySuffix));
                if (directory.Try(() => log.MoveTo(path)))
                    Log.StrayMoved(logger, log.Partition, path);
            }

            return [.. strays.Select(log => log.Partition)];
        }
    }

    /// <summary>
    /// Flushes and closes all logs, writes the checkpoints and the mark of a clean shutdown, and gives the locks back. A second call
    /// does nothing.
    /// </summary>
    /// <param name="brokerEpoch">The broker's epoch, -1 if it has none.</param>
    public async ValueTask CloseAsync(long brokerEpoch = -1)
    {
        lock (creating)
        {
            if (isClosed)
                return;
            isClosed = true;
        }

        await StopBackgroundWork();
        await Task.WhenAll(directories.Select(opened => Task.Run(() => Close(opened, brokerEpoch))));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseAsync();

    private static LogDirInfo Describe(LogDirectory directory) => new(directory.Path, directory.Id, directory.IsOffline);

    private ErrorCode Create(TopicPartition partition, Uuid topicId, LogConfig config, out PartitionLog? log)
    {
        while (!isClosed && (PreferredDirectory(partition) ?? EmptiestDirectory()) is { } directory)
        {
            PartitionLog? created = null;
            directory.Try(() =>
            {
                var path = directory.PathOf(LogDirectoryNames.Of(partition));
                directory.Files.CreateDirectory(path);
                created = LogLoader.Create(directory, partition, path, config, startOffset: 0);
                created.SetFirstTopicId(topicId);
            });
            if (created is null || directory.IsOffline)
                continue; // try the next one
            log = logs[partition] = created;
            directory.LogCount++;
            return ErrorCode.None;
        }

        log = null;
        return ErrorCode.KafkaStorageError;
    }

    private ErrorCode Adopt(PartitionLog log, Uuid topicId)
    {
        if (log.TopicId is { } known)
            return known == topicId ? ErrorCode.None : ErrorCode.InconsistentTopicId;
        return DirectoryOf(log).Try(() => log.AssignTopicId(topicId)) ? ErrorCode.None : ErrorCode.KafkaStorageError;
    }

    private LogDirectory? PreferredDirectory(TopicPartition partition) => preferred.Remove(partition, out var path)
        ? directories.Select(opened => opened.Directory).FirstOrDefault(directory => directory.Path == path && !directory.IsOffline)
        : null;

    private LogDirectory? EmptiestDirectory() => directories
        .Select(opened => opened.Directory)
        .Where(directory => !directory.IsOffline && HoldsTopics(directory))
        .MinBy(directory => directory.LogCount);

    private bool HoldsTopics(LogDirectory directory) => options.LogDirs.Any(path => Path.GetFullPath(path) == directory.Path);

    private LogDirectory DirectoryOf(PartitionLog log) => directories.First(opened => opened.Directory.Path == log.LogDir).Directory;

    private string NewName(TopicPartition partition, string suffix)
    {
        Span<byte> bytes = stackalloc byte[16];
        lock (random)
            random.NextBytes(bytes);
        return LogDirectoryNames.Renamed(partition, new Guid(bytes), suffix);
    }

    private void OnFailed(LogDirectory directory, IOException cause)
    {
        // Whoever met the error may hold a log's turn, so listeners are called from elsewhere.
        ThreadPool.QueueUserWorkItem(_ => LogDirFailed?.Invoke(Describe(directory), cause));
    }

    private void Close(OpenDirectory opened, long brokerEpoch)
    {
        var directory = opened.Directory;
        var own = LogsIn(directory);
        foreach (var log in own)
            log.BeginClose(); // the syncs that these start run several at a time, and share the file system's journal
        var areSafe = true;
        foreach (var log in own)
            areSafe &= log.EndClose();
        directory.SyncThreads.Stop();
        if (areSafe && (isLoaded || opened.WasClean))
        {
            WriteRecoveryPoints(directory);
            WriteLogStarts(directory);
            WriteHighWatermarks(directory);
            directory.Try(() => CleanShutdownFile.Write(directory.Files, directory.Path, brokerEpoch));
        }

        opened.Lock?.Dispose();
    }
}
