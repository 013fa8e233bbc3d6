using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>TxnOffsetCommit: pending until the marker, asked about once a transaction, and refused to strangers.</summary>
public class TransactionalCommitTests : CoordinatorFixture
{
    private readonly Transactions transactions = new();

    [Fact]
    public async Task Offsets_of_a_transaction_become_valid_with_its_marker_and_survive_a_change_of_leader()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.None, await CommitInTransaction(1, 42));
        Assert.Equal(ErrorCode.None, await CommitInTransaction(2, 43));
        Assert.Equal("-1, -1", await Fetched());
        Assert.Equal("UnstableOffsetCommit, UnstableOffsetCommit", await Fetched(requireStable: true));
        Assert.Equal((GroupId, "Empty"), Assert.Single((await Coordinator.ListGroups(new())).Groups) is var listed ? (listed.GroupId, listed.GroupState) : default);

        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 1, Log));
        Assert.Equal("UnstableOffsetCommit, UnstableOffsetCommit", await Fetched(requireStable: true, next));
        Assert.Equal(ErrorCode.None, await next.EndTransaction(Partition, 7, 1, 3, commit: true, bumpsEpochs: true));
        Assert.Equal("42, 43", await Fetched(requireStable: true, next));

        using var last = NewCoordinator();
        Assert.True(await last.OnElected(Partition, 2, Log));
        Assert.Equal("42, 43", await Fetched(requireStable: true, last));
    }

    [Fact]
    public async Task What_was_committed_before_an_aborted_transaction_is_there_again()
    {
        await ElectAsync();
        await Commit(1, 10);
        await CommitInTransaction(1, 42);
        Assert.Equal("10, -1", await Fetched());

        Assert.Equal(ErrorCode.None, await End(1, commit: false));
        Assert.Equal("10, -1", await Fetched(requireStable: true));
        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 1, Log));
        Assert.Equal("10, -1", await Fetched(requireStable: true, next));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    public async Task The_transactions_coordinator_is_asked_once_and_from_version_5_on_told_of_the_partition(short version, bool adds)
    {
        await ElectAsync();
        await CommitInTransaction(1, 42, version: version);
        await CommitInTransaction(1, 43, version: version);
        Assert.Equal([("tx", 7, (short)0, $"__consumer_offsets-{Partition}", adds)], transactions.Asked);

        await End(1, commit: true);
        Assert.Equal("43, -1", await Fetched());
        await CommitInTransaction(1, 44, epoch: 1, version: version);
        Assert.Equal(2, transactions.Asked.Count);
    }

    [Theory]
    [InlineData(ErrorCode.InvalidProducerIdMapping, 5, ErrorCode.InvalidProducerIdMapping)]
    [InlineData(ErrorCode.ProducerFenced, 5, ErrorCode.InvalidProducerEpoch)]
    [InlineData(ErrorCode.TransactionAbortable, 4, ErrorCode.TransactionAbortable)]
    [InlineData(ErrorCode.TransactionAbortable, 3, ErrorCode.InvalidTxnState)]
    [InlineData(ErrorCode.ConcurrentTransactions, 5, ErrorCode.ConcurrentTransactions)]
    [InlineData(ErrorCode.ConcurrentTransactions, 4, ErrorCode.CoordinatorLoadInProgress)]
    [InlineData(ErrorCode.CoordinatorLoadInProgress, 1, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ErrorCode.CoordinatorLoadInProgress, 2, ErrorCode.CoordinatorLoadInProgress)]
    public async Task What_the_transactions_coordinator_refuses_is_not_written(ErrorCode answer, short version, ErrorCode told)
    {
        await ElectAsync();
        transactions.Answer = answer;
        Assert.Equal(told, await CommitInTransaction(1, 42, version: version));
        Assert.Equal(0, Log.Appends);
        Assert.Equal("-1, -1", await Fetched(requireStable: true));
        Assert.Empty((await Coordinator.ListGroups(new())).Groups);

        transactions.Answer = ErrorCode.None;
        Assert.Equal(ErrorCode.None, await CommitInTransaction(1, 42, version: version));
    }

    [Fact]
    public async Task A_marker_that_comes_while_the_question_is_under_way_makes_the_answer_worthless()
    {
        await ElectAsync();
        transactions.Gate = new TaskCompletionSource();
        var committing = CommitInTransaction(1, 42);
        var alsoCommitting = CommitInTransaction(2, 43);
        Assert.Equal(ErrorCode.None, await End(0, commit: false, bumpsEpochs: false));
        transactions.Gate.SetResult();

        Assert.Equal(ErrorCode.InvalidTxnState, await committing);
        Assert.Equal(ErrorCode.InvalidTxnState, await alsoCommitting);
        Assert.Equal("-1, -1", await Fetched(requireStable: true));
    }

    [Fact]
    public async Task Two_questions_at_once_are_answered_for_both()
    {
        await ElectAsync();
        transactions.Gate = new TaskCompletionSource();
        var committing = CommitInTransaction(1, 42);
        var alsoCommitting = CommitInTransaction(2, 43);
        transactions.Gate.SetResult();
        Assert.Equal((ErrorCode.None, ErrorCode.None), (await committing, await alsoCommitting));
        await End(1, commit: true);
        Assert.Equal("42, 43", await Fetched(requireStable: true));
    }

    [Fact]
    public async Task Strangers_and_members_of_another_generation_commit_nothing()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.IllegalGeneration, await CommitInTransaction(1, 42, memberId: "nobody", generation: 4)); // no such group
        var member = await StableMemberAsync();
        var appends = Log.Appends;
        Assert.Equal(ErrorCode.UnknownMemberId, await CommitInTransaction(1, 42, memberId: "nobody", generation: member.GenerationId));
        Assert.Equal(ErrorCode.IllegalGeneration, await CommitInTransaction(1, 42, memberId: member.MemberId, generation: member.GenerationId + 1));
        Assert.Equal(appends, Log.Appends);
        Assert.Equal("-1, -1", await Fetched(requireStable: true));

        // A producer that names no member is believed: old ones do not know better.
        Assert.Equal(ErrorCode.None, await CommitInTransaction(2, 43));
        Assert.Equal(ErrorCode.None, await CommitInTransaction(1, 42, memberId: member.MemberId, generation: member.GenerationId));
    }

    [Fact]
    public async Task Each_partition_is_checked_for_itself()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await CommitInTransaction(4, 1));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await CommitInTransaction(-1, 1));
        Assert.Equal(ErrorCode.OffsetMetadataTooLarge, await CommitInTransaction(1, 1, metadata: new string('x', 4097)));
        Assert.Equal(0, Log.Appends);
        Assert.Equal(ErrorCode.NotCoordinator, await CommitInTransaction(1, 1, coordinator: NewCoordinator()));
    }

    [Fact]
    public async Task An_older_epoch_than_that_of_the_open_transaction_is_refused_and_so_is_a_marker_that_does_not_raise_it()
    {
        await ElectAsync();
        await CommitInTransaction(1, 42, epoch: 5);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await CommitInTransaction(1, 43, epoch: 4));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await End(5, commit: true));
        Assert.Equal("UnstableOffsetCommit, -1", await Fetched(requireStable: true));
        Assert.Equal(ErrorCode.None, await End(6, commit: true));
        Assert.Equal("42, -1", await Fetched(requireStable: true));
    }

    [Fact]
    public async Task A_marker_that_the_log_refuses_changes_nothing()
    {
        await ElectAsync();
        await CommitInTransaction(1, 42);
        Log.Refusal = ErrorCode.TransactionCoordinatorFenced;
        Assert.Equal(ErrorCode.TransactionCoordinatorFenced, await End(1, commit: true));
        Assert.Equal("UnstableOffsetCommit, -1", await Fetched(requireStable: true));
    }

    [Fact]
    public async Task Offsets_that_were_deleted_do_not_come_back_with_the_marker()
    {
        await ElectAsync();
        await Commit(2, 9);
        await CommitInTransaction(1, 42);
        await Coordinator.OffsetDelete(new() { GroupId = GroupId, Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 1 }] }] });
        Assert.Equal("-1, 9", await Fetched(requireStable: true));
        await End(1, commit: true);
        Assert.Equal("-1, 9", await Fetched(requireStable: true));

        await CommitInTransaction(1, 43, epoch: 1);
        Assert.Equal(ErrorCode.None, (await Coordinator.DeleteGroups(new() { GroupsNames = [GroupId] })).Results[0].ErrorCode);
        await End(2, commit: true);
        Assert.Equal("-1, -1", await Fetched(requireStable: true));
        Assert.Empty((await Coordinator.ListGroups(new())).Groups);
    }

    [Fact]
    public async Task Without_verification_nobody_is_asked()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.None, await CommitInTransaction(1, 42, verified: false));
        Assert.Empty(transactions.Asked);
        await End(1, commit: true);
        Assert.Equal("42, -1", await Fetched(requireStable: true));
    }

    /// <summary>
    /// Commits in and outside of transactions, their ends, and new leaders, in a random order, beside a plain list of what happened.
    /// </summary>
    [Fact]
    public async Task A_group_stands_where_the_last_commit_that_counts_has_put_it()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var log = new InMemoryLog();
            var coordinator = NewCoordinator();
            Assert.True(await coordinator.OnElected(Partition, 0, log));
            var epochs = new short[3];
            var valid = new Dictionary<int, long> { [1] = -1, [2] = -1 };
            var pending = new List<(int Producer, int Partition, long Offset, int Step)>();
            var lastPlain = new Dictionary<int, int>();
            for (var step = 1; step < 60; step++)
            {
                var (producer, partition) = (random.Next(3), random.Next(1, 3));
                switch (random.Next(10))
                {
                    case < 2:
                        await Commit(coordinator, partition, step);
                        (valid[partition], lastPlain[partition]) = (step, step);
                        break;
                    case < 6:
                        Assert.Equal(
                            ErrorCode.None,
                            await CommitInTransaction(partition, step, producerId: producer, epoch: epochs[producer], coordinator: coordinator));
                        pending.RemoveAll(one => one.Producer == producer && one.Partition == partition);
                        pending.Add((producer, partition, step, step));
                        break;
                    case < 9:
                        var commit = random.Next(2) == 0;
                        epochs[producer]++;
                        Assert.Equal(
                            ErrorCode.None,
                            await coordinator.EndTransaction(Partition, producer, epochs[producer], 0, commit, bumpsEpochs: true));
                        foreach (var one in pending.Where(one => one.Producer == producer && commit && one.Step > lastPlain.GetValueOrDefault(one.Partition)))
                            (valid[one.Partition], lastPlain[one.Partition]) = (one.Offset, one.Step);
                        pending.RemoveAll(one => one.Producer == producer);
                        break;
                    default:
                        coordinator.Dispose();
                        coordinator = NewCoordinator();
                        Assert.True(await coordinator.OnElected(Partition, step, log));
                        break;
                }

                Assert.Equal($"{valid[1]}, {valid[2]}", await Fetched(requireStable: false, coordinator));
                var stable = new[] { 1, 2 }.Select(one => pending.Any(open => open.Partition == one) ? "UnstableOffsetCommit" : $"{valid[one]}");
                Assert.Equal(string.Join(", ", stable), await Fetched(requireStable: true, coordinator));
            }

            coordinator.Dispose();
        }
    }

    private static async Task Commit(GroupCoordinator coordinator, int partition, long offset)
    {
        var response = await coordinator.OffsetCommit(
            new()
            {
                GroupId = GroupId,
                GenerationIdOrMemberEpoch = -1,
                Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = partition, CommittedOffset = offset }] }],
            },
            9);
        Assert.Equal(ErrorCode.None, ErrorOf(response));
    }

    private async Task<ErrorCode> CommitInTransaction(
        int partition, long offset, long producerId = 7, short epoch = 0, short version = 5, string memberId = "", int generation = -1,
        string? metadata = null, bool verified = true, GroupCoordinator? coordinator = null) =>
        (await (coordinator ?? Coordinator).TxnOffsetCommit(
            new()
            {
                TransactionalId = "tx",
                GroupId = GroupId,
                ProducerId = producerId,
                ProducerEpoch = epoch,
                MemberId = memberId,
                GenerationId = generation,
                Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = partition, CommittedOffset = offset, CommittedMetadata = metadata }] }],
            },
            version,
            verified ? transactions : null)).Topics[0].Partitions[0].ErrorCode;

    private ValueTask<ErrorCode> End(short epoch, bool commit, bool bumpsEpochs = true) =>
        Coordinator.EndTransaction(Partition, 7, epoch, 3, commit, bumpsEpochs);

    private async Task<string> Fetched(bool requireStable = false, GroupCoordinator? coordinator = null)
    {
        var response = await (coordinator ?? Coordinator).OffsetFetch(
            new() { GroupId = GroupId, RequireStable = requireStable, Topics = [new() { Name = "t", PartitionIndexes = [1, 2] }] }, 7);
        return string.Join(", ", response.Topics[0].Partitions.Select(
            partition => partition.ErrorCode == ErrorCode.None ? $"{partition.CommittedOffset}" : $"{partition.ErrorCode}"));
    }

    private sealed class Transactions : ITransactionPartitions
    {
        public List<(string, long, short, string, bool)> Asked { get; } = [];

        public ErrorCode Answer { get; set; }

        public TaskCompletionSource? Gate { get; set; }

        public async ValueTask<ErrorCode[]> EnsureAsync(
            string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add)
        {
            Asked.Add((transactionalId, producerId, producerEpoch, Assert.Single(partitions).ToString(), add));
            if (Gate is not null)
                await Gate.Task;
            return [Answer];
        }
    }
}
