namespace Milena.Metadata.Quotas;

/// <summary>How far back usage is looked at: so many samples (<c>quota.window.num</c>) of such a length.</summary>
/// <param name="Samples">How many samples count, the one being filled among them.</param>
/// <param name="SampleMs">How long one is filled.</param>
public readonly record struct QuotaWindow(int Samples, long SampleMs)
{
    /// <summary>What can be used at once, after a rest, at a limit of so much a second: Kafka's burst.</summary>
    public double Burst(double perSecond) => perSecond * Samples * SampleMs / 1000;

    /// <summary>How much a single answer may carry at most: as much as is within the limit if nothing went before it.</summary>
    public double OneAnswer(double perSecond) => perSecond * (Samples - 1) * SampleMs / 1000;
}
