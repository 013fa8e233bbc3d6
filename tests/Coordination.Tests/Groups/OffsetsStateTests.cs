using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

public class OffsetsStateTests
{
    private const long Producer = 7;
    private static readonly OffsetKey Key = new("g", "t", 0);
    private GroupsState state = GroupsState.Empty;

    [Fact]
    public void Offsets_of_an_open_transaction_are_not_seen_and_make_their_partition_unstable()
    {
        Commit(1);
        CommitInTransaction(2);

        Assert.Equal(1, Offset);
        Assert.True(state.Offsets.HasPending(Key));
        Assert.Equal((1, ErrorCode.None), Fetch(requireStable: false));
        Assert.Equal((-1, ErrorCode.UnstableOffsetCommit), Fetch(requireStable: true));
    }

    [Fact]
    public void A_transaction_that_is_committed_makes_its_offsets_valid()
    {
        CommitInTransaction(1);
        CommitInTransaction(2);
        End(commit: true);

        Assert.Equal(2, Offset);
        Assert.False(state.Offsets.HasPending(Key));
        Assert.NotNull(state.Find("g"));
        Assert.Equal((2, ErrorCode.None), Fetch(requireStable: true));
    }

    [Fact]
    public void A_transaction_that_is_aborted_leaves_nothing()
    {
        Commit(1);
        CommitInTransaction(2);
        End(commit: false);

        Assert.Equal(1, Offset);
        Assert.False(state.Offsets.HasPending(Key));
    }

    [Fact]
    public void An_offset_that_was_committed_meanwhile_is_the_later_one()
    {
        CommitInTransaction(1);
        Commit(2);
        End(commit: true);

        Assert.Equal(2, Offset);
    }

    [Fact]
    public void Two_transactions_end_each_for_itself()
    {
        CommitInTransaction(1, producer: 7);
        CommitInTransaction(2, producer: 8);
        End(commit: true, producer: 7);

        Assert.Equal(1, Offset);
        Assert.True(state.Offsets.HasPending(Key));
        End(commit: true, producer: 8);
        Assert.Equal(2, Offset);
        Assert.False(state.Offsets.HasPending(Key));
    }

    [Fact]
    public void A_tombstone_takes_what_is_pending_with_it()
    {
        Commit(1);
        CommitInTransaction(2);
        CommitInTransaction(3, producer: 8);
        state = state.Apply(Key.Tombstone());
        End(commit: true);
        End(commit: true, producer: 8);

        Assert.Null(state.Offsets.Find(Key));
        Assert.False(state.Offsets.HasPending(Key));
    }

    [Fact]
    public void A_marker_without_offsets_means_nothing()
    {
        Commit(1);
        var before = state;
        End(commit: true, producer: 99);

        Assert.Equal(before.Offsets, state.Offsets);
    }

    [Fact]
    public void Pending_offsets_do_not_expire_and_keep_their_group()
    {
        Commit(1);
        CommitInTransaction(2);

        Assert.Empty(OffsetRemovals.Expire(state, "g", new GroupConfig(), nowUnixMs: long.MaxValue / 2).Records);
        End(commit: false);
        Assert.Equal(2, OffsetRemovals.Expire(state, "g", new GroupConfig(), nowUnixMs: long.MaxValue / 2).Records.Length);
    }

    [Fact]
    public void A_group_is_deleted_with_what_is_pending()
    {
        Commit(1);
        CommitInTransaction(2, key: Key with { Partition = 5 });
        foreach (var record in OffsetRemovals.DeleteGroup(state, "g").Records)
            state = state.Apply(record);
        End(commit: true);

        Assert.Empty(state.Groups);
        Assert.Empty(state.Offsets.Groups);
    }

    [Fact]
    public void An_offset_of_a_topic_that_was_made_anew_is_missing_by_id()
    {
        Commit(1, topicId: new Uuid(9, 9_000));
        var asked = new OffsetFetchRequest.OffsetFetchRequestGroup
        {
            GroupId = "g",
            Topics = [new() { TopicId = OneTopic.Id, PartitionIndexes = [0] }],
        };

        var fetched = OffsetFetches.Fetch(state, asked, version: 10, requireStable: false, new OneTopic());

        Assert.Equal(-1, fetched.Topics[0].Partitions[0].CommittedOffset);
    }

    [Fact]
    public void Old_offset_records_are_replayed()
    {
        var key = new LegacyOffsetCommitKey { Group = "g", Topic = "t", Partition = 0 };
        state = state.Apply(new GroupRecord(key, new LegacyOffsetCommitValue { Offset = 5, Metadata = "m", CommitTimestamp = 6 }, 0));
        Assert.Equal((5, "m", 6), (Offset, state.Offsets.Find(Key)!.Metadata, state.Offsets.Find(Key)!.CommitTimestampMs));

        state = state.Apply(GroupRecord.Tombstone(key));
        Assert.Null(state.Offsets.Find(Key));
    }

    private long Offset => state.Offsets.Find(Key)!.Offset;

    private void Commit(long offset, OffsetKey? key = null, Uuid topicId = default) =>
        state = state.Apply(new CommittedOffset(offset, -1, "", 0, -1, topicId).ToRecord(key ?? Key));

    private void CommitInTransaction(long offset, long producer = Producer, OffsetKey? key = null) =>
        state = state.Apply(new CommittedOffset(offset, -1, "", 0, -1, Uuid.Zero).ToRecord(key ?? Key) with { ProducerId = producer, ProducerEpoch = 0 });

    private void End(bool commit, long producer = Producer) => state = state.Apply(new TransactionEnded(producer, commit, 0, 0));

    private (long, ErrorCode) Fetch(bool requireStable)
    {
        var asked = new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = "g", Topics = [new() { Name = "t", PartitionIndexes = [0] }] };
        var named = OffsetFetches.Fetch(state, asked, version: 9, requireStable, new OneTopic()).Topics[0].Partitions[0];
        asked.Topics = null;
        var all = OffsetFetches.Fetch(state, asked, version: 9, requireStable, new OneTopic()).Topics[0].Partitions[0];
        Assert.Equal((named.CommittedOffset, named.ErrorCode), (all.CommittedOffset, all.ErrorCode));
        return (named.CommittedOffset, named.ErrorCode);
    }
}
