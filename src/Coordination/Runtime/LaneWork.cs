using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination.Runtime;

/// <summary>A decision that waits for its turn or for its records to be committed. Answered exactly once.</summary>
internal abstract class LaneWork<TState, TRecord>
{
    /// <summary>What was decided to write.</summary>
    public abstract IReadOnlyList<TRecord> Records { get; }

    /// <summary>
    /// Decides on <paramref name="state"/> and moves it. False if that threw: the caller has the exception, the state is as before.
    /// </summary>
    public abstract bool TryDecide(ReplayModel<TState, TRecord> model, ref TState state);

    /// <summary>Drops what was decided, so that it is decided anew.</summary>
    public abstract void Forget();

    /// <summary>Gives the caller what was decided.</summary>
    public abstract void Answer();

    /// <summary>Gives the caller an answer with this error.</summary>
    public abstract void Refuse(ErrorCode error);

    /// <summary>Gives the caller an exception.</summary>
    public abstract void Fail(Exception fault);
}

/// <inheritdoc/>
internal sealed class LaneWork<TState, TRecord, TResponse>(
    Func<TState, Decision<TResponse, TRecord>> decide,
    Func<ErrorCode, TResponse> refuse,
    Decision<TResponse, TRecord>? decided = null) : LaneWork<TState, TRecord>
{
    // Callers go on elsewhere: the lane answers while it holds its lock.
    private readonly TaskCompletionSource<TResponse> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Decision<TResponse, TRecord>? decision = decided;

    public ValueTask<TResponse> Answered => new(answer.Task);

    public override IReadOnlyList<TRecord> Records => decision!.Records;

    public override bool TryDecide(ReplayModel<TState, TRecord> model, ref TState state)
    {
        try
        {
            decision ??= decide(state);
            if (decision.Records.Length > 0)
                state = model.Apply(state, decision.Records);
            return true;
        }
        catch (Exception fault)
        {
            Fail(fault);
            return false;
        }
    }

    public override void Forget() => decision = null;

    public override void Answer() => answer.SetResult(decision!.Response);

    public override void Refuse(ErrorCode error) => answer.TrySetResult(refuse(error));

    public override void Fail(Exception fault) => answer.TrySetException(fault);
}
