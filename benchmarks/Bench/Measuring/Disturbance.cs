using System.Diagnostics;

namespace Milena.Bench.Measuring;

/// <summary>How much of the machine others use while we measure: a pair that was disturbed says little.</summary>
internal sealed class Disturbance
{
    /// <summary>Up to this many cores used by others a pair counts.</summary>
    public const double CoresMax = 0.1;

    private readonly Func<double> oursSeconds;
    private readonly long started = Stopwatch.GetTimestamp();
    private readonly double busy = ProcessMeter.MachineBusySeconds();
    private readonly double ours;

    /// <param name="oursSeconds">CPU seconds of our own processes so far, those that have ended included.</param>
    public Disturbance(Func<double> oursSeconds)
    {
        this.oursSeconds = oursSeconds;
        ours = oursSeconds();
    }

    /// <summary>Cores that others have used since.</summary>
    public double Cores()
    {
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var others = ProcessMeter.MachineBusySeconds() - busy - (oursSeconds() - ours);
        return Math.Max(0, others / seconds);
    }
}
