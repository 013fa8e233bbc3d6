using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;

namespace Milena.Metrics.Tests;

public sealed class MBeansTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly MetricRegistry registry;

    public MBeansTests() => registry = new(time);

    public void Dispose() => registry.Dispose();

    [Fact]
    public void A_metric_of_Yammers_way_is_a_bean_of_its_own()
    {
        registry.Meter("kafka.server", "BrokerTopicMetrics", "BytesInPerSec", "bytes", "x", new MetricTag("topic", "a.b")).Mark(10);
        time.Advance(TimeSpan.FromSeconds(5));
        var bean = Assert.Single(MBeans.Of(registry));
        Assert.Equal("kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=a.b", bean.Name);
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["Count"] = 10L, ["MeanRate"] = 2.0, ["OneMinuteRate"] = 2.0, ["FiveMinuteRate"] = 2.0, ["FifteenMinuteRate"] = 2.0,
                ["EventType"] = "bytes", ["RateUnit"] = "SECONDS",
            },
            bean.Attributes);
    }

    [Fact]
    public void Metrics_of_Kafkas_way_are_attributes_of_one_bean()
    {
        registry.Attribute("kafka.server", "raft-metrics", "high-watermark", "x", () => 5);
        registry.TextAttribute("kafka.server", "raft-metrics", "current-state", "x", () => "leader");
        var bean = Assert.Single(MBeans.Of(registry));
        Assert.Equal("kafka.server:type=raft-metrics", bean.Name);
        Assert.Equal(new Dictionary<string, object> { ["high-watermark"] = 5.0, ["current-state"] = "leader" }, bean.Attributes);
    }

    [Fact]
    public void A_timer_is_meter_and_histogram()
    {
        registry.Timing("kafka.log", "LogFlushStats", "LogFlushRateAndTimeMs", "calls", "x").Update(TimeSpan.FromMilliseconds(2.5));
        var attributes = Assert.Single(MBeans.Of(registry)).Attributes;
        Assert.Equal((1L, 2.5, 2.5, "MILLISECONDS"), (attributes["Count"], attributes["Max"], attributes["99thPercentile"], attributes["LatencyUnit"]));
        Assert.Contains("OneMinuteRate", attributes.Keys);
    }

    [Theory]
    [InlineData("plain_name-1.0 %", "plain_name-1.0 %")]
    [InlineData("a,b=c", "\"a,b=c\"")]
    [InlineData("a*b?\"c\\", "\"a\\*b\\?\\\"c\\\\\"")]
    public void A_tag_with_unusual_characters_is_quoted_as_Java_does(string value, string quoted)
    {
        registry.Gauge("d", "T", "N", "x", () => 1, new MetricTag("t", value));
        Assert.Equal($"d:type=T,name=N,t={quoted}", Assert.Single(MBeans.Of(registry)).Name);
    }

    [Fact]
    public void A_name_can_be_taken_once()
    {
        registry.Gauge("d", "T", "N", "x", () => 1);
        Assert.Throws<Common.InvariantViolation>(() => registry.Gauge("d", "T", "N", "y", () => 2));
    }

    [Fact]
    public void Listeners_see_instruments_with_their_tags()
    {
        registry.Meter("kafka.server", "T", "NPerSec", "x", "x", new MetricTag("topic", "a")).Mark(4);
        registry.Histogram("kafka.server", "T", "Sizes", "x").Update(9);
        var seen = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == "Milena" && instrument.Name.StartsWith("kafka_server_t_", StringComparison.Ordinal))
                own.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            lock (seen)
                seen.Add($"{instrument.Name}[{string.Join(",", tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}]={value}");
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Contains("kafka_server_t_n[topic=a]=4", seen);
        Assert.Contains("kafka_server_t_sizes[quantile=0.99]=9", seen);
        Assert.Contains("kafka_server_t_sizes_count[]=1", seen);
    }

    [Fact]
    public void The_timer_keeps_rates_up_to_date()
    {
        var meter = registry.Meter("d", "T", "NPerSec", "x", "x");
        registry.Start();
        meter.Mark(30);
        time.Advance(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 12; i++)
            time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(6 * Math.Exp(-1), meter.Read().OneMinute, 9);
    }
}
