using Microsoft.Extensions.Logging;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol.Messages;
using Milena.Storage;

namespace Milena.Broker.Quorum;

/// <summary>When snapshots are taken, and how long they and the log are kept; the names are Kafka's.</summary>
/// <param name="RecordBytesMax"><c>metadata.log.max.record.bytes.between.snapshots</c>.</param>
/// <param name="IntervalMs"><c>metadata.log.max.snapshot.interval.ms</c>; 0 for by size alone.</param>
/// <param name="RetentionBytes"><c>metadata.max.retention.bytes</c>: of log and snapshots together; negative for no limit.</param>
/// <param name="RetentionMs"><c>metadata.max.retention.ms</c>; negative for no limit.</param>
internal sealed record SnapshotOptions(long RecordBytesMax, long IntervalMs, long RetentionBytes, long RetentionMs);

/// <summary>
/// Takes snapshots of the committed image when enough was committed or enough time has passed, and lets go of old ones, and of the
/// part of the log that a snapshot stands for. Writing goes on in the background, on an image that never changes: whoever commits
/// does not wait for it.
/// </summary>
internal sealed class MetadataSnapshots : IAsyncDisposable
{
    private readonly SnapshotOptions options;
    private readonly SnapshotStore store;
    private readonly PartitionLog log;
    private readonly VotersRecord? voters;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ITimer timer;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private MetadataImage? newest; // committed, and not within a transaction
    private long newestTimestampMs;
    private long bytesBehind;
    private bool isTimerSet;
    private Task writing = Task.CompletedTask;
    private long latestBytes;
    private long latestAtMs;

    /// <param name="options">When.</param>
    /// <param name="store">Where.</param>
    /// <param name="log">The metadata log, whose start moves up behind old snapshots.</param>
    /// <param name="start">What is there.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Snapshots taken, and failures.</param>
    public MetadataSnapshots(SnapshotOptions options, SnapshotStore store, PartitionLog log, QuorumStart start, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.store = store;
        this.log = log;
        this.time = time;
        this.logger = logger;
        voters = start.Voters;
        bytesBehind = start.BytesBehindSnapshot;
        latestAtMs = NowMs;
        timer = time.CreateTimer(_ => OnInterval(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The size of the last snapshot that this node has written in this life; 0 before.</summary>
    public long LatestBytes => Volatile.Read(ref latestBytes);

    /// <summary>When that was, ms since 1970; before, when the node was started.</summary>
    public long LatestAtMs => Volatile.Read(ref latestAtMs);

    /// <summary>The snapshot that is being written, if one is.</summary>
    internal Task Writing
    {
        get
        {
            lock (gate)
                return writing;
        }
    }

    /// <summary>More is committed. Returns at once.</summary>
    public void OnCommitted(MetadataImage image, in CommittedRun run)
    {
        lock (gate)
        {
            bytesBehind += run.SizeInBytes;
            if (!image.IsInTransaction)
                (newest, newestTimestampMs) = (image, run.TimestampMs);
            if (bytesBehind >= options.RecordBytesMax)
                StartWriting();
            else
                SetTimer();
        }
    }

    /// <summary>Gives up what is being written, and takes no more snapshots.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await timer.DisposeAsync();
        await Writing;
    }

    private void OnInterval()
    {
        lock (gate)
        {
            isTimerSet = false;
            StartWriting();
        }
    }

    private void SetTimer()
    {
        if (isTimerSet || options.IntervalMs <= 0)
            return;
        isTimerSet = true;
        timer.Change(TimeSpan.FromMilliseconds(options.IntervalMs), Timeout.InfiniteTimeSpan);
    }

    // Called under the gate.
    private void StartWriting()
    {
        if (newest is not { } image || !writing.IsCompleted || stopping.IsCancellationRequested)
            return;
        var timestampMs = newestTimestampMs;
        (newest, bytesBehind) = (null, 0);
        writing = Task.Run(() => Write(image, timestampMs));
    }

    private void Write(MetadataImage image, long timestampMs)
    {
        try
        {
            var started = time.GetTimestamp();
            var id = store.Write(image, timestampMs, voters, NowMs, stopping.Token);
            Volatile.Write(ref latestBytes, store.SizeOf(id));
            Volatile.Write(ref latestAtMs, NowMs);
            Log.SnapshotTaken(logger, id.FileName, store.SizeOf(id), (long)time.GetElapsedTime(started).TotalMilliseconds);
            RemoveOld();
        }
        catch (OperationCanceledException)
        {
            return; // the node stops; what the snapshot would have held is in the log
        }
        catch (Exception failure) // the edge of a loop: the log has everything, and the next snapshot comes
        {
            Log.SnapshotFailed(logger, failure);
        }

        lock (gate)
        {
            if (bytesBehind > 0)
                SetTimer();
        }
    }

    /// <summary>
    /// Lets go of the oldest snapshot as long as there is another and it is too old, or there is too much of everything. The log begins
    /// where the oldest snapshot that is kept ends, so that each of them can be started from.
    /// </summary>
    private void RemoveOld()
    {
        var all = store.List();
        for (var i = 0; i + 1 < all.Count && (IsTooOld(all[i]) || IsTooMuch(all.Skip(i))); i++)
        {
            log.AdvanceLogStart(all[i + 1].EndOffset); // an error says that the directory is offline, which others tell
            store.Delete(all[i]);
            Log.SnapshotRemoved(logger, all[i].FileName, all[i + 1].EndOffset);
        }
    }

    private bool IsTooOld(SnapshotId id) =>
        options.RetentionMs >= 0 && store.ReadTimestamp(id) is { } timestampMs && NowMs - timestampMs > options.RetentionMs;

    private bool IsTooMuch(IEnumerable<SnapshotId> kept) =>
        options.RetentionBytes >= 0 && log.Size + kept.Sum(store.SizeOf) > options.RetentionBytes;

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
