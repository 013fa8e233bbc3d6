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
    private readonly GroupConfig config;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ParkedCalls parked = new();
    private readonly WakeUps wakeUps;
    private readonly ReplayLane<GroupsState, GroupEvent> lane;
    private volatile bool isDisposed;

    public GroupShard(int partition, GroupConfig config, TimeProvider time, ILogger logger)
    {
        this.partition = partition;
        this.config = config;
        this.time = time;
        this.logger = logger;
        wakeUps = new WakeUps(time, Wake);
        var model = new ReplayModel<GroupsState, GroupEvent>(GroupsState.Empty, GroupsState.Apply)
        {
            IsVolatile = static step => step is ClassicGroupChanged or TransactionInquired,
        };
        lane = new(model, LaneErrors.Coordinator, onClosed: OnClosed);
    }

    public ParkedCalls Parked => parked;

    public GroupTime Now => new(wakeUps.NowMs, time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Loads the partition and serves it; false if it was lost meanwhile.</summary>
    public async Task<bool> Open(ICoordinatorLog log)
    {
        try
        {
            var started = Now;
            var endOffset = log.EndOffset;
            if (!await lane.Open(new GroupRecordLog(log, time, config), GroupRecordLog.Replay(log.Read(endOffset)), endOffset).ConfigureAwait(false))
                return false;
            if (isDisposed)
                lane.Close(); // resigned before the loading had begun
            if (!lane.TryPeek(out var state))
                return false;
            foreach (var group in state.Groups.Values.OfType<ClassicGroup>().Where(group => !group.Members.IsEmpty))
                await Turn(group.Id, Turning.StartSessions).ConfigureAwait(false);
            wakeUps.SetNoLaterThan(OffsetsCheck, Now.Ms + config.OffsetsRetentionCheckIntervalMs);
            Log.Loaded(logger, partition, state.Groups.Count, Now.Ms - started.Ms);
            return true;
        }
        catch (Exception fault)
        {
            Log.LoadFailed(logger, partition, fault);
            throw;
        }
    }

    /// <summary>Decides without a group's turn: reads, and changes of offsets.</summary>
    public ValueTask<TResponse> Execute<TResponse>(
        Func<GroupsState, Decision<TResponse, GroupEvent>> decide, Func<ErrorCode, TResponse> refuse) => lane.Execute(decide, refuse);

    /// <summary>
    /// Runs one turn of a group and hands out the answers that came of it, to whomever they are due.
    /// </summary>
    /// <param name="groupId">The group.</param>
    /// <param name="act">What happens in the turn, and the answer to the caller.</param>
    /// <param name="missing">The answer without a group.</param>
    /// <param name="refuse">The answer that carries an error.</param>
    /// <param name="create">Whether to make a group that is missing, instead.</param>
    public async ValueTask<TResponse> Turn<TResponse>(
        string groupId, Func<ClassicTurn, TResponse> act, Func<TResponse> missing, Func<ErrorCode, TResponse> refuse, Func<bool>? create = null)
    {
        var turned = await lane.Execute(Decide, error => new Turned<TResponse>(refuse(error), [], null, null)).ConfigureAwait(false);
        parked.Answer(turned.Replies);
        LogMove(turned.Before, turned.After);
        return turned.Response;

        Decision<Turned<TResponse>, GroupEvent> Decide(GroupsState state)
        {
            var known = state.Find(groupId) as ClassicGroup;
            if (known is null && create?.Invoke() != true)
                return new(new Turned<TResponse>(missing(), [], null, null));
            var turn = new ClassicTurn(known ?? new ClassicGroup(groupId), config, Now);
            if (known is null)
                turn.Create();
            var response = act(turn);
            // A hint only, so it may be given before the turn is known to be written.
            wakeUps.SetNoLaterThan(groupId, turn.WakeAtMs);
            return turn.Decide(response);
        }
    }

    public void Dispose()
    {
        isDisposed = true;
        lane.Close();
        wakeUps.Dispose();
    }

    private ValueTask<ErrorCode> Turn(string groupId, Action<ClassicTurn> act) => Turn(
        groupId,
        turn =>
        {
            act(turn);
            return ErrorCode.None;
        },
        missing: () => ErrorCode.None,
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

    private void LogMove(ClassicGroup? before, ClassicGroup? after)
    {
        if (before is not null && after is not null && (before.State != after.State || before.Generation != after.Generation))
            Log.GroupMoved(logger, after.Id, before.StateName, after.StateName, after.Generation, after.Members.Count);
    }

    private static class Turning
    {
        public static readonly Action<ClassicTurn> StartSessions = static turn => turn.StartSessions();
        public static readonly Action<ClassicTurn> Tick = static turn => turn.Tick();
    }
}
