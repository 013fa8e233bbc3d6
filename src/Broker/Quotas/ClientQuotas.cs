using System.Net;
using Milena.Broker.Dispatch;
using Milena.Metadata.Images;
using Milena.Metadata.Quotas;

namespace Milena.Broker.Quotas;

/// <summary>One line of what quotas measure.</summary>
/// <param name="Holder">Whom it is measured for.</param>
/// <param name="Level">Bytes a second, percent, or tokens that are left.</param>
/// <param name="ThrottleMs">The mean of the throttle times of late.</param>
internal readonly record struct QuotaReading(QuotaHolder Holder, double Level, double ThrottleMs);

/// <summary>
/// Holds clients to their quotas. Whoever does something for a client records it here, and is told for how long the client is to be
/// throttled. Where no quota of the kind is set, that is one look at a table.
/// </summary>
internal sealed class ClientQuotas
{
    private readonly TimeProvider time;
    private readonly QuotaUsages[] usages;
    private readonly QuotaUsages connections;
    private readonly QuotaWindow requests;
    private readonly QuotaWindow mutations;
    private readonly long origin;
    private volatile QuotaTable table = QuotaTable.Empty;
    private long expiredAtMs;

    /// <param name="time">The clock.</param>
    /// <param name="requests"><c>quota.window.num</c> samples of <c>quota.window.size.seconds</c>.</param>
    /// <param name="mutations">The same for <c>controller.quota.</c></param>
    public ClientQuotas(TimeProvider time, QuotaWindow requests, QuotaWindow mutations)
    {
        this.time = time;
        this.requests = requests;
        this.mutations = mutations;
        origin = time.GetTimestamp();
        usages = [.. Enum.GetValues<QuotaKind>().Select(kind => new QuotaUsages(kind, kind == QuotaKind.ControllerMutation ? mutations : requests))];
        connections = new QuotaUsages(QuotaKind.Request, requests);
    }

    /// <summary>Whether the time that requests take is bounded for anybody, so that it must be measured.</summary>
    public bool MeasuresTime => table.Has(QuotaKind.Request);

    /// <summary>Takes over the quotas of an image.</summary>
    public void Apply(ClientQuotasImage image) => table = QuotaTable.From(image);

    /// <summary>A produce request of so many bytes has come.</summary>
    public int Produced(RequestContext context, int bytes) => Record(QuotaKind.Produce, context, bytes);

    /// <summary>
    /// So many bytes of records are about to be sent. Unless they may be, the client gets none of them, and they are not counted.
    /// </summary>
    public int Fetched(RequestContext context, long bytes, out bool mayBeSent)
    {
        mayBeSent = true;
        if (!TryFind(QuotaKind.Fetch, context, out var limit))
            return 0;
        var now = NowMs;
        return Usage(QuotaKind.Fetch, limit, now).RecordUnlessThrottled(bytes, limit.PerSecond, now, out mayBeSent);
    }

    /// <summary>How many bytes one fetch of this client may bring: what it could have after a rest.</summary>
    public int FetchBytesMax(RequestContext context) =>
        TryFind(QuotaKind.Fetch, context, out var limit) ? (int)Math.Clamp(requests.OneAnswer(limit.PerSecond), 1, int.MaxValue) : int.MaxValue;

    /// <summary>A request has kept a thread busy for so long. Never throttles for longer than a sample (Kafka's bound).</summary>
    public int Spent(RequestContext context, TimeSpan busy) =>
        (int)Math.Min(Record(QuotaKind.Request, context, busy.TotalSeconds * 100), requests.SampleMs);

    /// <summary>What a request that creates or deletes partitions may take from its client's quota.</summary>
    /// <param name="context">The request.</param>
    /// <param name="strictFrom">From that version on too much is refused; before, it is done, and the client rests.</param>
    public MutationQuota Mutations(RequestContext context, short strictFrom = short.MaxValue) => new(this, context, context.Version >= strictFrom);

    /// <summary>A connection has come from that address: zero to serve it, or how long to keep it before it is closed.</summary>
    public TimeSpan Connected(IPAddress address)
    {
        if (!table.HasConnectionRates || table.ConnectionRateOf(address) is not { } limit)
            return TimeSpan.Zero;
        var now = NowMs;
        var throttleMs = connections.Of(new QuotaHolder("", address.ToString()), now)
            .RecordUnlessThrottled(1, limit, now, out var isCounted);
        return isCounted ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Min(throttleMs, requests.SampleMs));
    }

    /// <summary>What is measured now, for metrics.</summary>
    public IEnumerable<QuotaReading> Readings(QuotaKind kind)
    {
        var (quotas, now) = (table, NowMs);
        foreach (var usage in usages[(int)kind].All)
        {
            var limit = quotas.TryFind(kind, usage.Holder.User, usage.Holder.ClientId, out var found) ? found.PerSecond : 0;
            yield return new QuotaReading(usage.Holder, usage.Level(limit, now), usage.ThrottleMs(now));
        }
    }

    internal bool TryTake(RequestContext context, int count, bool isStrict, out int throttleMs)
    {
        throttleMs = 0;
        if (!TryFind(QuotaKind.ControllerMutation, context, out var limit))
            return true;
        var now = NowMs;
        return Usage(QuotaKind.ControllerMutation, limit, now).TryTake(count, limit.PerSecond, isStrict, now, out throttleMs);
    }

    private int Record(QuotaKind kind, RequestContext context, double value)
    {
        if (!TryFind(kind, context, out var limit))
            return 0;
        var now = NowMs;
        return Usage(kind, limit, now).Record(value, limit.PerSecond, now);
    }

    private bool TryFind(QuotaKind kind, RequestContext context, out QuotaLimit limit)
    {
        limit = default;
        var quotas = table;
        return quotas.Has(kind) && quotas.TryFind(kind, context.User, context.ClientId ?? "", out limit);
    }

    private QuotaUsage Usage(QuotaKind kind, in QuotaLimit limit, long now)
    {
        if (now - Volatile.Read(ref expiredAtMs) >= QuotaUsages.IdleMsMax / 4)
            Expire(now);
        return usages[(int)kind].Of(limit.Holder, now);
    }

    private void Expire(long now)
    {
        Volatile.Write(ref expiredAtMs, now);
        foreach (var kind in usages)
            kind.Expire(now);
        connections.Expire(now);
    }

    // Of a clock that never goes back.
    private long NowMs => (long)time.GetElapsedTime(origin).TotalMilliseconds;
}

/// <summary>What one request takes from its client's quota of mutations (KIP-599).</summary>
internal sealed class MutationQuota(ClientQuotas quotas, RequestContext context, bool isStrict)
{
    /// <summary>For how many milliseconds the client must rest.</summary>
    public int ThrottleMs { get; private set; }

    /// <summary>Takes as many; false if they are refused.</summary>
    public bool TryTake(int count)
    {
        var isTaken = quotas.TryTake(context, count, isStrict, out var throttleMs);
        ThrottleMs = Math.Max(ThrottleMs, throttleMs);
        return isTaken;
    }
}
