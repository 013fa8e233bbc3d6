namespace Milena.Network.Tests;

public class FrameBudgetTests
{
    [Fact]
    public void Who_finds_it_used_up_waits_until_somebody_gives_back()
    {
        var budget = new FrameBudget(limitBytes: 100);
        var first = Take(budget, 60, out var firstTaken);
        var overdrawn = Take(budget, 60, out var overdrawnTaken);
        Assert.True(firstTaken.IsCompleted && overdrawnTaken.IsCompleted); // one may overdraw
        var third = Take(budget, 30, out var thirdTaken);
        var fourth = Take(budget, 1, out var fourthTaken);
        Assert.True(budget.IsShort);
        Assert.False(thirdTaken.IsCompleted);
        Assert.False(fourthTaken.IsCompleted); // first come, first served
        first.Dispose();
        Assert.True(thirdTaken.IsCompleted && fourthTaken.IsCompleted);
        Assert.False(budget.IsShort);
        overdrawn.Dispose();
        third.Dispose();
        fourth.Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void Two_frames_that_grow_do_not_wait_for_each_other()
    {
        var budget = new FrameBudget(limitBytes: 100);
        var one = Take(budget, 50, out _);
        var two = Take(budget, 50, out _);
        var oneMore = one.TakeAsync(100);
        var twoMore = two.TakeAsync(100);
        Assert.True(oneMore.IsCompleted);
        Assert.False(twoMore.IsCompleted);
        Assert.True(one.TakeAsync(1000).IsCompleted); // the one that overdraws goes before those who wait
        one.Dispose();
        Assert.True(twoMore.IsCompleted);
        two.Dispose();
        Assert.Equal(0, budget.UsedBytes);
    }

    [Fact]
    public void Trust_is_limited_and_comes_back()
    {
        var budget = new FrameBudget(limitBytes: 100, trustBytes: 10);
        Assert.True(budget.TryTrust(10));
        Assert.False(budget.TryTrust(1));
        budget.EndTrust(10);
        Assert.True(budget.TryTrust(1));
    }

    private static FrameBudget.Share Take(FrameBudget budget, int bytes, out ValueTask taken)
    {
        var share = new FrameBudget.Share(budget);
        taken = share.TakeAsync(bytes);
        return share;
    }
}
