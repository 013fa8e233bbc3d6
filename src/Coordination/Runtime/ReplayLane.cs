using System.Diagnostics.CodeAnalysis;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Runtime;

/// <summary>
/// The runtime of everything that is a fold over one partition. Decisions are made one at a time on the latest state; their
/// records are appended and applied at once, so that the next decision is made on what is already on its way; the answer leaves
/// when the records are committed. Loading is replay of the log, and losing the partition is forgetting the state.
/// </summary>
/// <remarks>
/// <para>A lane has no worker of its own. A caller that finds it idle decides by itself; callers that come meanwhile leave their
/// work, and the one at work takes all that has gathered as one batch with one append. So a lone caller waits for nobody, and the
/// busier the log the larger the batches.</para>
/// <para>Decisions must be pure: a batch that the log refuses is decided again one by one, so that a record that is too large
/// harms only the caller who brought it.</para>
/// <para>Life: closed, <see cref="Open"/>, loading, open, and closed again by <see cref="Close"/> or by the log saying that what
/// was appended will not be committed. <see cref="term"/> tells the lives apart.</para>
/// </remarks>
public sealed class ReplayLane<TState, TRecord>
{
    private readonly ReplayModel<TState, TRecord> model;
    private readonly LaneErrors errors;
    private readonly LaneLimits limits;
    private readonly Action onClosed;

    // Guarded by the gate, which is never held while a decision, an append or a wait is under way.
    private readonly Lock gate = new();
    private readonly Queue<LaneWork<TState, TRecord>> queued = new();
    private readonly Queue<(long EndOffset, LaneWork<TState, TRecord> Work)> unanswered = new();
    private LaneStatus status = LaneStatus.Closed;
    private long term;
    private bool turnTaken;
    private TState latest;
    private IReplayLog<TRecord>? log;
    private long appended;
    private long committed;

    // Owned by whoever holds the turn.
    private readonly List<LaneWork<TState, TRecord>> taken = [];
    private readonly List<LaneWork<TState, TRecord>> batch = [];

    /// <param name="model">The state machine.</param>
    /// <param name="errors">What callers are told when the lane cannot serve them.</param>
    /// <param name="limits">How much it takes on.</param>
    /// <param name="onClosed">Called, outside of any lock, each time an open or loading lane has dropped its state.</param>
    public ReplayLane(ReplayModel<TState, TRecord> model, LaneErrors errors, LaneLimits? limits = null, Action? onClosed = null)
    {
        this.model = model;
        this.errors = errors;
        this.limits = limits ?? new LaneLimits();
        this.onClosed = onClosed ?? (static () => { });
        latest = model.Empty;
    }

    /// <summary>Where the lane is in its life; another thread may move it at any moment.</summary>
    public LaneStatus Status
    {
        get
        {
            lock (gate)
                return status;
        }
    }

    /// <summary>
    /// The newest state, with changes that may not be committed yet; false if the lane is not open. For reports and tests:
    /// whoever answers a client goes through <see cref="Execute"/>.
    /// </summary>
    public bool TryPeek([MaybeNullWhen(false)] out TState state)
    {
        lock (gate)
        {
            state = latest;
            return status == LaneStatus.Open;
        }
    }

    /// <summary>
    /// Leadership has arrived: replays the log and then serves. A lane that was open before forgets that state first.
    /// </summary>
    /// <param name="partition">Where to append from now on.</param>
    /// <param name="replay">The records of the partition, in order, in pieces of any size.</param>
    /// <param name="endOffset">The end of <paramref name="replay"/>; the lane opens when all below it is committed.</param>
    /// <returns>True when the lane is open; false if leadership was lost meanwhile.</returns>
    /// <exception cref="Exception">What <paramref name="replay"/> threw. The lane is closed again.</exception>
    public async Task<bool> Open(
        IReplayLog<TRecord> partition, IAsyncEnumerable<IReadOnlyList<TRecord>> replay, long endOffset)
    {
        Close();
        long current;
        lock (gate)
        {
            current = ++term;
            status = LaneStatus.Loading;
        }

        try
        {
            var state = model.Empty;
            await foreach (var records in replay.ConfigureAwait(false))
            {
                if (IsOver(current))
                    return false;
                state = model.Apply(state, records);
            }

            if (await partition.Committed(endOffset).ConfigureAwait(false) != ErrorCode.None)
            {
                Close(current);
                return false;
            }

            lock (gate)
            {
                if (term != current)
                    return false;
                status = LaneStatus.Open;
                latest = state;
                log = partition;
                appended = committed = endOffset;
                return true;
            }
        }
        catch when (!IsOver(current))
        {
            Close(current);
            throw;
        }
        catch (Exception)
        {
            return false; // a log that is no longer ours may well fail to be read
        }
    }

