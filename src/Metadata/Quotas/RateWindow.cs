namespace Milena.Metadata.Quotas;

/// <summary>
/// A rate as Apache Kafka measures it for quotas: what was recorded in the samples of the window, divided by the time that they
/// span. A window that is younger than its samples counts as one that is full but for the sample being filled, so that a client
/// is not held up for what it does first. Used by one thread at a time.
/// </summary>
/// <param name="window">The samples. Only as many as count are kept, and one that the window has half left behind.</param>
public sealed class RateWindow(QuotaWindow window)
{
    private readonly Sample[] samples = new Sample[window.Samples + 1];
    private int current;

    /// <summary>Adds to what was used; a negative value takes back what was recorded at the same moment.</summary>
    public void Record(double value, long nowMs)
    {
        if (!samples[current].IsUsed)
        {
            samples[current] = new Sample(nowMs);
        }
        else if (nowMs - samples[current].StartMs >= window.SampleMs)
        {
            current = (current + 1) % samples.Length;
            samples[current] = new Sample(nowMs);
        }

        samples[current].Add(value, nowMs);
    }

    /// <summary>The rate now.</summary>
    public MeasuredRate Measure(long nowMs)
    {
        var (sum, startMs) = (0.0, nowMs);
        foreach (ref readonly var sample in samples.AsSpan())
        {
            if (!IsLive(sample, nowMs))
                continue;
            sum += sample.Value;
            startMs = Math.Min(startMs, sample.StartMs);
        }

        var elapsedMs = nowMs - startMs;
        var missing = Math.Max(0, window.Samples - 1 - (elapsedMs / window.SampleMs));
        var windowMs = Math.Max(elapsedMs + (missing * window.SampleMs), window.SampleMs);
        return new MeasuredRate(Math.Max(0, sum) * 1000 / windowMs, windowMs);
    }

    // By its last use, not by its start: a sample that overlaps the window still counts.
    private bool IsLive(in Sample sample, long nowMs) =>
        sample.IsUsed && nowMs - sample.LastMs < window.Samples * window.SampleMs;

    private record struct Sample(long StartMs)
    {
        public bool IsUsed { get; } = true;

        public double Value { get; private set; }

        public long LastMs { get; private set; } = StartMs;

        public void Add(double value, long nowMs)
        {
            Value += value;
            LastMs = nowMs;
        }
    }
}

/// <summary>What a <see cref="RateWindow"/> measured.</summary>
/// <param name="PerSecond">The rate; never negative.</param>
/// <param name="WindowMs">The time that it is the rate of.</param>
public readonly record struct MeasuredRate(double PerSecond, long WindowMs)
{
    /// <summary>
    /// How long the client must rest for the rate to come down to the limit, in milliseconds; 0 if it is within it.
    /// </summary>
    public int ThrottleMs(double limit) =>
        PerSecond <= limit ? 0 : Throttle.ToMs((PerSecond - limit) / limit * WindowMs);
}

/// <summary>What formulas of throttle times have in common.</summary>
internal static class Throttle
{
    /// <summary>Rounded to the nearest millisecond, as far as the protocol can say it.</summary>
    public static int ToMs(double ms) => ms < int.MaxValue ? (int)Math.Max(0, Math.Floor(ms + 0.5)) : int.MaxValue;
}
