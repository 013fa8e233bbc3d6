using System.Threading.Tasks.Sources;
using Milena.Protocol;

namespace Milena.Replication;

/// <summary>
/// One parked fetch (Kafka's delayed fetch). It hangs on every partition it reads and completes when together they have
/// gained enough bytes, when one of them can answer at once for another reason (leadership lost, truncated, deleted), when
/// its time is up, or when the client is gone. Used once.
/// </summary>
public sealed class FetchWaiter : IValueTaskSource<FetchWake>, IDisposable
{
    private readonly IReadOnlyList<Partition> partitions;
    private readonly ITimer timer;
    private readonly CancellationTokenRegistration aborted;
    private ManualResetValueTaskSourceCore<FetchWake> source;
    private long missingBytes;
    private int completed;

    /// <param name="partitions">Where it waits; distinct.</param>
    /// <param name="missingBytes">How many more bytes must become readable.</param>
    /// <param name="maxWait">How long it may wait.</param>
    /// <param name="time">The clock of the broker.</param>
    /// <param name="cancellation">Fires when the client is gone.</param>
    /// <param name="seen">
    /// By partition, the high watermark of the read before, if it is known: it is not told again of what lies below.
    /// </param>
    /// <param name="isCommitted">Whether only what lies below the last stable offset counts (read_committed).</param>
    public FetchWaiter(
        IReadOnlyList<Partition> partitions, long missingBytes, TimeSpan maxWait, TimeProvider time, CancellationToken cancellation,
        bool isCommitted = false, ReadOnlySpan<long> seen = default)
    {
        IsCommitted = isCommitted;
        this.partitions = partitions;
        this.missingBytes = missingBytes;
        source.RunContinuationsAsynchronously = true; // the appender answers its own client first
        timer = time.CreateTimer(static state => ((FetchWaiter)state!).Complete(FetchWake.TimedOut), this, maxWait, Timeout.InfiniteTimeSpan);
        aborted = cancellation.UnsafeRegister(static state => ((FetchWaiter)state!).Complete(FetchWake.Cancelled), this);
        for (var i = 0; i < partitions.Count; i++)
            partitions[i].Park(this, i < seen.Length ? seen[i] : 0);
    }

    /// <summary>Whether it waits for the last stable offset, not for the high watermark.</summary>
    internal bool IsCommitted { get; }

    /// <summary>
    /// To be called once parked, for each partition with the high watermark of the read before and the leader epoch that the reader
    /// believes in: what came in between has told nobody.
    /// </summary>
    public void CompleteIfMoved(Partition partition, long highWatermarkRead, int currentLeaderEpoch)
    {
        if (partition.HighWatermark != highWatermarkRead || partition.CheckLeader(currentLeaderEpoch) != ErrorCode.None)
            Complete(FetchWake.Ready);
    }

    /// <summary>Completes once, with the reason.</summary>
    public ValueTask<FetchWake> Wait() => new(this, source.Version);

    /// <summary>Bytes became readable in one of the partitions.</summary>
    internal void Gained(long bytes)
    {
        if (Interlocked.Add(ref missingBytes, -bytes) <= 0)
            Complete(FetchWake.Ready);
    }

    internal void Complete(FetchWake wake)
    {
        if (Interlocked.Exchange(ref completed, 1) == 0)
            source.SetResult(wake);
    }

    /// <summary>Takes it off its partitions and stops its timer.</summary>
    public void Dispose()
    {
        timer.Dispose();
        aborted.Dispose();
        foreach (var partition in partitions)
            partition.Unpark(this);
    }

    FetchWake IValueTaskSource<FetchWake>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FetchWake>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<FetchWake>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);
}

/// <summary>Why a parked fetch goes on.</summary>
public enum FetchWake
{
    /// <summary>There is enough to read, or something other than records to tell.</summary>
    Ready,

    /// <summary>Its <c>max_wait_ms</c> has passed.</summary>
    TimedOut,

    /// <summary>Nobody waits for the answer any more.</summary>
    Cancelled,
}
