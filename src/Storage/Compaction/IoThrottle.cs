namespace Milena.Storage;

/// <summary>
/// Keeps what all cleaners together read and write below a number of bytes a second: says how long to wait after each piece. It looks at
/// what was done since it last had nothing to say, so that a pause is not made up for by a burst.
/// </summary>
internal sealed class IoThrottle
{
    private readonly Lock gate = new();
    private double debtBytes;
    private long lastMs = long.MinValue;

    /// <summary>Accounts for some bytes; returns how long whoever moved them must wait, in ms.</summary>
    public double WaitMs(long bytes, double bytesPerSecondMax, long nowMs)
    {
        lock (gate)
        {
            if (lastMs != long.MinValue)
                debtBytes = Math.Max(0, debtBytes - ((nowMs - lastMs) / 1000.0 * bytesPerSecondMax));
            lastMs = nowMs;
            debtBytes += bytes;
            return debtBytes / bytesPerSecondMax * 1000;
        }
    }
}
