using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;

namespace Milena.Broker.Telemetry;

/// <summary>
/// Asks clients for their metrics and takes what they push (KIP-714). What is asked for follows from the CLIENT_METRICS
/// configurations; what comes is shown by <see cref="ClientMetrics"/>.
/// </summary>
internal sealed class ClientTelemetry(MetadataCache metadata, ClientMetrics metrics, int bytesMax, TimeProvider time, Random random)
{
    /// <summary>How much more than <c>telemetry.max.bytes</c> a push may be once it is decompressed.</summary>
    private const int ExpansionMax = 8;

    private readonly Lock gate = new();
    private readonly ClientInstances instances = new(ClientInstances.CapacityDefault, metrics.Forget);
    private readonly long origin = time.GetTimestamp();
    private ConfigsImage? configs;
    private TelemetrySubscriptions? subscriptions;

    /// <summary><c>telemetry.max.bytes</c>.</summary>
    public int BytesMax { get; } = bytesMax;

    /// <summary>A client asks what it is asked for; a client that has no id yet gets one.</summary>
    public (ClientInstance Instance, ErrorCode Error) Get(Uuid asked, RequestContext context)
    {
        lock (gate)
        {
            var now = NowMs;
            var instance = Instance(asked == Uuid.Zero ? Uuid.Next(random) : asked, context, now);
            return (instance, instance.Get(now));
        }
    }

    /// <summary>A client pushes its metrics.</summary>
    public ErrorCode Push(PushTelemetryRequest request, RequestContext context)
    {
        if (request.ClientInstanceId.IsReserved)
            return ErrorCode.InvalidRequest;
        ClientInstance instance;
        lock (gate)
        {
            var now = NowMs;
            instance = Instance(request.ClientInstanceId, context, now);
            var error = instance.Push(request, now, BytesMax);
            if (error != ErrorCode.None || request.Metrics.Length == 0)
                return error;
        }

        // Outside the lock: it takes the time that the bytes take.
        var readError = Read(request, out var points);
        lock (gate)
        {
            if (readError != ErrorCode.None)
                return instance.Failed(readError);
            if (instances.Find(instance.Id, NowMs) == instance) // else it was forgotten meanwhile
                metrics.Take(instance, points);
            return ErrorCode.None;
        }
    }

    private ErrorCode Read(PushTelemetryRequest request, out List<TelemetryPoint> points)
    {
        points = [];
        try
        {
            using var decompressed = new PooledBuffer();
            CompressionCodecs.Decompress(
                (CompressionCodec)request.CompressionType, request.Metrics.Span, decompressed, (int)Math.Min(ExpansionMax * (long)BytesMax, int.MaxValue / 2));
            points = OtlpMetrics.Read(decompressed.Span);
            return ErrorCode.None;
        }
        catch (DecompressedSizeException)
        {
            return ErrorCode.TelemetryTooLarge;
        }
        catch (MalformedMessageException)
        {
            return ErrorCode.InvalidRecord;
        }
    }

    private ClientInstance Instance(Uuid id, RequestContext context, long now)
    {
        var image = metadata.Image.Configs;
        if (image != configs)
            (configs, subscriptions) = (image, new TelemetrySubscriptions(image));
        if (instances.Find(id, now) is { } known)
        {
            known.Update(subscriptions!.Of(known.Client));
            return known;
        }

        var client = TelemetryClient.Of(context, id);
        return instances.Add(new ClientInstance(id, client, subscriptions!.Of(client)), now);
    }

    // Of a clock that never goes back.
    private long NowMs => (long)time.GetElapsedTime(origin).TotalMilliseconds;
}
