using FsCheck;
using FsCheck.Xunit;
using Milena.Metadata.Quotas;

namespace Milena.Metadata.Tests.Quotas;

/// <summary>What holds for rates, tokens and throttle times whatever is recorded when.</summary>
public class QuotaArithmeticTests
{
    private static readonly QuotaWindow Window = new(11, 1000);

    [Property]
    public void A_rate_is_never_negative_and_never_more_than_all_that_was_used_in_the_shortest_window((PositiveInt Wait, NonNegativeInt Value)[] uses)
    {
        var (rate, now, all) = (new RateWindow(Window), 0L, 0.0);
        foreach (var (wait, value) in uses)
        {
            now += wait.Get * 37 % 4000;
            rate.Record(value.Get, now);
            all += value.Get;
            var measured = rate.Measure(now);
            Assert.InRange(measured.PerSecond, 0, (all / 10) + 1e-9);
            Assert.InRange(measured.WindowMs, 10_000, 12_000);
        }

        Assert.Equal(0, rate.Measure(now + 11_000).PerSecond);
    }

    [Property]
    public void What_is_taken_back_at_once_was_never_recorded((PositiveInt Wait, NonNegativeInt Value, bool IsTakenBack)[] uses)
    {
        var (kept, all, now) = (new RateWindow(Window), new RateWindow(Window), 0L);
        foreach (var (wait, value, isTakenBack) in uses)
        {
            now += wait.Get * 37 % 4000;
            all.Record(value.Get, now);
            if (isTakenBack)
                all.Record(-value.Get, now);
            kept.Record(isTakenBack ? 0 : value.Get, now);
            Assert.Equal(kept.Measure(now), all.Measure(now));
        }
    }

    [Property]
    public void A_throttle_time_lengthens_the_window_until_the_rate_is_the_limit(PositiveInt value, PositiveInt limit)
    {
        var rate = new RateWindow(Window);
        rate.Record(value.Get * 100.0, 0);
        var measured = rate.Measure(0);
        var throttleMs = measured.ThrottleMs(limit.Get);
        if (measured.PerSecond <= limit.Get)
            Assert.Equal(0, throttleMs);
        else
            Assert.InRange(value.Get * 100_000.0 / limit.Get, measured.WindowMs + throttleMs - 0.5001, measured.WindowMs + throttleMs + 0.5001);
    }

    [Property]
    public void There_are_never_more_tokens_than_the_burst_and_they_come_at_the_rate((PositiveInt Wait, NonNegativeInt Count)[] uses, PositiveInt perSecond)
    {
        var (bucket, now) = (new TokenBucket(Window), 0L);
        foreach (var (wait, count) in uses)
        {
            var before = bucket.Tokens(perSecond.Get, now);
            now += wait.Get % 5000;
            var expected = Math.Min(before + (wait.Get % 5000 * (double)perSecond.Get / 1000), Window.Burst(perSecond.Get));
            Assert.Equal(expected, bucket.Tokens(perSecond.Get, now), 6);
            bucket.Take(count.Get, perSecond.Get, now);
            var throttleMs = bucket.ThrottleMs(perSecond.Get, now);
            Assert.InRange(bucket.Tokens(perSecond.Get, now + throttleMs + 1L), 0, Window.Burst(perSecond.Get));
            now += throttleMs + 1L;
        }
    }

    [Theory]
    [InlineData(1e30, 1e-30, int.MaxValue)]
    [InlineData(double.PositiveInfinity, 1, int.MaxValue)]
    [InlineData(5, 0, int.MaxValue)]
    [InlineData(0, 0, 0)]
    [InlineData(1.00004, 1, 0)]
    [InlineData(1.00006, 1, 1)]
    public void A_throttle_time_is_a_number_of_milliseconds_that_the_protocol_can_say(double rate, double limit, int expected) =>
        Assert.Equal(expected, new MeasuredRate(rate, 10_000).ThrottleMs(limit));
}
