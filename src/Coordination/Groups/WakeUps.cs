namespace Milena.Coordination.Groups;

/// <summary>
/// When to look at which group again: one timer for a whole partition, set to the earliest time. A hint, not a promise: what is
/// really due stands in the group, so waking too early does no harm, and a heartbeat that moves a deadline away need not come here.
/// </summary>
internal sealed class WakeUps : IDisposable
{
    private readonly TimeProvider time;
    private readonly Action<IReadOnlyList<string>> wake;
    private readonly ITimer timer;
    private readonly long start;

    // Guards what follows; held for a few lines and never across a call out.
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> times = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, long> queue = new();
    private long armedFor = GroupTime.Never;

    /// <param name="time">The clock.</param>
    /// <param name="wake">Called with those whose time has come; they are forgotten until set again.</param>
    public WakeUps(TimeProvider time, Action<IReadOnlyList<string>> wake)
    {
        this.time = time;
        this.wake = wake;
        start = time.GetTimestamp();
        timer = time.CreateTimer(static self => ((WakeUps)self!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Now, in ms of the clock that never jumps, from when this was made.</summary>
    public long NowMs => time.GetElapsedTime(start).Ticks / TimeSpan.TicksPerMillisecond;

    /// <summary>Wakes <paramref name="key"/> at this time, if not earlier.</summary>
    public void SetNoLaterThan(string key, long timeMs)
    {
        if (timeMs == GroupTime.Never)
            return;
        lock (gate)
        {
            if (times.TryGetValue(key, out var present) && present <= timeMs)
                return;
            times[key] = timeMs;
            queue.Enqueue(key, timeMs);
            Arm();
        }
    }

    public void Dispose() => timer.Dispose();

    private void OnTimer()
    {
        var due = new List<string>();
        lock (gate)
        {
            armedFor = GroupTime.Never;
            var nowMs = NowMs;
            while (queue.TryPeek(out _, out var timeMs) && timeMs <= nowMs)
            {
                var key = queue.Dequeue();
                // Entries that were made before an earlier time was set are left behind in the queue.
                if (times.TryGetValue(key, out var present) && present == timeMs)
                {
                    times.Remove(key);
                    due.Add(key);
                }
            }
            Arm();
        }
        wake(due);
    }

    private void Arm()
    {
        var next = queue.TryPeek(out _, out var timeMs) ? timeMs : GroupTime.Never;
        if (next == armedFor)
            return;
        armedFor = next;
        // Rounded up: a timer that fires a little early would find nothing due and be set again for nothing.
        timer.Change(
            next == GroupTime.Never ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Clamp(next - NowMs, 0, int.MaxValue)),
            Timeout.InfiniteTimeSpan);
    }
}