    /// <summary>Leadership is gone: drops the state, and tells everyone who waits.</summary>
    public void Close()
    {
        long current;
        lock (gate)
            current = term;
        Close(current);
    }

    /// <summary>
    /// Decides on the latest state, appends and applies what was decided, and answers when it is committed.
    /// </summary>
    /// <param name="decide">
    /// Pure; may be asked more than once. What it throws reaches the caller, and nothing has changed.
    /// </param>
    /// <param name="refuse">The answer that carries the given error: not led here, loading, busy, or the append was refused.</param>
    public ValueTask<TResponse> Execute<TResponse>(
        Func<TState, Decision<TResponse, TRecord>> decide, Func<ErrorCode, TResponse> refuse)
    {
        var obstacle = ErrorCode.None;
        TState state;
        bool allCommitted;
        lock (gate)
        {
            state = latest;
            allCommitted = committed >= appended;
            if (status != LaneStatus.Open)
                obstacle = status == LaneStatus.Loading ? errors.Loading : errors.NotLeader;
            else if (!turnTaken)
                turnTaken = true;
            else if (queued.Count >= limits.QueuedMax)
                obstacle = errors.Busy;
            else
            {
                var waiting = new LaneWork<TState, TRecord, TResponse>(decide, refuse);
                queued.Enqueue(waiting);
                return waiting.Answered;
            }
        }

        return obstacle == ErrorCode.None ? InOwnTurn(state, allCommitted, decide, refuse) : new(refuse(obstacle));
    }

    // The quick way of a lone caller: if the decision writes nothing and nothing is on its way, it is the answer.
    private ValueTask<TResponse> InOwnTurn<TResponse>(
        TState state, bool allCommitted, Func<TState, Decision<TResponse, TRecord>> decide, Func<ErrorCode, TResponse> refuse)
    {
        var work = (LaneWork<TState, TRecord, TResponse>?)null;
        try
        {
            var decision = decide(state);
            if (decision.Records.Length == 0 && allCommitted)
                return new(decision.Response);
            work = new LaneWork<TState, TRecord, TResponse>(decide, refuse, decision);
            taken.Add(work);
            DecideTaken();
            return work.Answered;
        }
        catch (Exception fault) when (work is null)
        {
            return ValueTask.FromException<TResponse>(fault);
        }
        finally
        {
            EndTurn();
        }
    }

    // Serves what has gathered meanwhile, and gives the turn back.
    private void EndTurn()
    {
        for (var appends = 0; appends < limits.AppendsPerTurnMax; appends++)
        {
            if (!TakeQueued())
                return;
            DecideTaken();
        }

        _ = GoOnLater();

        async Task GoOnLater()
        {
            await Task.Yield();
            EndTurn();
        }
    }

    // Either there is work in `taken`, or the turn is given back.
    private bool TakeQueued()
    {
        lock (gate)
        {
            while (taken.Count < limits.DecisionsPerAppendMax && queued.TryDequeue(out var work))
                taken.Add(work);
            return turnTaken = taken.Count > 0;
        }
    }

    private void DecideTaken()
    {
        if (!TryDecide(taken))
        {
            // Refused as a batch: each for itself, on the state without the others.
            foreach (var work in batch.ToArray())
            {
                work.Forget();
                TryDecide([work]);
            }
        }
        taken.Clear();
    }

