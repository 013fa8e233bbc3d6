namespace Milena.Network;

/// <summary>
/// Bounds the memory of all frames that are being received or handled (<c>queued.max.request.bytes</c>). Who finds it used
/// up waits, first come first served, and does not read from its socket meanwhile: the sender feels it.
/// </summary>
/// <remarks>
/// A large frame takes its memory in steps, so two that each hold a part could wait for each other for ever. Therefore one
/// frame at a time may overdraw: it gets what it asks for, comes to its end, and frees what the others wait for. The bound is
/// then the limit and one largest frame.
/// </remarks>
/// <param name="limitBytes">What all frames together may hold.</param>
/// <param name="trustBytes">What all frames together may hold before its bytes have come.</param>
internal sealed class FrameBudget(long limitBytes, long trustBytes = 16 << 20)
{
    private readonly Lock gate = new();
    private readonly LinkedList<Share> waiting = [];
    private Share? overdrawn;
    private long usedBytes;
    private long trustedBytes;

    /// <summary>No limit, for those who bound their memory otherwise.</summary>
    public static FrameBudget Unlimited { get; } = new(long.MaxValue, long.MaxValue);

    public long UsedBytes
    {
        get
        {
            lock (gate)
                return usedBytes;
        }
    }

    /// <summary>What all frames together may hold.</summary>
    public long LimitBytes => limitBytes;

    /// <summary>How many wait.</summary>
    public int WaitingCount
    {
        get
        {
            lock (gate)
                return waiting.Count;
        }
    }

    /// <summary>Whether somebody waits, so that a frame which does not get on is in the way.</summary>
    public bool IsShort
    {
        get
        {
            lock (gate)
                return waiting.Count > 0;
        }
    }

    /// <summary>
    /// Whether a frame may take this much on its word, before it has come. While thousands declare what they never send,
    /// few are believed; the others get a little at a time. What was granted ends with <see cref="EndTrust"/>.
    /// </summary>
    public bool TryTrust(int bytes)
    {
        if (Interlocked.Add(ref trustedBytes, bytes) <= trustBytes)
            return true;
        EndTrust(bytes);
        return false;
    }

    /// <summary>The bytes have come, or the frame is given up.</summary>
    public void EndTrust(int bytes) => Interlocked.Add(ref trustedBytes, -bytes);

    /// <summary>What one frame holds. Used by one reader at a time; disposed once, by whoever has the frame.</summary>
    internal sealed class Share(FrameBudget budget) : IDisposable
    {
        internal long HeldBytes;
        internal int AskedBytes;
        internal TaskCompletionSource? Granted;

        /// <summary>Adds to what the frame holds, waiting if need be.</summary>
        public ValueTask TakeAsync(int bytes) => budget.TakeAsync(this, bytes);

        public void Dispose() => budget.Release(this);
    }

    private ValueTask TakeAsync(Share share, int bytes)
    {
        lock (gate)
        {
            if ((waiting.Count == 0 || share == overdrawn) && TryGrant(share, bytes))
                return ValueTask.CompletedTask;
            share.AskedBytes = bytes;
            share.Granted = new(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.AddLast(share);
            return new(share.Granted.Task);
        }
    }

    private void Release(Share share)
    {
        lock (gate)
        {
            usedBytes -= share.HeldBytes;
            share.HeldBytes = 0;
            if (share == overdrawn)
                overdrawn = null;
            while (waiting.First is { } first && TryGrant(first.Value, first.Value.AskedBytes))
            {
                waiting.RemoveFirst();
                first.Value.Granted!.SetResult();
            }
        }
    }

    private bool TryGrant(Share share, int bytes)
    {
        if (usedBytes + bytes > limitBytes)
        {
            overdrawn ??= share;
            if (share != overdrawn)
                return false;
        }

        usedBytes += bytes;
        share.HeldBytes += bytes;
        return true;
    }
}
