using Milena.Coordination.Tests.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>What the coordinator does around its decisions: markers, time, and partitions that come and go.</summary>
public sealed class TransactionCoordinatorTests : TransactionFixture
{
    [Fact]
    public async Task Commits_are_answered_when_they_are_certain_and_the_markers_follow()
    {
        await ElectAsync();
        var producer = await Init();
        Assert.Equal((ErrorCode.None, 1_000, (short)0), (producer.ErrorCode, producer.ProducerId, producer.ProducerEpoch));
        Assert.Equal(ErrorCode.None, await Add(producer, T0, T1));

        Log.CommitsAtOnce = false;
        var ending = End(producer);
        Assert.False(ending.IsCompleted);
        Assert.Empty(Markers.Asked);

        Log.CommitsAtOnce = true;
        Log.EndWaits(ErrorCode.None);
        var ended = await ending;
        Assert.Equal((ErrorCode.None, 1_000, (short)1), (ended.ErrorCode, ended.ProducerId, ended.ProducerEpoch));
        Assert.Equal([(T0, 1_000L, (short)1, 5, true, (short)2), (T1, 1_000L, (short)1, 5, true, (short)2)], Markers.Asked);
        Assert.Equal("CompleteCommit", await State());
    }

    [Fact]
    public async Task Old_clients_are_told_neither_the_id_nor_the_epoch()
    {
        await ElectAsync();
        var producer = await Init();
        Assert.Equal(ErrorCode.None, await Coordinator.AddPartitions(Id, producer.ProducerId, 0, [T0]));

        var ended = await End(producer, commit: false, version: 4);

        Assert.Equal((ErrorCode.None, -1, (short)-1), (ended.ErrorCode, ended.ProducerId, ended.ProducerEpoch));
        Assert.Equal([(T0, 1_000L, (short)0, 5, false, (short)0)], Markers.Asked);
    }

