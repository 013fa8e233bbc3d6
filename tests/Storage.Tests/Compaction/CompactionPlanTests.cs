namespace Milena.Storage.Tests.Compaction;

/// <summary>When a log is compacted, and how far: numbers in, numbers out.</summary>
public class CompactionPlanTests
{
    private const long Now = 1_000_000;

    private static readonly LogConfig Config = LogConfig.Default with { CleanupPolicy = CleanupPolicy.Compact };

    // Four segments of 100 bytes and 10 offsets; the last is the active one.
    private static readonly LogFacts Facts = new(Config, 0, 40, 40, -1, [Segment(0), Segment(10), Segment(20), Segment(30)]);

    [Fact]
    public void A_log_that_never_was_compacted_is_dirty_up_to_the_active_segment()
    {
        var plan = CompactionPlan.Of(Facts, Now);
        Assert.Equal(new CompactionPlan(0, 30, 0, 300, 0, IsReset: false), plan);
        Assert.Equal(1, plan.DirtyRatio);
    }

    [Fact]
    public void What_was_compacted_counts_as_clean()
    {
        var plan = CompactionPlan.Of(Facts with { CleanedTo = 10 }, Now);
        Assert.Equal((10, 30, 100, 200), (plan.FirstDirtyOffset, plan.FirstUncleanableOffset, plan.CleanBytes, plan.DirtyBytes));
        Assert.Equal(2 / 3.0, plan.DirtyRatio);
        Assert.True(plan.IsDue(Config));
        Assert.False(plan.IsDue(Config with { MinCleanableDirtyRatio = 0.7 }));
    }

    [Fact]
    public void A_segment_that_was_compacted_in_part_counts_as_both() =>
        Assert.Equal((200, 200), CompactionPlan.Of(Facts with { CleanedTo = 15 }, Now) is var plan ? (plan.CleanBytes, plan.DirtyBytes) : default);

    [Theory]
    [InlineData(40, 30)]
    [InlineData(30, 30)]
    [InlineData(29, 20)]
    [InlineData(20, 20)]
    [InlineData(5, 0)]
    public void Nothing_is_compacted_that_is_not_decided(long lastStable, long end) =>
        Assert.Equal(end, CompactionPlan.Of(Facts with { LastStableOffset = lastStable }, Now).FirstUncleanableOffset);

    [Theory]
    [InlineData(500, 10)]
    [InlineData(499, 30)]
    [InlineData(0, 30)]
    public void Records_younger_than_the_least_lag_are_left_alone(long lagMs, long end)
    {
        var segments = new[] { Segment(0, maxMs: Now - 900), Segment(10, maxMs: Now - 499), Segment(20, maxMs: Now - 900), Segment(30) };
        var plan = CompactionPlan.Of(Facts with { Config = Config with { MinCompactionLagMs = lagMs }, Segments = segments }, Now);
        Assert.Equal(end, plan.FirstUncleanableOffset);
        Assert.Equal(end * 10, plan.DirtyBytes);
    }

    [Fact]
    public void What_waits_longer_than_it_may_is_compacted_however_little_it_is()
    {
        var segments = new[] { Segment(0, firstMs: 5), Segment(10, firstMs: Now - 900), Segment(20, firstMs: Now - 800), Segment(30) };
        var facts = Facts with { Config = Config with { MaxCompactionLagMs = 800, MinCleanableDirtyRatio = 1 }, Segments = segments, CleanedTo = 10 };
        var plan = CompactionPlan.Of(facts, Now);
        Assert.Equal(100, plan.OverdueMs);
        Assert.True(plan.IsDue(facts.Config));
        Assert.False(CompactionPlan.Of(facts with { CleanedTo = 20 }, Now).IsDue(facts.Config));
        Assert.Equal(0, CompactionPlan.Of(facts with { Config = Config }, Now).OverdueMs);
        // It waits, but nothing can be done: it is not decided.
        Assert.False(CompactionPlan.Of(facts with { LastStableOffset = 5 }, Now).IsDue(facts.Config));
    }

    [Fact]
    public void What_is_overdue_comes_first_and_then_what_is_dirtiest()
    {
        var dirty = new CompactionPlan(0, 10, CleanBytes: 10, DirtyBytes: 90, 0, false);
        var dirtier = dirty with { CleanBytes = 5 };
        var overdue = dirty with { CleanBytes = 500, OverdueMs = 1 };
        Assert.True(dirtier.ComesBefore(dirty));
        Assert.True(overdue.ComesBefore(dirtier));
        Assert.False(dirty.ComesBefore(overdue));
        Assert.False(dirty.ComesBefore(dirty));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(41)]
    public void A_checkpoint_outside_the_log_is_of_no_use(long cleanedTo)
    {
        var plan = CompactionPlan.Of(Facts with { LogStartOffset = 5, CleanedTo = cleanedTo }, Now);
        Assert.Equal((5, true, 300), (plan.FirstDirtyOffset, plan.IsReset, plan.DirtyBytes));
    }

    [Fact]
    public void A_log_of_one_segment_has_nothing_to_compact()
    {
        var plan = CompactionPlan.Of(Facts with { Segments = [Segment(0)] }, Now);
        Assert.Equal((0, 0, 0), (plan.FirstUncleanableOffset, plan.DirtyBytes, plan.DirtyRatio));
        Assert.False(plan.IsDue(Config with { MinCleanableDirtyRatio = 0 }));
    }

    [Fact]
    public void Neighbours_that_fit_into_one_segment_become_one()
    {
        var config = Config with { SegmentBytes = 250, SegmentIndexBytes = 30 };
        SegmentSizes[] even = [new(0, 100, 8, 12), new(10, 100, 8, 12), new(20, 100, 8, 12), new(30, 300, 8, 12), new(40, 1, 8, 12)];
        Assert.Equal([2, 1, 1, 1], SegmentGroups.Of(even, 50, config));
        Assert.Equal([1, 1, 1, 1, 1], SegmentGroups.Of(even, 50, config with { SegmentIndexBytes = 20 }));
        Assert.Equal([5], SegmentGroups.Of(even, 50, config with { SegmentIndexBytes = 100, SegmentBytes = 1000 }));
        Assert.Equal([], SegmentGroups.Of([], 50, config));

        // Offsets count from the first segment's, in 31 bits; a segment without records needs none.
        SegmentSizes[] wide = [new(0, 1, 8, 12), new(int.MaxValue - 5L, 1, 8, 12), new(int.MaxValue + 2L, 0, 0, 0), new(1L << 40, 0, 0, 0)];
        Assert.Equal([1, 3], SegmentGroups.Of(wide, (1L << 40) + 1, config));
        Assert.Equal([4], SegmentGroups.Of([wide[0], wide[1], new(int.MaxValue, 0, 0, 0), wide[3]], (1L << 40) + 1, config));
    }

    [Fact]
    public void A_limit_on_bytes_a_second_makes_pauses_and_allows_no_burst_after_them()
    {
        var throttle = new IoThrottle();
        Assert.Equal(500, throttle.WaitMs(500, 1000, Now));
        Assert.Equal(1000, throttle.WaitMs(500, 1000, Now));
        Assert.Equal(1000, throttle.WaitMs(1000, 1000, Now + 1000));
        Assert.Equal(100, throttle.WaitMs(100, 1000, Now + 60_000));
        Assert.Equal(0, new IoThrottle().WaitMs(1 << 30, double.MaxValue, Now), 3);
    }

    private static SegmentFacts Segment(long baseOffset, long maxMs = -1, long firstMs = -1) => new(baseOffset, 100, maxMs, firstMs);
}
