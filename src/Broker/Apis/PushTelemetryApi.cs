using Milena.Broker.Dispatch;
using Milena.Broker.Telemetry;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>PushTelemetry (72): takes the metrics that a client was asked for (KIP-714), and shows them among the broker's.</summary>
/// <remarks>
/// OpenTelemetry's protocol, compressed or not. Who pushes too soon, without knowing what is asked, too much, or what cannot be read gets
/// the error for it and goes on; after a push that says it is the last, nothing more is taken.
/// </remarks>
internal sealed class PushTelemetryApi(ClientTelemetry telemetry) : IApi<PushTelemetryRequest, PushTelemetryResponse>
{
    public static VersionRange Versions => new(0, 0);

    public ValueTask<PushTelemetryResponse?> Handle(PushTelemetryRequest request, RequestContext context) =>
        new(new PushTelemetryResponse { ErrorCode = telemetry.Push(request, context) });
}
