using Milena.Common;

namespace Milena.Storage;

/// <content>What is done in the background. One turn a second; each task has its own interval, and a log that failed is passed over.</content>
public sealed partial class LogManager
{
    private const long TurnMs = 1_000;

    private readonly Dictionary<(LogDirectory Directory, string Name), long> written = [];
    private readonly Lock checkpointing = new();
    private ITimer? timer;
    private List<Periodic> periodics = [];
    private int isTurning;

    private void StartBackgroundWork()
    {
        var now = NowMs;
        var recoveryPointMs = Math.Min(options.RecoveryPointCheckpointIntervalMs, Math.Max(TurnMs, options.RecoveryPointLagMs));
        periodics =
        [
            new("removing files", TurnMs, now, () => ForEachDirectory(directory => directory.DelayedDeletes.Run(directory.NowMs))),
            new("flushing", TurnMs, now, FlushBehind),
            new("the recovery point checkpoint", recoveryPointMs, now, () => ForEachDirectory(WriteRecoveryPoints)),
            new("the log start checkpoint", options.LogStartCheckpointIntervalMs, now, () => ForEachDirectory(WriteLogStarts)),
            new("the high watermark checkpoint", options.HighWatermarkCheckpointIntervalMs, now, () => ForEachDirectory(WriteHighWatermarks)),
            new("retention", options.RetentionCheckIntervalMs, now, ApplyRetention) { DueMs = now + options.InitialTaskDelayMs },
            new(
                "forgetting producers", options.ProducerIdExpirationCheckIntervalMs, now,
                () => ForEachLog(log => log.RemoveExpiredProducers(ProducerIdExpirationMs))),
            new("closing files", options.IdleFileMs, now, () => ForEachLog(log => log.CloseIdleFiles())),
        ];
        Cleaner.Start();
        timer = time.CreateTimer(_ => Turn(), null, TimeSpan.FromMilliseconds(TurnMs), TimeSpan.FromMilliseconds(TurnMs));
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    private async ValueTask StopBackgroundWork()
    {
        if (timer is not null)
            await timer.DisposeAsync(); // returns when no turn is under way
        Cleaner.Stop();
    }

    private void Turn()
    {
        if (Interlocked.Exchange(ref isTurning, 1) == 1)
            return; // the last one takes longer than a second
        try
        {
            var now = NowMs;
            foreach (var periodic in periodics)
                periodic.RunIfDue(now, logger);
        }
        finally
        {
            Volatile.Write(ref isTurning, 0);
        }
    }

    private void FlushBehind()
    {
        var now = NowMs;
        ForEachLog(log =>
        {
            if (log.IsDirty && now - log.LastFlushedMs >= Math.Min(log.Config.FlushMs, options.RecoveryPointLagMs))
                log.FlushBehind();
        });
    }

    private void ApplyRetention()
    {
        foreach (var log in logs.Values) // the metadata log is shortened by snapshots, not by age
            log.ApplyRetention();
    }

    private void ForEachDirectory(Action<LogDirectory> action)
    {
        foreach (var opened in directories)
            action(opened.Directory);
    }

    private void ForEachLog(Action<PartitionLog> action)
    {
        foreach (var (_, log) in logs)
            action(log);
        foreach (var (_, move) in moves)
            action(move.Future);
        if (metadataLog is { } metadata)
            action(metadata);
    }

    private List<PartitionLog> LogsIn(LogDirectory directory)
    {
        var found = new List<PartitionLog>();
        ForEachLog(log =>
        {
            if (log.LogDir == directory.Path)
                found.Add(log);
        });
        return found;
    }

    private void WriteRecoveryPoints(LogDirectory directory) =>
        WriteCheckpoint(directory, OffsetCheckpoint.RecoveryPoints, log => log.RecoveryPoint);

    private void WriteHighWatermarks(LogDirectory directory) =>
        WriteCheckpoint(directory, OffsetCheckpoint.HighWatermarks, log => log.HighWatermark);

    private void WriteCleaned(LogDirectory directory) =>
        WriteCheckpoint(directory, OffsetCheckpoint.Cleaned, log => log.CleanedTo >= 0 ? log.CleanedTo : null);

    // A log that starts where its first segment does needs no entry.
    private void WriteLogStarts(LogDirectory directory) =>
        WriteCheckpoint(directory, OffsetCheckpoint.LogStartOffsets, log => log.LogStartOffset > log.FirstSegmentOffset ? log.LogStartOffset : null);

    private void WriteCheckpoint(LogDirectory directory, string name, Func<PartitionLog, long?> offsetOf)
    {
        lock (checkpointing)
        {
            var offsets = new List<KeyValuePair<TopicPartition, long>>();
            foreach (var log in LogsIn(directory))
            {
                if (offsetOf(log) is { } offset)
                    offsets.Add(new(log.Partition, offset));
            }

            var fingerprint = Fingerprint(offsets);
            if (written.TryGetValue((directory, name), out var last) && last == fingerprint)
                return; // an idle node leaves its disk alone
            var isWritten = directory.Try(() => OffsetCheckpoint.Write(
                directory.Files, directory.PathOf(name), isLoaded ? offsets : WithThoseNotLoaded(directory, name, offsets)));
            if (isWritten && isLoaded)
                written[(directory, name)] = fingerprint;
        }
    }

    private static long Fingerprint(List<KeyValuePair<TopicPartition, long>> offsets)
    {
        var fingerprint = 17L;
        foreach (var (partition, offset) in offsets)
            fingerprint = unchecked((fingerprint * 31) + HashCode.Combine(partition, offset));
        return fingerprint;
    }

    // Before all logs are loaded, the others' entries must stay as they are.
    private static Dictionary<TopicPartition, long> WithThoseNotLoaded(
        LogDirectory directory, string name, List<KeyValuePair<TopicPartition, long>> offsets)
    {
        var all = OffsetCheckpoint.Read(directory.Files, directory.PathOf(name));
        foreach (var (partition, offset) in offsets)
            all[partition] = offset;
        return all;
    }

    private sealed class Periodic(string name, long intervalMs, long startMs, Action action)
    {
        public long DueMs { get; set; } = startMs + intervalMs;

        public void RunIfDue(long nowMs, Microsoft.Extensions.Logging.ILogger logger)
        {
            if (nowMs < DueMs)
                return;
            DueMs = nowMs + intervalMs;
            try
            {
                action();
            }
            catch (Exception e) when (e is not Common.InvariantViolation) // the edge of a loop: what fails now is done at the next turn
            {
                Log.BackgroundTaskFailed(logger, e, name);
            }
        }
    }
}
