using Milena.Broker.Telemetry;
using Milena.Common;
using Milena.Metadata.Images;
using Milena.Metrics;
using Milena.Protocol;
using Milena.Protocol.Compression;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Telemetry;

/// <summary>Clients are asked for their metrics, push them, and they are shown (KIP-714).</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private const string Latency = "org.apache.kafka.producer.request.latency.avg";

    private TestBroker broker = null!;
    private TestClient client = null!;

    public async ValueTask InitializeAsync()
    {
        broker = await TestBroker.StartAsync(("telemetry.max.bytes", "20000"), ("metrics.listener", "http://127.0.0.1:0"));
        client = broker.Connect("pusher");
    }

    public ValueTask DisposeAsync() => broker.DisposeAsync();

    [Fact]
    public async Task Clients_are_not_asked_where_nobody_would_see_it()
    {
        await using var unseen = await TestBroker.StartAsync();
        var served = (await unseen.Connect().Send(new ApiVersionsRequest(), version: 0)).ApiKeys.Select(api => (ApiKey)api.ApiKey);
        Assert.DoesNotContain(ApiKey.GetTelemetrySubscriptions, served);
        Assert.DoesNotContain(ApiKey.PushTelemetry, served);
    }

    [Fact]
    public async Task A_client_that_nobody_asks_gets_an_id_and_an_empty_list()
    {
        var told = await client.Send(new GetTelemetrySubscriptionsRequest());
        Assert.Equal((ErrorCode.None, 300_000, 20_000, true), (told.ErrorCode, told.PushIntervalMs, told.TelemetryMaxBytes, told.DeltaTemporality));
        Assert.NotEqual(Uuid.Zero, told.ClientInstanceId);
        Assert.Empty(told.RequestedMetrics);
        Assert.Equal<sbyte>([4, 3, 1, 2], told.AcceptedCompressionTypes);
        var other = await broker.Connect().Send(new GetTelemetrySubscriptionsRequest());
        Assert.NotEqual(told.ClientInstanceId, other.ClientInstanceId);
    }

    [Fact]
    public async Task What_is_asked_for_is_of_all_subscriptions_that_select_the_client()
    {
        await Subscribe("a", ("metrics", "org.apache.kafka.producer.,org.apache.kafka.consumer."), ("interval.ms", "10000"), ("match", "client_id=push.*"));
        await Subscribe("b", ("metrics", "org.apache.kafka.producer.,x."), ("interval.ms", "5000"), ("match", "client_id=pusher,client_software_name=unknown"));
        await Subscribe("c", ("metrics", "*"), ("interval.ms", "100"), ("match", "client_id=pushe")); // all of it must match
        var told = await client.Send(new GetTelemetrySubscriptionsRequest());
        Assert.Equal(5000, told.PushIntervalMs);
        Assert.Equal(["org.apache.kafka.consumer.", "org.apache.kafka.producer.", "x."], told.RequestedMetrics);

        await Subscribe("c", ("match", ""));
        var changed = await client.Send(new GetTelemetrySubscriptionsRequest { ClientInstanceId = told.ClientInstanceId });
        Assert.Equal((ErrorCode.None, 100), (changed.ErrorCode, changed.PushIntervalMs)); // at once, since it is another
        Assert.Equal(["*"], changed.RequestedMetrics);
        Assert.NotEqual(told.SubscriptionId, changed.SubscriptionId);
    }

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public async Task What_is_pushed_is_shown_with_the_clients_names(CompressionCodec codec)
    {
        var told = await Subscribed("org.apache.kafka.producer.");
        var data = Otlp.Push(Otlp.Gauge(Latency, 2.5, ("node_id", "1")), Otlp.Sum("org.apache.kafka.producer.sent", 7, isDelta: true), Otlp.Gauge("unasked", 1));
        Assert.Equal(ErrorCode.None, await Push(told, data, codec));
        Assert.Equal([$"kafka_client_producer_request_latency_avg{{{told.ClientInstanceId},pusher,unknown,unknown,1}} 2.5"], Shown("latency"));
        Assert.Equal([$"kafka_client_producer_sent_total{{{told.ClientInstanceId},pusher,unknown,unknown}} 7"], Shown("sent"));
        Assert.Empty(Shown("unasked"));

        broker.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.None, await Push(told, data, codec));
        Assert.EndsWith(" 2.5", Assert.Single(Shown("latency")));
        Assert.EndsWith(" 14", Assert.Single(Shown("sent"))); // what was added is added up
    }

    [Fact]
    public async Task Who_does_not_know_what_is_asked_is_told_so_and_may_ask_at_once()
    {
        var told = await Subscribed("*");
        told.SubscriptionId++;
        Assert.Equal(ErrorCode.UnknownSubscriptionId, await Push(told, Otlp.Push(Otlp.Gauge("m", 1))));
        var again = await client.Send(new GetTelemetrySubscriptionsRequest { ClientInstanceId = told.ClientInstanceId });
        Assert.Equal((ErrorCode.None, told.SubscriptionId - 1), (again.ErrorCode, again.SubscriptionId));
        Assert.Equal(ErrorCode.None, await Push(again, Otlp.Push(Otlp.Gauge("m", 1))));
        Assert.Single(Shown("kafka_client_m"));
    }

    [Fact]
    public async Task Who_asks_or_pushes_too_soon_is_refused()
    {
        var told = await Subscribed("*");
        Assert.Equal(ErrorCode.ThrottlingQuotaExceeded, (await client.Send(new GetTelemetrySubscriptionsRequest { ClientInstanceId = told.ClientInstanceId })).ErrorCode);
        Assert.Equal(ErrorCode.None, await Push(told, Otlp.Push(Otlp.Gauge("m", 1)))); // the first one comes when it likes
        Assert.Equal(ErrorCode.ThrottlingQuotaExceeded, await Push(told, Otlp.Push(Otlp.Gauge("m", 2))));
        broker.Time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(ErrorCode.ThrottlingQuotaExceeded, await Push(told, Otlp.Push(Otlp.Gauge("m", 2))));
        Assert.EndsWith(" 1", Assert.Single(Shown("kafka_client_m")));
        broker.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(ErrorCode.None, await Push(told, Otlp.Push(Otlp.Gauge("m", 2))));
        Assert.EndsWith(" 2", Assert.Single(Shown("kafka_client_m")));
    }

    [Fact]
    public async Task The_last_push_may_come_early_and_none_after_it()
    {
        var told = await Subscribed("*");
        Assert.Equal(ErrorCode.None, await Push(told, Otlp.Push(Otlp.Gauge("m", 1))));
        Assert.Equal(ErrorCode.None, await Push(told, Otlp.Push(Otlp.Gauge("m", 2)), isTerminating: true));
        broker.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ErrorCode.InvalidRequest, await Push(told, Otlp.Push(Otlp.Gauge("m", 3))));
        Assert.EndsWith(" 2", Assert.Single(Shown("kafka_client_m")));
    }

    [Fact]
    public async Task What_is_too_large_packed_too_tight_or_cannot_be_read_is_refused()
    {
        var told = await Subscribed("*");
        Assert.Equal(ErrorCode.TelemetryTooLarge, await Push(told, new byte[20_001]));
        Assert.Equal(ErrorCode.TelemetryTooLarge, await PushLater(told, new byte[1 << 24], CompressionCodec.Zstd)); // a bomb
        Assert.Equal(ErrorCode.InvalidRecord, await PushLater(told, [1, 2, 3]));
        Assert.Equal(ErrorCode.UnsupportedCompressionType, await PushLater(told, [1], (CompressionCodec)5));
        broker.Time.Advance(TimeSpan.FromSeconds(1));
        var damaged = new PushTelemetryRequest
        {
            ClientInstanceId = told.ClientInstanceId, SubscriptionId = told.SubscriptionId, CompressionType = 1, Metrics = new byte[] { 1, 2, 3 },
        };
        Assert.Equal(ErrorCode.InvalidRecord, (await client.Send(damaged)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, await Push(new() { ClientInstanceId = Uuid.Zero }, []));
        Assert.Equal(ErrorCode.None, await PushLater(told, [])); // nothing to say is no fault
        Assert.Empty(Shown("kafka_client_"));
    }

    [Fact]
    public async Task A_client_that_is_not_heard_of_any_more_is_not_shown_any_more()
    {
        var told = await Subscribed("*");
        await Push(told, Otlp.Push(Otlp.Gauge("m", 1)));
        Assert.Single(Shown("kafka_client_m"));
        broker.Time.Advance(TimeSpan.FromSeconds(601)); // ten minutes, or three intervals
        await broker.Connect().Send(new GetTelemetrySubscriptionsRequest());
        Assert.Empty(Shown("kafka_client_m"));
    }

    [Fact]
    public void However_many_clients_names_and_numbers_come_only_so_many_are_kept()
    {
        var forgotten = new List<Uuid>();
        var instances = new ClientInstances(3, forgotten.Add);
        for (ulong i = 1; i <= 5; i++)
        {
            instances.Add(Instance(i), nowMs: 0);
            instances.Find(new(0, 1000), 0);
        }

        Assert.Equal(3, instances.Count);
        Assert.Equal([new(0, 1001), new(0, 1002)], forgotten);

        using var registry = new MetricRegistry(TimeProvider.System);
        var metrics = new ClientMetrics(registry, seriesMax: 1500);
        metrics.Take(Instance(1), Enumerable.Range(0, 2000).Select(i => Point($"name{i}", "")));
        Assert.Equal(ClientMetrics.NamesMax, metrics.Count);
        metrics.Take(Instance(1), Enumerable.Range(0, 2000).Select(i => Point("name0", $"{i}")));
        Assert.Equal(ClientMetrics.SeriesOfClientMax, metrics.Count);
        metrics.Take(Instance(2), Enumerable.Range(0, 2000).Select(i => Point("name0", $"{i}")));
        Assert.Equal(1500, metrics.Count);
        Assert.Equal(1500 + 1500 + 1500, metrics.Dropped);
        metrics.Forget(Instance(2).Id);
        Assert.Equal(ClientMetrics.SeriesOfClientMax, metrics.Count);
    }

    private static ClientInstance Instance(ulong id) => new(
        new(0, 1000 + id), new TelemetryClient("i", "c", "s", "v", "", ""), TelemetrySubscription.Of(["*"], 1000));

    private static TelemetryPoint Point(string name, string label) => new(name, false, false, [new("l", label)], 1);

    private async Task<GetTelemetrySubscriptionsResponse> Subscribed(string metrics)
    {
        await Subscribe("s", ("metrics", metrics), ("interval.ms", "1000"));
        return await client.Send(new GetTelemetrySubscriptionsRequest());
    }

    private async Task Subscribe(string name, params (string Name, string Value)[] values)
    {
        var response = await client.Send(new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = (sbyte)ConfigResourceType.ClientMetrics,
                    ResourceName = name,
                    Configs = [.. values.Select(value => new IncrementalAlterConfigsRequest.AlterableConfig { Name = value.Name, Value = value.Value })],
                },
            ],
        });
        Assert.Equal((ErrorCode.None, null), (response.Responses[0].ErrorCode, response.Responses[0].ErrorMessage));
    }

    private Task<ErrorCode> PushLater(GetTelemetrySubscriptionsResponse told, byte[] data, CompressionCodec codec = CompressionCodec.None)
    {
        broker.Time.Advance(TimeSpan.FromSeconds(1));
        return Push(told, data, codec);
    }

    private async Task<ErrorCode> Push(
        GetTelemetrySubscriptionsResponse told, byte[] data, CompressionCodec codec = CompressionCodec.None, bool isTerminating = false)
    {
        using var compressed = new PooledBuffer();
        if (CompressionCodecs.IsKnown(codec))
            CompressionCodecs.Compress(codec, data, compressed);
        return (await client.Send(new PushTelemetryRequest
        {
            ClientInstanceId = told.ClientInstanceId,
            SubscriptionId = told.SubscriptionId,
            Terminating = isTerminating,
            CompressionType = (sbyte)codec,
            Metrics = compressed.Memory,
        })).ErrorCode;
    }

    /// <summary>The samples of clients whose names contain a text, as <c>name{values of labels} value</c>.</summary>
    private string[] Shown(string text)
    {
        var lines = new Lines();
        foreach (var family in broker.Server.Metrics!.Families.Where(family => family.Domain == "kafka.client" && family.Name.Contains(text)))
            family.Visit(lines);
        return [.. lines.All];
    }

    private sealed class Lines : IMetricVisitor
    {
        public List<string> All { get; } = [];

        public void OnGauge(MetricFamily family, MetricTag[] tags, double value) => All.Add(FormattableString.Invariant(
            $"{PrometheusNames.Of(family)}{{{string.Join(',', tags.Select(tag => tag.Value))}}} {value}"));

        public void OnText(MetricFamily family, MetricTag[] tags, string value) => throw new NotSupportedException();

        public void OnMeter(MetricFamily family, MetricTag[] tags, Meter meter) => throw new NotSupportedException();

        public void OnHistogram(MetricFamily family, MetricTag[] tags, Histogram histogram) => throw new NotSupportedException();

        public void OnTimer(MetricFamily family, MetricTag[] tags, Timing timing) => throw new NotSupportedException();
    }
}
