using Milena.Broker.Fetching;
using Milena.Common;

namespace Milena.Broker.Tests.Fetching;

/// <summary>Who has to go when the cache of fetch sessions is full (KIP-227).</summary>
public sealed class FetchSessionCacheTests
{
    private const long EvictionMs = 120_000;
    private readonly FetchSessionCache cache = new(slotsMax: 3, EvictionMs, new Random(1));

    [Fact]
    public void The_one_that_was_idle_for_longest_goes_if_it_was_idle_for_too_long()
    {
        var (a, b, c) = (Create(10), Create(5), Create(7));
        Assert.Null(cache.TryCreate(true, false, 1, 5 + EvictionMs)); // not longer than that yet, and none is older either
        Assert.NotNull(cache.TryCreate(true, false, 1, 6 + EvictionMs));
        Assert.Equal([true, false, true], new[] { a, b, c }.Select(session => cache.TryGet(session.Id, out _)));
    }

    [Fact]
    public void An_old_session_that_is_in_use_gives_way_to_one_with_as_many_partitions_but_not_to_a_smaller()
    {
        var (small, large, other) = (Create(0, partitions: 2), Create(0, partitions: 9), Create(0, partitions: 9));
        var now = EvictionMs + 1;
        foreach (var session in new[] { small, large, other })
            cache.Touch(session, now);
        Assert.Null(cache.TryCreate(true, false, 1, now));
        Assert.NotNull(cache.TryCreate(true, false, 2, now));
        Assert.Equal([false, true, true], new[] { small, large, other }.Select(session => cache.TryGet(session.Id, out _)));
        Assert.Equal(3, cache.Count);
    }

    [Fact]
    public void A_young_session_that_is_in_use_stays()
    {
        for (var i = 0; i < 3; i++)
            Create(0, partitions: 1);
        Assert.Null(cache.TryCreate(true, false, 1000, EvictionMs));
    }

    [Fact]
    public void A_follower_displaces_a_consumer_of_any_age_and_no_consumer_displaces_a_follower()
    {
        var consumer = Create(0, partitions: 9);
        var followers = new[] { Create(0, 1, isPrivileged: true), Create(0, 1, isPrivileged: true) };
        Assert.NotNull(cache.TryCreate(true, isPrivileged: true, 1, nowMs: 1));
        Assert.False(cache.TryGet(consumer.Id, out _));
        Assert.Null(cache.TryCreate(true, isPrivileged: true, 5, nowMs: 1)); // of its own kind it displaces only old ones

        var now = EvictionMs + 2;
        foreach (var follower in followers)
            cache.Touch(follower, now);
        Assert.NotNull(cache.TryCreate(true, isPrivileged: false, 50, now)); // the third follower was idle
        Assert.Null(cache.TryCreate(true, isPrivileged: false, 50, now));
    }

    [Fact]
    public void A_session_does_not_remember_more_than_it_may()
    {
        Assert.NotNull(cache.TryCreate(true, false, FetchSessionCache.PartitionsMax, 0));
        Assert.Null(cache.TryCreate(true, false, FetchSessionCache.PartitionsMax + 1, 0));
    }

    [Fact]
    public void Ids_are_positive_and_different()
    {
        var large = new FetchSessionCache(1000, EvictionMs, new Random(2));
        var ids = Enumerable.Range(0, 1000).Select(_ => large.TryCreate(true, false, 1, 0)!.Id).ToArray();
        Assert.All(ids, id => Assert.True(id > 0));
        Assert.Equal(1000, ids.Distinct().Count());
    }

    [Fact]
    public void After_the_last_epoch_comes_the_first()
    {
        var session = Create(0);
        Assert.Equal(1, session.NextEpoch);
        session.AdvanceEpoch();
        Assert.Equal(2, session.NextEpoch);
        Assert.Equal(1, FetchSession.EpochAfter(int.MaxValue));
    }

    private FetchSession Create(long nowMs, int partitions = 1, bool isPrivileged = false)
    {
        var session = cache.TryCreate(usesTopicIds: true, isPrivileged, partitions, nowMs)!;
        for (var i = 0; i < partitions; i++)
            session.Include(new FetchKey(new Uuid(1, 1), "", i));
        return session;
    }
}
