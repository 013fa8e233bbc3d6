using Microsoft.Extensions.Time.Testing;

namespace Milena.Metrics.Tests;

/// <summary>Numbers worked out by hand: alpha is 1 - e^(-5/60), 1 - e^(-5/300) and 1 - e^(-5/900).</summary>
public class MeterTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Three_events_in_the_first_step_fade_by_e_each_minute()
    {
        var meter = new Meter(time, "events");
        meter.Mark(3);
        Assert.Equal(new Rates(0, 0, 0, 0), meter.Read()); // no time has passed
        Step(meter);
        Close(new Rates(0.6, 0.6, 0.6, 0.6), meter.Read());
        Minute(meter);
        Close(new Rates(3 / 65.0, 0.22072766, 0.49123845, 0.56130419), meter.Read());
        Minute(meter);
        Close(new Rates(3 / 125.0, 0.08120117, 0.40219203, 0.52510399), meter.Read());
    }

    [Fact]
    public void A_steady_stream_has_the_same_rate_everywhere()
    {
        var meter = new Meter(time, "events");
        for (var i = 0; i < 1000; i++)
        {
            meter.Mark(50);
            Step(meter);
        }

        Close(new Rates(10, 10, 10, 10), meter.Read());
    }

    [Fact]
    public void Steps_that_nobody_came_by_for_share_what_they_brought()
    {
        var meter = new Meter(time, "events");
        Step(meter); // the rates start at 0
        meter.Mark(120);
        time.Advance(TimeSpan.FromMinutes(1)); // twelve steps of 10 events: 2 a second
        var rates = meter.Read();
        Assert.Equal(2 * (1 - Math.Exp(-1)), rates.OneMinute, 9);
        Assert.Equal(2 * (1 - Math.Exp(-0.2)), rates.FiveMinutes, 9);
        Assert.Equal(120, meter.Count);
    }

    [Fact]
    public void Events_of_many_threads_are_all_counted()
    {
        var meter = new Meter(time, "events");
        Parallel.For(0, 10_000, _ => meter.Mark(2));
        Assert.Equal(20_000, meter.Count);
    }

    [Fact]
    public void Marking_and_updating_allocate_nothing()
    {
        var meter = new Meter(time, "events");
        var histogram = new Histogram(time);
        Work();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Work();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Work()
        {
            for (var i = 0; i < 5000; i++)
            {
                meter.Mark();
                histogram.Update(i);
            }
        }
    }

    [Fact]
    public void The_rate_of_a_window_looks_a_minute_back_and_thirty_seconds_at_least()
    {
        var count = 0L;
        var rate = new WindowRate(time, () => count);
        count = 60;
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(2, rate.Read()); // 60 in half a window
        for (var i = 0; i < 100; i++)
        {
            rate.Tick();
            count += 5;
            time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.Equal(1, rate.Read(), 9);
        Assert.Equal(560, rate.Total);
    }

    [Fact]
    public void Mean_and_maximum_are_those_of_the_last_minute_at_most()
    {
        var stats = new WindowStats(time);
        Assert.Equal(double.NaN, stats.Average);
        Assert.Equal(double.NaN, stats.Max);
        stats.Record(10);
        stats.Record(20);
        time.Advance(TimeSpan.FromSeconds(31));
        stats.Record(3);
        Assert.Equal((11, 20), (stats.Average, stats.Max));
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal((3, 3), (stats.Average, stats.Max));
        time.Advance(TimeSpan.FromSeconds(70));
        Assert.Equal(double.NaN, stats.Average);
    }

    private void Step(Meter meter)
    {
        time.Advance(TimeSpan.FromSeconds(5));
        meter.Tick();
    }

    private void Minute(Meter meter)
    {
        for (var i = 0; i < 12; i++)
            Step(meter);
    }

    private static void Close(Rates expected, Rates actual)
    {
        Assert.Equal(expected.Mean, actual.Mean, 6);
        Assert.Equal(expected.OneMinute, actual.OneMinute, 6);
        Assert.Equal(expected.FiveMinutes, actual.FiveMinutes, 6);
        Assert.Equal(expected.FifteenMinutes, actual.FifteenMinutes, 6);
    }
}
