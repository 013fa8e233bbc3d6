namespace Milena.Metrics;

/// <summary>
/// How fast a counter grows that somebody else keeps: per second, over the last 30 to 60 seconds, as Kafka's own rates are. The
/// registry's timer takes the samples.
/// </summary>
public sealed class WindowRate
{
    private const int SamplesMax = 60 / (int)Meter.StepSeconds;
    private readonly TimeProvider time;
    private readonly Func<long> total;
    private readonly Lock gate = new();
    private readonly Queue<(long At, long Total)> samples = new(SamplesMax + 1);

    /// <param name="time">The clock.</param>
    /// <param name="total">Reads the counter.</param>
    public WindowRate(TimeProvider time, Func<long> total)
    {
        this.time = time;
        this.total = total;
        samples.Enqueue((time.GetTimestamp(), total()));
    }

    /// <summary>The counter.</summary>
    public long Total => total();

    /// <summary>How much it grows in a second.</summary>
    public double Read()
    {
        lock (gate)
        {
            var (at, since) = samples.Peek();
            var seconds = time.GetElapsedTime(at).TotalSeconds;
            // Kafka reckons with half of the window at least, lest the first event be taken for a flood.
            return (total() - since) / Math.Max(seconds, 30);
        }
    }

    internal void Tick()
    {
        lock (gate)
        {
            samples.Enqueue((time.GetTimestamp(), total()));
            if (samples.Count > SamplesMax)
                samples.Dequeue();
        }
    }
}

/// <summary>
/// The mean and the greatest of what was measured in the last 30 to 60 seconds, as Kafka's own <c>-avg</c> and <c>-max</c> are: NaN if
/// that is nothing. For what happens seldom; it takes a lock.
/// </summary>
public sealed class WindowStats(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private readonly Lock gate = new();
    private Sample current;
    private Sample previous;
    private long startedAt = time.GetTimestamp();

    /// <summary>The mean.</summary>
    public double Average
    {
        get
        {
            lock (gate)
            {
                Turn();
                return (previous.Sum + current.Sum) / (previous.Count + current.Count); // 0 / 0 is NaN
            }
        }
    }

    /// <summary>The greatest.</summary>
    public double Max
    {
        get
        {
            lock (gate)
            {
                Turn();
                return previous.Count + current.Count == 0 ? double.NaN : Math.Max(previous.MaxOrLeast, current.MaxOrLeast);
            }
        }
    }

    /// <summary>One more measurement.</summary>
    public void Record(double value)
    {
        lock (gate)
        {
            Turn();
            current = new(current.Count + 1, current.Sum + value, Math.Max(current.MaxOrLeast, value));
        }
    }

    private void Turn()
    {
        var passed = time.GetElapsedTime(startedAt);
        if (passed < Window)
            return;
        previous = passed < 2 * Window ? current : default;
        current = default;
        startedAt = time.GetTimestamp();
    }

    private readonly record struct Sample(long Count, double Sum, double Max)
    {
        public double MaxOrLeast => Count == 0 ? double.MinValue : Max;
    }
}
