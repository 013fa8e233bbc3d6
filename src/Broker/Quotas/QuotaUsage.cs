using System.Collections.Concurrent;
using Milena.Metadata.Quotas;

namespace Milena.Broker.Quotas;

/// <summary>What those who share a limit have used, and how long they were throttled for it. Guarded by its own lock.</summary>
internal sealed class QuotaUsage(QuotaKind kind, QuotaHolder holder, QuotaWindow window, long nowMs)
{
    private readonly RateWindow? rate = kind == QuotaKind.ControllerMutation ? null : new RateWindow(window);
    private readonly TokenBucket? tokens = kind == QuotaKind.ControllerMutation ? new TokenBucket(window) : null;
    private RateWindow? throttled; // milliseconds; made when there is something to tell
    private RateWindow? throttledTimes;

    public QuotaHolder Holder { get; } = holder;

    public Lock Gate { get; } = new();

    /// <summary>When it was asked last.</summary>
    public long UsedAtMs { get; private set; } = nowMs;

    /// <summary>Adds to what was used, and returns for how many milliseconds the client must rest.</summary>
    public int Record(double value, double limit, long nowMs)
    {
        lock (Gate)
        {
            UsedAtMs = nowMs;
            rate!.Record(value, nowMs);
            return Told(rate.Measure(nowMs).ThrottleMs(limit), nowMs);
        }
    }

    /// <summary>
    /// The same, but if it is too much it is not counted, since the client will not get it: unless nothing else was used
    /// lately, since then waiting would not help, and the client never get it.
    /// </summary>
    public int RecordUnlessThrottled(double value, double limit, long nowMs, out bool isCounted)
    {
        lock (Gate)
        {
            UsedAtMs = nowMs;
            var isFirst = rate!.Measure(nowMs).PerSecond == 0;
            rate.Record(value, nowMs);
            var throttleMs = rate.Measure(nowMs).ThrottleMs(limit);
            isCounted = throttleMs == 0 || isFirst;
            if (!isCounted)
                rate.Record(-value, nowMs);
            return Told(throttleMs, nowMs);
        }
    }

    /// <summary>
    /// Takes mutations. Strictly, none are taken while tokens are missing, and that is a refusal; else they are taken, and
    /// the client rests for what is missing afterwards.
    /// </summary>
    public bool TryTake(int count, double limit, bool isStrict, long nowMs, out int throttleMs)
    {
        lock (Gate)
        {
            UsedAtMs = nowMs;
            throttleMs = 0;
            if (isStrict && tokens!.Tokens(limit, nowMs) < 0)
            {
                throttleMs = Told(tokens.ThrottleMs(limit, nowMs), nowMs);
                return false;
            }

            tokens!.Take(count, limit, nowMs);
            if (!isStrict)
                throttleMs = Told(tokens.ThrottleMs(limit, nowMs), nowMs);
            return true;
        }
    }

    /// <summary>The rate a second, or how many tokens there are.</summary>
    public double Level(double limit, long nowMs)
    {
        lock (Gate)
            return rate?.Measure(nowMs).PerSecond ?? tokens!.Tokens(limit, nowMs);
    }

    /// <summary>The mean of the throttle times of late, in milliseconds.</summary>
    public double ThrottleMs(long nowMs)
    {
        lock (Gate)
        {
            return throttledTimes?.Measure(nowMs).PerSecond is > 0 and var times ? throttled!.Measure(nowMs).PerSecond / times : 0;
        }
    }

    private int Told(int throttleMs, long nowMs)
    {
        if (throttleMs == 0)
            return 0;
        (throttled ??= new RateWindow(window)).Record(throttleMs, nowMs);
        (throttledTimes ??= new RateWindow(window)).Record(1, nowMs);
        return throttleMs;
    }
}

/// <summary>
/// The usages of one kind of quota, for as long as they are used. Clients choose their own ids, so the number is bounded: beyond it
/// go those that were not used lately, and then those that were used longest ago.
/// </summary>
internal sealed class QuotaUsages(QuotaKind kind, QuotaWindow window)
{
    /// <summary>How many there may be.</summary>
    public const int CountMax = 10_000;

    /// <summary>How long one that is not used stays, for those who look at metrics.</summary>
    public const long IdleMsMax = 3_600_000;

    private readonly ConcurrentDictionary<QuotaHolder, QuotaUsage> usages = new();
    private int count;

    public IEnumerable<QuotaUsage> All => usages.Values;

    public QuotaUsage Of(QuotaHolder holder, long nowMs) => usages.TryGetValue(holder, out var usage) ? usage : Add(holder, nowMs);

    /// <summary>Forgets those that were not used for long.</summary>
    public void Expire(long nowMs) => RemoveAll(usage => nowMs - usage.UsedAtMs >= IdleMsMax);

    private QuotaUsage Add(QuotaHolder holder, long nowMs)
    {
        if (Volatile.Read(ref count) >= CountMax)
            MakeRoom(nowMs);
        var added = new QuotaUsage(kind, holder, window, nowMs);
        var usage = usages.GetOrAdd(holder, added);
        if (usage == added)
            Interlocked.Increment(ref count);
        return usage;
    }

    private void MakeRoom(long nowMs)
    {
        // What lies behind the window makes no difference any more.
        RemoveAll(usage => nowMs - usage.UsedAtMs > (window.Samples + 1) * window.SampleMs);
        if (Volatile.Read(ref count) < CountMax)
            return;
        long[] times = [.. usages.Values.Select(usage => usage.UsedAtMs).Order()];
        var oldest = times[times.Length / 4]; // a quarter at a time, so that this is done seldom
        RemoveAll(usage => usage.UsedAtMs <= oldest);
    }

    private void RemoveAll(Func<QuotaUsage, bool> isGone)
    {
        foreach (var (holder, usage) in usages)
        {
            if (isGone(usage) && usages.TryRemove(KeyValuePair.Create(holder, usage)))
                Interlocked.Decrement(ref count);
        }
    }
}
