namespace Milena.Metrics;

/// <summary>What a metric shows.</summary>
public enum MetricKind
{
    /// <summary>A number as it is now.</summary>
    Gauge,

    /// <summary>A text as it is now.</summary>
    Text,

    /// <summary>A count of events and their rates.</summary>
    Meter,

    /// <summary>How values are distributed.</summary>
    Histogram,

    /// <summary>How long something took, and how often it happened.</summary>
    Timer,
}
