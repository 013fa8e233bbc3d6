using Milena.Broker.Dispatch;
using Milena.Broker.Telemetry;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>GetTelemetrySubscriptions (71): tells a client which of its metrics it is asked for, and how often (KIP-714).</summary>
/// <remarks>
/// Always served, as what comes is always shown. Where nothing is asked for, the client learns that, and asks again after the interval.
/// </remarks>
internal sealed class GetTelemetrySubscriptionsApi(ClientTelemetry telemetry)
    : IApi<GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse>
{
    // In the order in which Kafka prefers them.
    private static readonly sbyte[] Codecs =
        [(sbyte)CompressionCodec.Zstd, (sbyte)CompressionCodec.Lz4, (sbyte)CompressionCodec.Gzip, (sbyte)CompressionCodec.Snappy];

    public static VersionRange Versions => new(0, 0);

    public ValueTask<GetTelemetrySubscriptionsResponse?> Handle(GetTelemetrySubscriptionsRequest request, RequestContext context)
    {
        var (instance, error) = telemetry.Get(request.ClientInstanceId, context);
        if (error != ErrorCode.None)
            return new(new GetTelemetrySubscriptionsResponse { ErrorCode = error });
        return new(new GetTelemetrySubscriptionsResponse
        {
            ClientInstanceId = instance.Id,
            SubscriptionId = instance.SubscriptionId,
            AcceptedCompressionTypes = Codecs,
            PushIntervalMs = instance.Subscription.PushIntervalMs,
            TelemetryMaxBytes = telemetry.BytesMax,
            DeltaTemporality = true,
            RequestedMetrics = instance.Subscription.Metrics,
        });
    }
}