    // False only for several decisions whose common append was refused; nothing has changed then.
    private bool TryDecide(IReadOnlyList<LaneWork<TState, TRecord>> works)
    {
        TState state;
        IReplayLog<TRecord>? partition;
        long current;
        lock (gate)
        {
            state = latest;
            partition = log;
            current = partition is null ? -1 : term;
        }

        batch.Clear();
        var written = new List<TRecord>();
        foreach (var work in works)
        {
            if (!work.TryDecide(model, ref state))
                continue;
            batch.Add(work);
            foreach (var record in work.Records)
            {
                if (!model.IsVolatile(record))
                    written.Add(record);
            }
        }

        var outcome = AppendOutcome.Appended(0);
        if (written.Count > 0 && partition is not null && !TryAppend(partition, written, out outcome))
            return true;
        if (outcome.Error != ErrorCode.None)
        {
            if (batch.Count > 1)
                return false;
            batch[0].Refuse(errors.OfRefusedAppend(outcome.Error));
            return true;
        }

        if (!Publish(current, state, written.Count > 0 ? outcome.EndOffset : null))
            return true;
        if (written.Count > 0)
            AwaitCommit(partition!, outcome.EndOffset, current);
        return true;
    }

    // A log that throws has a fault that the edge must log: its callers get the exception, and nothing was applied.
    private bool TryAppend(IReplayLog<TRecord> partition, List<TRecord> records, out AppendOutcome outcome)
    {
        try
        {
            outcome = partition.Append(records);
            return true;
        }
        catch (Exception fault)
        {
            foreach (var work in batch)
                work.Fail(fault);
            outcome = default;
            return false;
        }
    }

    private bool Publish(long current, TState state, long? endOffset)
    {
        lock (gate)
        {
            if (term == current)
            {
                latest = state;
                if (endOffset is { } end)
                {
                    Invariant.Holds(end > appended);
                    appended = end;
                }
                foreach (var work in batch)
                {
                    if (committed >= appended)
                        work.Answer();
                    else
                        unanswered.Enqueue((appended, work));
                }
                return true;
            }
        }

        // Leadership went while we decided.
        foreach (var work in batch)
            work.Refuse(errors.NotLeader);
        return false;
    }

    private void AwaitCommit(IReplayLog<TRecord> partition, long endOffset, long current)
    {
        ValueTask<ErrorCode> wait;
        try
        {
            wait = partition.Committed(endOffset);
        }
        catch (Exception)
        {
            wait = new(errors.NotLeader); // the contract: any exception says that the partition is lost
        }

        if (wait.IsCompletedSuccessfully)
            OnCommitted(wait.Result, endOffset, current);
        else
            _ = Later();

        async Task Later()
        {
            ErrorCode error;
            try
            {
                error = await wait.ConfigureAwait(false);
            }
            catch (Exception)
            {
                error = errors.NotLeader; // as above
            }
            OnCommitted(error, endOffset, current);
        }
    }

    private void OnCommitted(ErrorCode error, long endOffset, long current)
    {
        if (error != ErrorCode.None)
        {
            Close(current);
            return;
        }

        lock (gate)
        {
            if (term != current)
                return;
            committed = Math.Max(committed, endOffset);
            while (unanswered.TryPeek(out var next) && next.EndOffset <= committed)
                unanswered.Dequeue().Work.Answer();
        }
    }

    private bool IsOver(long current)
    {
        lock (gate)
            return term != current;
    }

    private void Close(long current)
    {
        List<LaneWork<TState, TRecord>> waiting = [];
        lock (gate)
        {
            if (term != current || status == LaneStatus.Closed)
                return;
            term++;
            status = LaneStatus.Closed;
            latest = model.Empty;
            log = null;
            waiting.AddRange(unanswered.Select(entry => entry.Work));
            waiting.AddRange(queued);
            unanswered.Clear();
            queued.Clear();
        }

        foreach (var work in waiting)
            work.Refuse(errors.NotLeader);
        onClosed();
    }
}
