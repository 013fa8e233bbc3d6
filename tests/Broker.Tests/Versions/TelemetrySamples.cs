using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>What clients say of their metrics.</summary>
internal static class TelemetrySamples
{
    public static IEnumerable<Sample> All()
    {
        yield return Sample.Of("new", _ => new GetTelemetrySubscriptionsRequest());
        yield return Sample.Of("known", _ => new GetTelemetrySubscriptionsRequest { ClientInstanceId = new Uuid(5, 5) });
        yield return Sample.Of("nobody", _ => new PushTelemetryRequest { Metrics = new byte[] { 1 } });
        yield return Sample.Of("stranger", _ => new PushTelemetryRequest { ClientInstanceId = new Uuid(6, 6), SubscriptionId = 7, Metrics = new byte[] { 1 } });
        yield return Sample.Of("last", _ => new PushTelemetryRequest { ClientInstanceId = new Uuid(7, 7), Terminating = true, CompressionType = 9 });
    }
}
