using Microsoft.Extensions.Time.Testing;

namespace Milena.Metrics.Tests;

public class HistogramTests
{
    private readonly FakeTimeProvider time = new();

    [Fact]
    public void One_to_a_hundred()
    {
        var histogram = Of(Enumerable.Range(1, 100).Select(value => (long)value));
        var read = histogram.Read();
        Assert.Equal((100, 1, 100, 50.5), (read.Count, read.Min, read.Max, read.Mean));
        Assert.Equal(29.01, read.StdDev, 0.03); // the root of (n^2 - 1) / 12 * n / (n - 1); from 64 on two values share a bucket
        Assert.Equal((50, 75, 95, 98.5, 99), (read.P50, read.P75, read.P95, read.P98, read.P99)); // 98 and 99 share a bucket
        Assert.Equal(100, read.P999, 0);
        Assert.Equal(5050, histogram.Sum);
    }

    [Fact]
    public void Nothing_is_all_zero() => Assert.Equal(default, new Histogram(time).Read());

    [Fact]
    public void One_value_is_everything()
    {
        var read = Of([1_234_567]).Read();
        Assert.Equal((1, 1_234_567, 1_234_567, 1_234_567, 0), (read.Count, read.Min, read.Max, read.Mean, read.StdDev));
        Assert.Equal((1_234_567, 1_234_567), (read.P50, read.P999));
    }

    [Fact]
    public void Zeros_count_and_less_is_zero()
    {
        var read = Of([0, 0, -5, 8]).Read();
        Assert.Equal((4, 0, 8, 2), (read.Count, read.Min, read.Max, read.Mean));
        Assert.Equal((0, 0, 8), (read.P50, read.P75, read.P95));
    }

    [Fact]
    public void A_unit_scales_what_is_shown()
    {
        var histogram = new Histogram(time, 0.001);
        histogram.Update(1500);
        Assert.Equal(1.5, histogram.Read().P50, 9);
        Assert.Equal(1.5, histogram.Sum, 9);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void A_percentile_is_off_by_a_sixtieth_at_most(int seed)
    {
        var random = new Random(seed);
        var values = Enumerable.Range(0, 20_000).Select(_ => (long)Math.Exp(random.NextDouble() * 40)).ToArray();
        var read = Of(values).Read();
        Array.Sort(values);
        foreach (var (share, shown) in new[] { (0.5, read.P50), (0.75, read.P75), (0.95, read.P95), (0.98, read.P98), (0.99, read.P99), (0.999, read.P999) })
        {
            var exact = values[(int)Math.Ceiling(share * values.Length) - 1];
            Assert.InRange(shown, exact * (1 - (1 / 30.0)), exact * (1 + (1 / 30.0)));
        }
    }

    [Fact]
    public void What_is_old_loses_its_weight()
    {
        // After a minute 1,000 values weigh e^-0.9 * 1000 = 406.6 of new ones, after ten minutes 0.12.
        var histogram = Of(Enumerable.Repeat(10L, 1000));
        histogram.Tick();
        time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 400; i++)
            histogram.Update(20);
        Assert.Equal(10, histogram.Read().P50); // 406.6 against 400
        for (var i = 0; i < 10; i++)
            histogram.Update(20);
        Assert.Equal(20, histogram.Read().P50); // 406.6 against 410

        time.Advance(TimeSpan.FromMinutes(10));
        histogram.Update(30);
        Assert.Equal(30, histogram.Read().P50); // 1 against 0.05 of the others
        Assert.Equal((1411, 10, 30), (histogram.Count, histogram.Read().Min, histogram.Read().Max));
    }

    [Fact]
    public void Weights_start_anew_after_an_hour_without_a_jump()
    {
        var histogram = Of(Enumerable.Repeat(10L, 100));
        for (var i = 0; i < 3 * 720; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            histogram.Update(i % 4 == 0 ? 40 : 20);
            histogram.Tick();
            if (i > 100)
                Assert.Equal((20, 40), (histogram.Read().P50, histogram.Read().P95));
        }

        Assert.Equal(100 + (3 * 720), histogram.Count);
    }

    [Fact]
    public void Many_threads_lose_nothing()
    {
        var histogram = new Histogram(time);
        Parallel.For(0, 100_000, i => histogram.Update(i));
        var read = histogram.Read();
        Assert.Equal((100_000, 0, 99_999), (read.Count, read.Min, read.Max));
        Assert.Equal(49_999.5, read.Mean, 6);
    }

    [Fact]
    public void The_largest_value_has_a_place()
    {
        var read = Of([long.MaxValue, 1]).Read();
        Assert.Equal(long.MaxValue, read.Max);
        Assert.Equal(2, read.Count);
    }

    private Histogram Of(IEnumerable<long> values)
    {
        var histogram = new Histogram(time);
        foreach (var value in values)
            histogram.Update(value);
        return histogram;
    }
}
