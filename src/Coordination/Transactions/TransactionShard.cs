using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Transactions;

/// <summary>What the shards of a coordinator share.</summary>
/// <param name="Config">What the operator has decided.</param>
/// <param name="Topics">The cluster's topics.</param>
/// <param name="Markers">The way to the partitions.</param>
/// <param name="NextProducerId">A producer id that nobody had, or why there is none now.</param>
/// <param name="TransactionVersion">The level of transaction.version.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">For loading and for what does not go through.</param>
internal sealed record TransactionParts(
    TransactionConfig Config,
    IGroupTopics Topics,
    IMarkerChannel Markers,
    Func<ValueTask<(ErrorCode Error, long ProducerId)>> NextProducerId,
    Func<short> TransactionVersion,
    TimeProvider Time,
    ILogger Logger)
{
    /// <summary>Told how many ms each partition took to load; null for nobody.</summary>
    public Action<long>? LoadTimes { get; set; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>
/// One partition of <c>__transaction_state</c> for the time of one leadership: its lane, and the outcomes that are on their way to
/// the partitions. It carries what the pure decisions say, and decides nothing itself.
/// </summary>
internal sealed class TransactionShard : IDisposable
{
    private readonly int partition;
    private readonly TransactionParts parts;
    private readonly MarkerSending sending;
    private readonly ReplayLane<TransactionsState, TransactionRecord> lane;
    private volatile bool isDisposed;

    public TransactionShard(int partition, int leaderEpoch, TransactionParts parts)
    {
        this.partition = partition;
        this.parts = parts;
        lane = new(
            new ReplayModel<TransactionsState, TransactionRecord>(TransactionsState.Empty, TransactionsState.Apply),
            LaneErrors.Coordinator,
            onClosed: OnClosed);
        sending = new(
            leaderEpoch,
            parts.Markers,
            parts.Topics,
            prepared => lane.TryPeek(out var state) && state.Holds(prepared),
            prepared => lane.Execute(state => TransactionEnds.Complete(state, prepared, parts.NowMs), static error => error),
            parts.Config,
            parts.Time,
            parts.Logger);
    }

    /// <summary>Loads the partition and serves it; false if it was lost meanwhile. What was decided before and not carried out goes on.</summary>
    public async Task<bool> Open(ICoordinatorLog log)
    {
        try
        {
            var started = parts.NowMs;
            var endOffset = log.EndOffset;
            var records = new TransactionRecordLog(log, parts.Time, parts.TransactionVersion);
            if (!await lane.Open(records, TransactionRecordLog.Replay(log.Read(endOffset)), endOffset).ConfigureAwait(false))
                return false;
            if (isDisposed)
                lane.Close(); // resigned before the loading had begun
            if (!lane.TryPeek(out var state))
                return false;
            foreach (var prepared in state.Transactions.Values.Where(known => known.IsEnding))
                sending.Begin(prepared);
            parts.LoadTimes?.Invoke(parts.NowMs - started);
            Log.TransactionsLoaded(parts.Logger, partition, state.Transactions.Count, parts.NowMs - started);
            return true;
        }
        catch (Exception fault)
        {
            Log.TransactionsNotLoaded(parts.Logger, partition, fault);
            throw;
        }
    }

    /// <summary>Reads.</summary>
    public ValueTask<TResponse> Execute<TResponse>(Func<TransactionsState, TResponse> read, Func<ErrorCode, TResponse> refuse) =>
        lane.Execute(state => new Decision<TResponse, TransactionRecord>(read(state)), refuse);

    /// <summary>
    /// Decides, with a producer id that nobody had if it takes one, and begins to carry out the outcome if one was decided. An id
    /// that is not used in the end is lost.
    /// </summary>
    public async ValueTask<TResponse> Turn<TResponse>(
        Func<TransactionsState, long, Decision<Turned<TResponse>, TransactionRecord>> decide, Func<ErrorCode, TResponse> refuse)
    {
        var freshProducerId = Transaction.NoProducerId;
        while (true)
        {
            var producerId = freshProducerId;
            var turned = await lane.Execute(
                state => decide(state, producerId), error => new Turned<TResponse>(refuse(error))).ConfigureAwait(false);
            if (turned.Prepared is { } prepared)
                sending.Begin(prepared);
            if (!turned.NeedsProducerId)
                return turned.Response;
            (var error, freshProducerId) = await parts.NextProducerId().ConfigureAwait(false);
            if (error != ErrorCode.None)
                return refuse(error);
        }
    }

    /// <summary>
    /// Adds partitions. If the transaction before is not complete, waits for that within a bound: markers take less time than a
    /// client needs to ask again.
    /// </summary>
    public async ValueTask<ErrorCode> Add(PartitionsCall call)
    {
        var error = await TryAdd(call).ConfigureAwait(false);
        if (error != ErrorCode.ConcurrentTransactions)
            return error;
        try
        {
            await sending.Ended(call.TransactionalId)
                .WaitAsync(TimeSpan.FromMilliseconds(parts.Config.AddWaitMs), parts.Time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return error; // the client asks again
        }
        return await TryAdd(call).ConfigureAwait(false);
    }

    /// <summary>Aborts what has taken too long.</summary>
    public async Task AbortOverdue()
    {
        if (!lane.TryPeek(out var seen))
            return;
        foreach (var overdue in seen.Transactions.Values.Where(known => TransactionEnds.IsOverdue(known, parts.NowMs)))
        {
            try
            {
                var version = parts.TransactionVersion();
                if (await Turn((state, _) => TransactionEnds.Abort(state, overdue.Id, version, parts.NowMs), static _ => false).ConfigureAwait(false))
                    Log.TransactionTimedOut(parts.Logger, overdue.Id, overdue.TimeoutMs);
            }
            catch (Exception fault) // the edge of a loop: it is tried again the next time
            {
                Log.UpkeepFailed(parts.Logger, partition, fault);
            }
        }
    }

    /// <summary>Forgets what nobody has used for long.</summary>
    public async Task Expire()
    {
        try
        {
            var count = TransactionExpiration.BatchMax;
            while (count == TransactionExpiration.BatchMax)
            {
                count = await lane.Execute(
                    state => TransactionExpiration.Decide(state, parts.Config.IdExpirationMs, parts.NowMs), static _ => 0).ConfigureAwait(false);
                if (count > 0)
                    Log.TransactionalIdsExpired(parts.Logger, partition, count);
            }
        }
        catch (Exception fault) // as above
        {
            Log.UpkeepFailed(parts.Logger, partition, fault);
        }
    }

    public void Dispose()
    {
        isDisposed = true;
        lane.Close();
        sending.Dispose();
    }

    private ValueTask<ErrorCode> TryAdd(PartitionsCall call) =>
        Turn((state, _) => PartitionAdditions.Add(state, call, parts.NowMs), static error => error);

    private void OnClosed()
    {
        Log.TransactionsLost(parts.Logger, partition);
        sending.Dispose();
    }
}
