using Microsoft.Extensions.Time.Testing;
using Milena.Coordination.Groups;

namespace Milena.Coordination.Tests.Groups;

public sealed class WakeUpsTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly List<string> woken = [];
    private readonly WakeUps wakeUps;

    public WakeUpsTests() => wakeUps = new(time, due => woken.AddRange(due));

    public void Dispose() => wakeUps.Dispose();

    [Fact]
    public void Each_is_woken_once_at_its_earliest_time()
    {
        Set("a", 300);
        Set("b", 200);
        Set("a", 100);
        Set("a", 250);

        Advance(99);
        Assert.Empty(woken);
        Advance(1);
        Assert.Equal(["a"], woken);
        Advance(100);
        Assert.Equal(["a", "b"], woken);
        Advance(1_000);
        Assert.Equal(["a", "b"], woken);
    }

    [Fact]
    public void Whoever_was_woken_can_be_set_again()
    {
        Set("a", 100);
        Advance(100);
        Set("a", 200);
        Advance(200);

        Assert.Equal(["a", "a"], woken);
    }

    [Fact]
    public void A_time_that_has_passed_wakes_at_once()
    {
        Advance(500);
        Set("a", -100);
        Advance(0);

        Assert.Equal(["a"], woken);
    }

    [Fact]
    public void Never_is_not_a_time()
    {
        wakeUps.SetNoLaterThan("a", GroupTime.Never);
        Advance(int.MaxValue);

        Assert.Empty(woken);
    }

    private void Set(string key, long inMs) => wakeUps.SetNoLaterThan(key, wakeUps.NowMs + inMs);

    private void Advance(long ms) => time.Advance(TimeSpan.FromMilliseconds(ms));
}
