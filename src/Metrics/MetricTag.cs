namespace Milena.Metrics;

/// <summary>What tells the members of a family apart: <c>topic=orders</c>.</summary>
/// <param name="Name">As in the MBean: <c>topic</c>, <c>networkProcessor</c>.</param>
/// <param name="Value">Any text.</param>
public readonly record struct MetricTag(string Name, string Value);
