using Milena.Broker.Quotas;

namespace Milena.Broker.Tests;

/// <summary>For APIs that are called by the test itself.</summary>
internal static class NoQuotas
{
    public static ClientQuotas Instance { get; } = new(TimeProvider.System, new(11, 1000), new(11, 1000));
}