    [Fact]
    public async Task Markers_that_cannot_be_written_are_tried_again_alone()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0, T1);
        Markers.Answers[T1] = ErrorCode.NotLeaderOrFollower;
        await End(producer);
        Assert.Equal("PrepareCommit", await State());

        Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal([T0, T1, T1], Markers.Asked.Select(marker => marker.Partition));
        Assert.Equal("PrepareCommit", await State());

        Markers.Answers.Clear();
        Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal("CompleteCommit", await State());
    }

    [Fact]
    public async Task A_partition_whose_topic_is_gone_needs_no_marker()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Answers[T0] = ErrorCode.UnknownTopicOrPartition;
        await End(producer);

        Known.Counts.Clear();
        Time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Single(Markers.Asked);
        Assert.Equal("CompleteCommit", await State());
    }

    [Fact]
    public async Task Markers_end_where_another_coordinator_has_taken_over()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Answers[T0] = ErrorCode.TransactionCoordinatorFenced;
        await End(producer);

        Markers.Answers.Clear();
        Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Single(Markers.Asked);
        Assert.Equal("PrepareCommit", await State());
    }

    [Fact]
    public async Task The_next_leader_finds_what_was_decided_and_carries_it_out()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Holds = true;
        await End(producer);
        Coordinator.OnResigned(Partition, 6);
        Markers.Release(ErrorCode.RequestTimedOut);
        Assert.Equal(ErrorCode.NotCoordinator, (await Describe()).ErrorCode);

        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 7, Log));

        Assert.Equal([5, 7], Markers.Asked.Select(marker => marker.CoordinatorEpoch));
        Assert.All(Markers.Asked, marker => Assert.True(marker.Commit));
        var described = await next.DescribeTransactions(new() { TransactionalIds = [Id] });
        Assert.Equal("CompleteCommit", described.TransactionStates[0].TransactionState);
    }

    [Fact]
    public async Task That_it_is_complete_is_written_as_soon_as_the_log_takes_it()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Holds = true;
        await End(producer);
        Log.Refusal = ErrorCode.NotEnoughReplicas;
        Markers.Release();
        Assert.Equal("PrepareCommit", await State());

        Log.Refusal = ErrorCode.None;
        Time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Single(Markers.Asked);
        Assert.Equal("CompleteCommit", await State());
    }

    [Fact]
    public async Task What_the_log_refuses_has_not_happened()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        foreach (var (refusal, told) in new[]
        {
            (ErrorCode.NotEnoughReplicas, ErrorCode.CoordinatorNotAvailable),
            (ErrorCode.NotLeaderOrFollower, ErrorCode.NotCoordinator),
            (ErrorCode.RecordListTooLarge, ErrorCode.UnknownServerError),
        })
        {
            Log.Refusal = refusal;
            Assert.Equal(told, (await End(producer)).ErrorCode);
            Assert.Equal(told, (await Init()).ErrorCode);
            Assert.Equal(told, await Add(producer, T1));
        }

        Log.Refusal = ErrorCode.None;
        Assert.Empty(Markers.Asked);
        var described = await Describe();
        Assert.Equal(("Ongoing", (short)0), (described.TransactionState, described.ProducerEpoch));
        Assert.Equal([0], Assert.Single(described.Topics).Partitions);
    }

    [Fact]
    public async Task Adding_waits_a_little_for_the_transaction_before()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Holds = true;
        var ended = await End(producer);
        producer.ProducerEpoch = ended.ProducerEpoch;

        var adding = Add(producer, T1);
        Assert.False(adding.IsCompleted);
        Markers.Release();
        Assert.Equal(ErrorCode.None, await adding);

        Markers.Holds = true;
        producer.ProducerEpoch = (await End(producer)).ProducerEpoch;
        adding = Add(producer, T1);
        Time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(ErrorCode.ConcurrentTransactions, await adding);
    }

    [Fact]
    public async Task The_next_outcome_is_carried_out_though_it_comes_with_the_end_of_the_one_before()
    {
        await ElectAsync();
        var producer = await Init();
        await Add(producer, T0);
        Markers.Holds = true;
        producer.ProducerEpoch = (await End(producer)).ProducerEpoch;

        // That the first is complete, and all of the second, become certain at the same moment.
        Log.CommitsAtOnce = false;
        Markers.Release();
        var adding = Add(producer, T1);
        var ending = End(producer, commit: false);
        Log.CommitsAtOnce = true;
        Log.EndWaits(ErrorCode.None);
        Assert.Equal((ErrorCode.None, ErrorCode.None), (await adding, (await ending).ErrorCode));

        while (await State() == "PrepareAbort")
            await Task.Yield();
        Assert.Equal("CompleteAbort", await State());
        Assert.Equal([(T0, true), (T1, false)], Markers.Asked.Select(marker => (marker.Partition, marker.Commit)));
    }

    [Fact]
    public async Task A_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced()
    {
        await ElectAsync();
        var producer = await Init(timeoutMs: 15_000);
        await Add(producer, T0);

        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Ongoing", await State());
        Time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([(T0, 1_000L, (short)2, 5, false, (short)2)], Markers.Asked);
        Assert.Equal("CompleteAbort", await State());
        Assert.Equal(ErrorCode.ProducerFenced, (await End(producer)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, (await End(producer, version: 1)).ErrorCode);
        Assert.Equal(ErrorCode.ProducerFenced, await Add(producer, T0));
        Assert.Equal(ErrorCode.ProducerFenced, (await Init(producer.ProducerId, producer.ProducerEpoch)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, (await Init(producer.ProducerId, producer.ProducerEpoch, version: 3)).ErrorCode);
    }

    [Fact]
    public async Task Ids_that_nobody_uses_for_a_week_are_forgotten_here_and_by_the_next_leader()
    {
        await ElectAsync();
        await Init();
        Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromHours(1));
        Assert.Equal(ErrorCode.None, (await Describe()).ErrorCode);

        Time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(ErrorCode.TransactionalIdNotFound, (await Describe()).ErrorCode);
        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 7, Log));
        Assert.Empty((await next.ListTransactions(new())).TransactionStates);
    }

    [Fact]
    public async Task Without_the_partition_or_while_it_loads_clients_are_told_to_look_or_to_wait()
    {
        Assert.Equal(ErrorCode.NotCoordinator, (await Init()).ErrorCode);
        var gate = new TaskCompletionSource();
        Log.ReadGate = gate.Task;
        var electing = Coordinator.OnElected(Partition, 5, Log);
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Init()).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Describe()).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Coordinator.ListTransactions(new())).ErrorCode);
        Assert.Equal([ErrorCode.CoordinatorLoadInProgress], await Coordinator.EnsureAsync(Id, 1, 1, [T0], add: false));
        gate.SetResult();
        Assert.True(await electing);

        Assert.False(await Coordinator.OnElected(Partition, 5, Log));
        Coordinator.OnResigned(Partition, 4);
        Assert.Equal(ErrorCode.None, (await Init()).ErrorCode);

        Coordinator.Close();
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await Init()).ErrorCode);
        Assert.False(await Coordinator.OnElected(Partition, 9, Log));
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_told_so()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.InvalidRequest, (await Init(id: "")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await Init(producerId: 5)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await Init(epoch: 5)).ErrorCode);
        foreach (var timeoutMs in new[] { 0, -1, 900_001 })
            Assert.Equal(ErrorCode.InvalidTransactionTimeout, (await Init(timeoutMs: timeoutMs)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, await Coordinator.AddPartitions("", 1, 1, [T0]));
        Assert.Equal([ErrorCode.InvalidRequest], await Coordinator.EnsureAsync("", 1, 1, [T0], add: false));
        Assert.Equal(ErrorCode.InvalidRequest, (await Coordinator.EndTxn(new() { TransactionalId = "" }, 5)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await Describe("")).ErrorCode);
        Assert.Equal(0, Log.Appends);
    }

    [Fact]
    public async Task Strangers_are_refused_and_change_nothing()
    {
        await ElectAsync();
        var nobody = new InitProducerIdResponse { ProducerId = 7, ProducerEpoch = 0 };
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await Add(nobody, T0));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await End(nobody)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await End(nobody, version: 3)).ErrorCode);
        Assert.Equal([ErrorCode.InvalidProducerIdMapping], await Coordinator.EnsureAsync(Id, 7, 0, [T0], add: false));

        var producer = await Init();
        await Add(producer, T0);
        var appends = Log.Appends;
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await Add(nobody, T1));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await End(nobody)).ErrorCode);
        Assert.Equal(ErrorCode.ProducerFenced, (await Init(7, 0)).ErrorCode);
        var ahead = new InitProducerIdResponse { ProducerId = producer.ProducerId, ProducerEpoch = 9 };
        Assert.Equal(ErrorCode.ProducerFenced, await Add(ahead, T1));
        Assert.Equal(ErrorCode.ProducerFenced, (await End(ahead)).ErrorCode);
        Assert.Equal(ErrorCode.ProducerFenced, (await End(ahead, version: 4)).ErrorCode);
        Assert.Equal(
            [ErrorCode.None, ErrorCode.TransactionAbortable],
            await Coordinator.EnsureAsync(Id, producer.ProducerId, producer.ProducerEpoch, [T0, T1], add: false));
        Assert.Equal(appends, Log.Appends);
        Assert.Equal("Ongoing", await State());
    }

    [Fact]
    public async Task Without_a_new_producer_id_nothing_is_decided()
    {
        await ElectAsync();
        NoProducerIds = ErrorCode.CoordinatorLoadInProgress;

        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Init()).ErrorCode);

        Assert.Equal(ErrorCode.TransactionalIdNotFound, (await Describe()).ErrorCode);
    }

    [Fact]
    public async Task Two_that_begin_at_once_get_an_epoch_each()
    {
        await ElectAsync();
        var answers = await Task.WhenAll(Init(), Init(), Init());

        Assert.Equal([0, 1, 2], answers.Select(answer => (int)answer.ProducerEpoch).Order());
        Assert.Single(answers.Select(answer => answer.ProducerId).Distinct());
    }

    [Fact]
    public async Task Records_are_flexible_once_the_cluster_has_said_that_they_may_be()
    {
        TransactionVersion = 0;
        await ElectAsync();
        await Init();
        TransactionVersion = 1;
        await Init();

        var versions = new List<short>();
        await foreach (var piece in Log.Read(Log.EndOffset))
        {
            using var scratch = new Milena.Protocol.Compression.PooledBuffer();
            foreach (var batch in Milena.Protocol.Records.RecordBatches.Enumerate(piece.Span))
            {
                foreach (var record in batch.ReadRecords(scratch, 1 << 20))
                    versions.Add(System.Buffers.Binary.BinaryPrimitives.ReadInt16BigEndian(record.Value.Span));
            }
        }
        Assert.Equal([0, 1], versions.Select(version => (int)version));
    }
}
