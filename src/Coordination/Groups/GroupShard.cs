using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Groups;

/// <summary>
/// One partition of <c>__consumer_offsets</c>: its lane, the calls that wait in its groups, and its timer. It carries what the pure
/// turns decide, and decides nothing itself.
/// </summary>
internal sealed class GroupShard : IDisposable
{
    /// <summary>The wake-up for offsets that have become too old. No group can be joined under this name.</summary>
    private const string OffsetsCheck = "";

    private readonly int partition;
    private readonly ConsumerParts parts;
    private readonly GroupConfig config;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly GroupCounters counters;
    private readonly ParkedCalls parked = new();
    private readonly WakeUps wakeUps;
    private readonly ReplayLane<GroupsState, GroupEvent> lane;
    private volatile bool isDisposed;

    public GroupShard(int partition, ConsumerParts parts, GroupCounters counters, TimeProvider time, ILogger logger)
    {
        this.partition = partition;
        this.parts = parts;
        this.counters = counters;
        config = parts.Config;
        this.time = time;
        this.logger = logger;
        wakeUps = new WakeUps(time, Wake);
        var model = new ReplayModel<GroupsState, GroupEvent>(GroupsState.Empty, GroupsState.Apply)
        {
            IsVolatile = static step => step is GroupChanged or TransactionInquired,
        };
        lane = new(model, LaneErrors.Coordinator, onClosed: OnClosed);
    }

    public ParkedCalls Parked => parked;

    /// <summary>Where the lane is in its life.</summary>
    public LaneStatus Status => lane.Status;

    /// <summary>What there is, for reports; null if it is not served.</summary>
    public GroupsState? Peek() => lane.TryPeek(out var state) ? state : null;

