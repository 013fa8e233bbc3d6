using Milena.Broker.Quotas;
using Milena.Metadata.Quotas;

namespace Milena.Broker.Tests.Quotas;

/// <summary>Clients choose their ids, so what is remembered of them is bounded.</summary>
public sealed class QuotaUsagesTests
{
    private readonly QuotaUsages usages = new(QuotaKind.Produce, new QuotaWindow(11, 1000));

    [Fact]
    public void However_many_ids_come_only_so_many_are_remembered_and_the_latest_are_among_them()
    {
        for (var i = 0; i < 3 * QuotaUsages.CountMax; i++)
            usages.Of(new("", $"{i}"), nowMs: i / 1000).Record(1, 1000, i / 1000);
        Assert.InRange(usages.All.Count(), 1, QuotaUsages.CountMax);
        var last = new QuotaHolder("", $"{(3 * QuotaUsages.CountMax) - 1}");
        Assert.Contains(usages.All, usage => usage.Holder == last);
    }

    [Fact]
    public void Those_that_lie_behind_the_window_go_first()
    {
        var busy = usages.Of(new("", "busy"), 0);
        for (var i = 1; i < QuotaUsages.CountMax; i++)
            usages.Of(new("", $"{i}"), 0);
        busy.Record(1, 1000, 20_000);
        usages.Of(new("", "new"), 20_000);
        Assert.Equal(["busy", "new"], usages.All.Select(usage => usage.Holder.ClientId).Order());
    }

    [Fact]
    public void What_is_not_used_for_an_hour_is_forgotten()
    {
        usages.Of(new("", "a"), 0);
        var b = usages.Of(new("", "b"), 0);
        b.Record(1, 1000, 1);
        usages.Expire(QuotaUsages.IdleMsMax);
        Assert.Equal(b, Assert.Single(usages.All));
        usages.Expire(QuotaUsages.IdleMsMax + 1);
        Assert.Empty(usages.All);
    }

    [Fact]
    public void Level_and_throttle_time_can_be_read()
    {
        var usage = usages.Of(new("u", ""), 0);
        usage.Record(20_000, 1000, 0);
        Assert.Equal((2000, 10_000), (usage.Level(1000, 0), usage.ThrottleMs(0)));
        usage.Record(10_000, 1000, 0);
        Assert.Equal((3000, 15_000), (usage.Level(1000, 0), usage.ThrottleMs(0)));
        Assert.Equal((0, 0), (usage.Level(1000, 20_000), usage.ThrottleMs(20_000)));
    }
}
