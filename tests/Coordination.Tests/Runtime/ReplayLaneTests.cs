using System.Collections.Immutable;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Tests.Runtime;

/// <summary>A lane over the simplest of machines: its state is the list of the words written so far.</summary>
public class ReplayLaneTests
{
    private static readonly ReplayModel<ImmutableList<string>, string> Words =
        new([], (words, records) => words.AddRange(records)) { IsVolatile = word => word.StartsWith('~') };

    private readonly FakeReplayLog<string> log = new();
    private int closings;
    private readonly ReplayLane<ImmutableList<string>, string> lane;

    public ReplayLaneTests() => lane = new(Words, LaneErrors.Coordinator, onClosed: () => closings++);

    [Fact]
    public async Task A_decision_is_appended_applied_and_answered_when_committed()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;

        var answer = Write("a");

        Assert.Equal(["a"], log.Records);
        Assert.Equal(["a"], Peek());
        Assert.False(answer.IsCompleted);
        log.CommitUpTo(1);
        Assert.Equal("a", await answer);
    }

    [Fact]
    public async Task A_decision_sees_what_is_on_its_way()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;

        _ = Write("a");
        var read = Read();

        log.CommitUpTo(1);
        Assert.Equal("a", await read);
    }

    [Fact]
    public async Task A_decision_without_records_waits_for_what_was_appended_before_it()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;
        _ = Write("a");

        var read = Read();

        Assert.False(read.IsCompleted);
        log.CommitUpTo(1);
        Assert.Equal("a", await read);
    }

    [Fact]
    public async Task A_decision_without_records_is_answered_at_once_when_all_is_committed()
    {
        await OpenAsync();
        await Write("a");

        var read = lane.Execute(Reading, Refused);

        Assert.True(read.IsCompletedSuccessfully);
        Assert.Equal([1], log.Appends);
    }

    [Fact]
    public async Task A_lone_decision_without_records_allocates_only_what_it_decides()
    {
        await OpenAsync();
        var decision = new Decision<string, string>("same");
        Func<ImmutableList<string>, Decision<string, string>> decide = _ => decision;
        Func<ErrorCode, string> refuse = Refused;
        _ = lane.Execute(decide, refuse);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            _ = lane.Execute(decide, refuse);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Answers_come_in_the_order_of_the_decisions()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;
        var answers = new List<Task<string>> { Write("a"), Read(), Write("b"), Read(), Write("c") };

        log.CommitUpTo(1);
        await answers[1];
        Assert.Equal([true, true, false, false, false], answers.Select(answer => answer.IsCompleted));

        log.CommitUpTo(3);
        Assert.Equal(["a", "a", "b", "a b", "c"], await Task.WhenAll(answers));
    }

    [Fact]
    public async Task A_refused_append_changes_nothing_and_its_caller_gets_the_mapped_error()
    {
        await OpenAsync();
        await Write("a");
        log.Refusal = _ => ErrorCode.NotEnoughReplicas;

        Assert.Equal("CoordinatorNotAvailable", await Write("b"));

        Assert.Equal(["a"], Peek());
        log.Refusal = _ => ErrorCode.None;
        Assert.Equal("c", await Write("c"));
        Assert.Equal(["a", "c"], log.Records);
    }

    [Theory]
    [InlineData(ErrorCode.UnknownTopicOrPartition, "CoordinatorNotAvailable")]
    [InlineData(ErrorCode.NotEnoughReplicas, "CoordinatorNotAvailable")]
    [InlineData(ErrorCode.RequestTimedOut, "CoordinatorNotAvailable")]
    [InlineData(ErrorCode.NotLeaderOrFollower, "NotCoordinator")]
    [InlineData(ErrorCode.KafkaStorageError, "NotCoordinator")]
    [InlineData(ErrorCode.MessageTooLarge, "UnknownServerError")]
    [InlineData(ErrorCode.RecordListTooLarge, "UnknownServerError")]
    [InlineData(ErrorCode.InvalidFetchSize, "UnknownServerError")]
    public async Task What_the_log_says_is_told_to_clients_of_a_coordinator_in_their_terms(ErrorCode refusal, string told)
    {
        await OpenAsync();
        log.Refusal = _ => refusal;

        Assert.Equal(told, await Write("a"));
    }

    [Fact]
    public async Task Decisions_that_gather_during_an_append_share_the_next_one()
    {
        await OpenAsync();
        var gathered = new List<Task<string>>();
        log.DuringAppend = () => gathered.AddRange([Write("b"), Read(), Write("c")]);

        await Write("a");

        Assert.Equal(["b", "a b", "c"], await Task.WhenAll(gathered));
        Assert.Equal([1, 2], log.Appends);
    }

    [Fact]
    public async Task A_refused_batch_is_decided_again_one_by_one_so_that_only_the_culprit_suffers()
    {
        await OpenAsync();
        log.Refusal = records => records.Contains("huge") ? ErrorCode.MessageTooLarge : ErrorCode.None;
        var gathered = new List<Task<string>>();
        log.DuringAppend = () => gathered.AddRange([Write("b"), Write("huge"), Read(), Write("c")]);

        await Write("a");

        Assert.Equal(["b", "UnknownServerError", "a b", "c"], await Task.WhenAll(gathered));
        Assert.Equal(["a", "b", "c"], log.Records);
        Assert.Equal(["a", "b", "c"], Peek());
    }

    [Fact]
    public async Task A_caller_does_not_serve_others_for_ever()
    {
        var own = new ReplayLane<ImmutableList<string>, string>(
            Words, LaneErrors.Coordinator, new LaneLimits(DecisionsPerAppendMax: 1, AppendsPerTurnMax: 2));
        Assert.True(await own.Open(log, log.Replay(), 0));
        var gathered = new List<Task<string>>();
        log.DuringAppend = () =>
        {
            for (var i = 0; i < 10; i++)
                gathered.Add(own.Execute(Writing($"{i}"), Refused).AsTask());
        };

        Assert.Equal("a", await own.Execute(Writing("a"), Refused));

        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), await Task.WhenAll(gathered));
        Assert.Equal(11, log.Appends.Count);
    }

    [Fact]
    public async Task A_queue_that_is_full_says_so()
    {
        var small = new ReplayLane<ImmutableList<string>, string>(Words, LaneErrors.Coordinator, new LaneLimits(QueuedMax: 1));
        Assert.True(await small.Open(log, log.Replay(), 0));
        var gathered = new List<Task<string>>();
        log.DuringAppend = () =>
        {
            gathered.Add(small.Execute(Writing("b"), Refused).AsTask());
            gathered.Add(small.Execute(Writing("c"), Refused).AsTask());
        };

        await small.Execute(Writing("a"), Refused);

        Assert.Equal(["b", "CoordinatorNotAvailable"], await Task.WhenAll(gathered));
    }

    [Fact]
    public async Task Volatile_records_are_applied_but_not_written()
    {
        await OpenAsync();

        await Write("~waiting");
        await lane.Execute(_ => new("", "~gone", "a"), Refused);

        Assert.Equal(["~waiting", "~gone", "a"], Peek());
        Assert.Equal(["a"], log.Records);
    }

    [Fact]
    public async Task A_decision_that_throws_reaches_its_caller_and_harms_nobody_else()
    {
        await OpenAsync();
        var gathered = new List<Task<string>>();
        log.DuringAppend = () => gathered.AddRange([Fault(), Write("b")]);

        await Write("a");

        await Assert.ThrowsAsync<InvariantViolation>(() => gathered[0]);
        Assert.Equal("b", await gathered[1]);
        await Assert.ThrowsAsync<InvariantViolation>(Fault);
        Assert.Equal(["a", "b"], Peek());

        Task<string> Fault() => lane.Execute<string>(_ => throw new InvariantViolation("a bug"), Refused).AsTask();
    }

    [Fact]
    public async Task A_log_that_throws_reaches_the_caller_and_nothing_is_applied()
    {
        await OpenAsync();
        log.Refusal = _ => throw new IOException("disk");

        await Assert.ThrowsAsync<IOException>(() => Write("a"));

        Assert.Empty(Peek());
        log.Refusal = _ => ErrorCode.None;
        Assert.Equal("b", await Write("b"));
    }

    [Fact]
    public async Task Lost_leadership_drops_the_state_and_tells_everyone_who_waits()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;
        var answers = new[] { Write("a"), Read(), Write("b") };

        log.LoseLeadership();

        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal("NotCoordinator", answer));
        Assert.Equal(LaneStatus.Closed, lane.Status);
        Assert.False(lane.TryPeek(out _));
        Assert.Equal("NotCoordinator", await Write("c"));
        Assert.Equal(1, closings);
    }

    [Fact]
    public async Task Resigning_tells_those_who_wait_and_those_who_come_later()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;
        var waiting = Write("a");

        lane.Close();

        Assert.Equal("NotCoordinator", await waiting);
        Assert.Equal("NotCoordinator", await Read());
        Assert.Equal(1, closings);
    }

    [Fact]
    public async Task Leadership_that_goes_during_an_append_is_told_to_all_of_the_turn()
    {
        await OpenAsync();
        Task<string>? gathered = null;
        log.DuringAppend = () =>
        {
            gathered = Write("b");
            lane.Close();
        };

        Assert.Equal("NotCoordinator", await Write("a"));
        Assert.Equal("NotCoordinator", await gathered!);
    }

    [Fact]
    public async Task A_commit_of_a_former_term_does_not_touch_the_present_one()
    {
        await OpenAsync();
        log.CommitsAtOnce = false;
        var before = Write("a");
        lane.Close();
        var next = new FakeReplayLog<string> { CommitsAtOnce = false };
        Assert.True(await lane.Open(next, next.Replay(), 0));
        var after = Write("b");

        log.CommitUpTo(1);

        Assert.Equal("NotCoordinator", await before);
        Assert.False(after.IsCompleted);
        next.CommitUpTo(1);
        Assert.Equal("b", await after);
    }

    [Fact]
    public async Task While_loading_callers_are_told_so()
    {
        await OpenAsync();
        await Write("a");
        lane.Close();
        var gate = new TaskCompletionSource();

        var opening = lane.Open(log, log.Replay(gate.Task), 1);

        Assert.Equal(LaneStatus.Loading, lane.Status);
        Assert.Equal("CoordinatorLoadInProgress", await Read());
        gate.SetResult();
        Assert.True(await opening);
        Assert.Equal("a", await Read());
    }

    [Fact]
    public async Task A_lane_opens_when_what_it_replayed_is_committed()
    {
        log.Records.Add("a");
        var opening = lane.Open(log, log.Replay(), 1);
        Assert.Equal(LaneStatus.Loading, lane.Status);

        log.CommitUpTo(1);

        Assert.True(await opening);
        Assert.Equal("a", await Read());
    }

    [Fact]
    public async Task Loading_ends_quietly_when_leadership_goes_meanwhile()
    {
        var gate = new TaskCompletionSource();
        log.Records.Add("a");
        var opening = lane.Open(log, log.Replay(gate.Task), 1);

        lane.Close();
        gate.SetResult();

        Assert.False(await opening);
        Assert.Equal(LaneStatus.Closed, lane.Status);
    }

    [Fact]
    public async Task A_log_that_cannot_be_replayed_leaves_the_lane_closed()
    {
        await Assert.ThrowsAsync<MalformedMessageException>(() => lane.Open(log, Broken(), 1));

        Assert.Equal(LaneStatus.Closed, lane.Status);
        Assert.Equal("NotCoordinator", await Read());

        static async IAsyncEnumerable<IReadOnlyList<string>> Broken()
        {
            await Task.CompletedTask;
            yield return ["a"];
            throw new MalformedMessageException("a record that is none");
        }
    }

    [Fact]
    public async Task Many_callers_at_once_lose_nothing_and_repeat_nothing()
    {
        await OpenAsync();
        const int Callers = 4, Each = 500;

        var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++)
                Assert.Equal($"{caller}:{i}", await Write($"{caller}:{i}"));
            return caller;
        })));

        Assert.Equal(Callers, answers.Length);
        Assert.Equal(Callers * Each, log.Records.Distinct().Count());
        Assert.Equal(log.Records, Peek());
        for (var caller = 0; caller < Callers; caller++)
        {
            var own = log.Records.Where(word => word.StartsWith($"{caller}:")).ToArray();
            Assert.Equal(Enumerable.Range(0, Each).Select(i => $"{caller}:{i}"), own);
        }
    }

    private async Task OpenAsync() => Assert.True(await lane.Open(log, log.Replay(), log.Records.Count));

    private ImmutableList<string> Peek() => lane.TryPeek(out var words) ? words : throw new InvalidOperationException("not open");

    private Task<string> Write(string word) => lane.Execute(Writing(word), Refused).AsTask();

    private Task<string> Read() => lane.Execute(Reading, Refused).AsTask();

    private static Func<ImmutableList<string>, Decision<string, string>> Writing(string word) => _ => new(word, word);

    private static Decision<string, string> Reading(ImmutableList<string> words) => new(string.Join(' ', words));

    private static string Refused(ErrorCode error) => error.ToString();
}
