namespace Milena.Metrics;

/// <summary>Counts events, and tells how many there are a second: since it was made, and lately. Any thread may use it.</summary>
/// <remarks>
/// The rates "lately" are averages that forget exponentially, by the step of five seconds, as in Yammer's library: what a step
/// brought counts for 1 - e^(-5/60) of the one-minute rate. A step for which nobody came by shares in what all of them brought.
/// </remarks>
public sealed class Meter
{
    internal const long StepSeconds = 5;

    private static readonly double OneMinute = 1 - Math.Exp(-StepSeconds / 60.0);
    private static readonly double FiveMinutes = 1 - Math.Exp(-StepSeconds / 300.0);
    private static readonly double FifteenMinutes = 1 - Math.Exp(-StepSeconds / 900.0);

    private readonly TimeProvider time;
    private readonly Lock reading = new();
    private readonly long startedAt;
    private long count;
    private long steppedAt;
    private long steppedCount;
    private double oneMinute = double.NaN; // before the first step
    private double fiveMinutes;
    private double fifteenMinutes;

    /// <param name="time">The clock.</param>
    /// <param name="eventType">What is counted, in the plural: <c>requests</c>.</param>
    public Meter(TimeProvider time, string eventType)
    {
        this.time = time;
        EventType = eventType;
        startedAt = steppedAt = time.GetTimestamp();
    }

    /// <summary>What is counted, in the plural.</summary>
    public string EventType { get; }

    /// <summary>How many events there were.</summary>
    public long Count => Interlocked.Read(ref count);

    /// <summary>Counts events.</summary>
    public void Mark(long events = 1) => Interlocked.Add(ref count, events);

    /// <summary>The rates, as of now.</summary>
    public Rates Read()
    {
        lock (reading)
        {
            Step();
            var seconds = time.GetElapsedTime(startedAt).TotalSeconds;
            var mean = seconds > 0 ? Count / seconds : 0;
            return double.IsNaN(oneMinute) ? new(mean, 0, 0, 0) : new(mean, oneMinute, fiveMinutes, fifteenMinutes);
        }
    }

    /// <summary>Takes the steps that are due.</summary>
    internal void Tick()
    {
        lock (reading)
            Step();
    }

    private void Step()
    {
        var step = StepSeconds * time.TimestampFrequency;
        var steps = (time.GetTimestamp() - steppedAt) / step;
        if (steps == 0)
            return;
        steppedAt += steps * step;
        var now = Count;
        var rate = (now - steppedCount) / (double)(steps * StepSeconds);
        steppedCount = now;
        if (double.IsNaN(oneMinute))
        {
            oneMinute = fiveMinutes = fifteenMinutes = rate;
            return;
        }

        oneMinute = Forget(oneMinute, rate, OneMinute, steps);
        fiveMinutes = Forget(fiveMinutes, rate, FiveMinutes, steps);
        fifteenMinutes = Forget(fifteenMinutes, rate, FifteenMinutes, steps);
    }

    // So many steps of average += alpha * (rate - average).
    private static double Forget(double average, double rate, double alpha, long steps) =>
        rate + ((average - rate) * Math.Pow(1 - alpha, steps));
}

/// <summary>Events a second.</summary>
/// <param name="Mean">Since the meter was made.</param>
/// <param name="OneMinute">Of the last minute, about.</param>
/// <param name="FiveMinutes">Of the last five minutes, about.</param>
/// <param name="FifteenMinutes">Of the last fifteen minutes, about.</param>
public readonly record struct Rates(double Mean, double OneMinute, double FiveMinutes, double FifteenMinutes);
