using System.Globalization;
using System.Text;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Telemetry;

/// <summary>
/// One client that is asked for its metrics: what it was told, and when it may say something again. It knows no clock. Used under the
/// lock of its cache.
/// </summary>
internal sealed class ClientInstance
{
    private const long Never = long.MinValue / 2;

    private long gotAtMs = Never;
    private long pushedAtMs = Never;
    private bool hasAsked; // since it pushed last
    private bool isTerminating;
    private ErrorCode lastError;

    public ClientInstance(Uuid id, TelemetryClient client, TelemetrySubscription subscription)
    {
        Id = id;
        Client = client;
        Subscription = subscription;
        SubscriptionId = IdOf(subscription, id);
    }

    public Uuid Id { get; }

    public TelemetryClient Client { get; }

    public TelemetrySubscription Subscription { get; private set; }

    /// <summary>What the client must repeat, so that it is seen whether it knows what it is asked for.</summary>
    public int SubscriptionId { get; private set; }

    /// <summary>When it was heard of last.</summary>
    public long SeenAtMs { get; set; }

    /// <summary>How long it is remembered without being heard of.</summary>
    public long RememberedMs => Math.Max(3L * Subscription.PushIntervalMs, 600_000);

    /// <summary>What it is asked for may have changed. If so, it may ask at once.</summary>
    public void Update(TelemetrySubscription subscription)
    {
        if (subscription == Subscription)
            return;
        Subscription = subscription;
        SubscriptionId = IdOf(subscription, Id);
        (gotAtMs, pushedAtMs) = (Never, Never);
    }

    /// <summary>It asks what it is asked for. Not more often than it may push, unless it was told that it does not know.</summary>
    public ErrorCode Get(long nowMs)
    {
        var isEarly = nowMs - Math.Max(gotAtMs, pushedAtMs) < Subscription.PushIntervalMs;
        if (isEarly && lastError is not (ErrorCode.UnknownSubscriptionId or ErrorCode.UnsupportedCompressionType))
            return ErrorCode.ThrottlingQuotaExceeded;
        (gotAtMs, hasAsked) = (nowMs, true);
        lastError = ErrorCode.None;
        return ErrorCode.None;
    }

    /// <summary>It pushes. After it asked it may do so at any time, for it chooses its moment by chance; then once an interval.</summary>
    public ErrorCode Push(PushTelemetryRequest request, long nowMs, int bytesMax)
    {
        lastError = CheckPush(request, nowMs, bytesMax);
        isTerminating |= request.Terminating;
        return lastError;
    }

    /// <summary>What it pushed could not be read.</summary>
    public ErrorCode Failed(ErrorCode error) => lastError = error;

    private ErrorCode CheckPush(PushTelemetryRequest request, long nowMs, int bytesMax)
    {
        if (isTerminating)
            return ErrorCode.InvalidRequest; // the last push was said to be the last
        var mayPush = hasAsked || nowMs - pushedAtMs >= Subscription.PushIntervalMs;
        if (mayPush)
            (pushedAtMs, hasAsked) = (nowMs, false);
        else if (!request.Terminating)
            return ErrorCode.ThrottlingQuotaExceeded;
        if (request.SubscriptionId != SubscriptionId)
            return ErrorCode.UnknownSubscriptionId;
        if (!CompressionCodecs.IsKnown((CompressionCodec)request.CompressionType))
            return ErrorCode.UnsupportedCompressionType;
        return request.Metrics.Length > bytesMax ? ErrorCode.TelemetryTooLarge : ErrorCode.None;
    }

    /// <summary>CRC-32C of what is asked for, mixed with the hash of the id as Java computes it.</summary>
    private static int IdOf(TelemetrySubscription subscription, Uuid id)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"[{string.Join(", ", subscription.Metrics)}]{subscription.PushIntervalMs}");
        var mixed = id.MostSignificant ^ id.LeastSignificant;
        return (int)Crc32C.Compute(Encoding.UTF8.GetBytes(text)) ^ (int)(mixed >> 32) ^ (int)mixed;
    }
}
