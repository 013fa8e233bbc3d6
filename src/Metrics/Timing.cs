namespace Milena.Metrics;

/// <summary>How long something takes, in milliseconds, and how often it happens. Any thread may use it.</summary>
public sealed class Timing(TimeProvider time, string eventType)
{
    private const double MsPerMicrosecond = 0.001;

    /// <summary>How often.</summary>
    public Meter Rate { get; } = new(time, eventType);

    /// <summary>How long.</summary>
    public Histogram Duration { get; } = new(time, MsPerMicrosecond);

    /// <summary>It happened once more, and took so long.</summary>
    public void Update(TimeSpan duration)
    {
        Rate.Mark();
        Duration.Update(duration.Ticks / TimeSpan.TicksPerMicrosecond);
    }
}
