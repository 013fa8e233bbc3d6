namespace Milena.Metadata.Quotas;

/// <summary>
/// The tokens of a quota of mutations (KIP-599): they come at the limit's rate up to the burst, and a single request may take more
/// than there are. Full at first. Used by one thread at a time.
/// </summary>
public sealed class TokenBucket(QuotaWindow window)
{
    private double tokens = double.PositiveInfinity; // more than any burst: the first refill makes it the burst
    private long filledAtMs;

    /// <summary>How many there are; negative if more were taken than there were.</summary>
    public double Tokens(double perSecond, long nowMs)
    {
        tokens = Math.Min(tokens + (perSecond * Math.Max(0, nowMs - filledAtMs) / 1000), window.Burst(perSecond));
        filledAtMs = nowMs;
        return tokens;
    }

    /// <summary>Takes as many, whether they are there or not.</summary>
    public void Take(double count, double perSecond, long nowMs) => tokens = Tokens(perSecond, nowMs) - count;

    /// <summary>How long it takes until none are missing, in milliseconds; 0 if none are.</summary>
    public int ThrottleMs(double perSecond, long nowMs) =>
        Tokens(perSecond, nowMs) is < 0 and var missing ? Throttle.ToMs(-missing / perSecond * 1000) : 0;
}