    public GroupTime Now => new(wakeUps.NowMs, time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Loads the partition and serves it; false if it was lost meanwhile.</summary>
    public async Task<bool> Open(ICoordinatorLog log)
    {
        try
        {
            var started = Now;
            var endOffset = log.EndOffset;
            if (!await lane.Open(new GroupRecordLog(log, time, config, counters), GroupRecordLog.Replay(log.Read(endOffset)), endOffset).ConfigureAwait(false))
                return false;
            if (isDisposed)
                lane.Close(); // resigned before the loading had begun
            if (!lane.TryPeek(out var state))
                return false;
            foreach (var group in state.Groups.Values.Where(group => group.MemberCount > 0))
                await Turn(group.Id, Turning.StartSessions).ConfigureAwait(false);
            wakeUps.SetNoLaterThan(OffsetsCheck, Now.Ms + config.OffsetsRetentionCheckIntervalMs);
            counters.LoadTimes?.Invoke(Now.Ms - started.Ms);
            Log.Loaded(logger, partition, state.Groups.Count, Now.Ms - started.Ms);
            return true;
        }
        catch (Exception fault)
        {
            counters.FailLoad();
            Log.LoadFailed(logger, partition, fault);
            throw;
        }
    }

    /// <summary>Decides without a group's turn: reads, and changes of offsets.</summary>
    public ValueTask<TResponse> Execute<TResponse>(
        Func<GroupsState, Decision<TResponse, GroupEvent>> decide, Func<ErrorCode, TResponse> refuse) => lane.Execute(decide, refuse);

    /// <summary>Runs one turn of a group and hands out the answers that came of it, to whomever they are due.</summary>
    /// <param name="groupId">The group.</param>
    /// <param name="act">Begins the turn that fits the group as it is, acts in it, and gives the answer to the caller.</param>
    /// <param name="refuse">The answer that carries an error.</param>
    public async ValueTask<TResponse> Turn<TResponse>(
        string groupId, Func<GroupScene, TResponse> act, Func<ErrorCode, TResponse> refuse)
    {
        var turned = await lane.Execute(Decide, error => new Turned<TResponse>(refuse(error), [], null, null)).ConfigureAwait(false);
        parked.Answer(turned.Replies);
        LogMove(turned.Before, turned.After);
        return turned.Response;

        Decision<Turned<TResponse>, GroupEvent> Decide(GroupsState state)
        {
            var scene = new GroupScene(groupId, state.Find(groupId), parts, Now);
            var response = act(scene);
            if (scene.Turn is not { } turn)
                return new(new Turned<TResponse>(response, [], null, null));
            var decision = turn.Decide(response);
            // A hint only, so it may be given before the turn is known to be written.
            wakeUps.SetNoLaterThan(groupId, turn.WakeAtMs);
            return decision;
        }
    }

    /// <summary>Decides on a consumer group by a turn of which nobody but the caller gets an answer.</summary>
    public Decision<TResponse, GroupEvent> Beat<TResponse>(ConsumerGroup group, Func<ConsumerTurn, TResponse> act)
    {
        var turn = new ConsumerTurn(group, parts, Now);
        var decision = turn.Decide(act(turn));
        wakeUps.SetNoLaterThan(group.Id, turn.WakeAtMs);
        return new(decision.Response.Response, decision.Records);
    }

    public void Dispose()
    {
        isDisposed = true;
        lane.Close();
        wakeUps.Dispose();
    }

    private ValueTask<ErrorCode> Turn(string groupId, Action<GroupScene> act) => Turn(
        groupId,
        scene =>
        {
            act(scene);
            return ErrorCode.None;
        },
        refuse: error => error);

    private void Wake(IReadOnlyList<string> due)
    {
        foreach (var key in due)
            _ = key == OffsetsCheck ? CheckOffsets() : Tick(key);
    }

    private async Task Tick(string groupId)
    {
        try
        {
            if (await Turn(groupId, Turning.Tick).ConfigureAwait(false) != ErrorCode.None && lane.Status == LaneStatus.Open)
                wakeUps.SetNoLaterThan(groupId, Now.Ms + config.RetryMs);
        }
        catch (Exception fault)
        {
            Log.TimerFailed(logger, groupId, fault);
            wakeUps.SetNoLaterThan(groupId, Now.Ms + config.RetryMs);
        }
    }

    private async Task CheckOffsets()
    {
        wakeUps.SetNoLaterThan(OffsetsCheck, Now.Ms + config.OffsetsRetentionCheckIntervalMs);
        if (!lane.TryPeek(out var state))
            return;
        foreach (var groupId in state.Groups.Keys)
        {
            try
            {
                var count = await lane.Execute(
                    current => OffsetRemovals.Expire(current, groupId, config, Now.UnixMs), static _ => 0).ConfigureAwait(false);
                counters.Expire(count);
                if (count > 0)
                    Log.OffsetsExpired(logger, groupId, count);
            }
            catch (Exception fault)
            {
                Log.TimerFailed(logger, groupId, fault);
            }
        }
    }

    private void OnClosed()
    {
        // All fifty partitions go when a node stops; those where nobody waited are no news.
        Log.Lost(logger, parked.Count > 0 ? LogLevel.Information : LogLevel.Debug, partition, parked.Count);
        parked.RefuseAll(ErrorCode.NotCoordinator);
    }

    private void LogMove(Group? before, Group? after)
    {
        if (before is null || after is null || ReferenceEquals(before, after))
            return;
        var (from, to) = (before.StateName, after.StateName);
        counters.CountRebalances(before, after);
        if (from != to || before.Generation != after.Generation || before.Type != after.Type)
            Log.GroupMoved(logger, after.Id, after.Type, from, to, after.Generation, after.MemberCount);
    }

    private static class Turning
    {
        public static readonly Action<GroupScene> StartSessions = static scene =>
        {
            if (scene.Group is ClassicGroup classic)
                scene.Begin(classic).StartSessions();
            else if (scene.Group is ConsumerGroup consumer)
                scene.Begin(consumer).StartSessions();
        };

        public static readonly Action<GroupScene> Tick = static scene =>
        {
            if (scene.Group is ClassicGroup classic)
                scene.Begin(classic).Tick();
            else if (scene.Group is ConsumerGroup consumer)
                scene.Begin(consumer).Tick();
        };
    }
}
