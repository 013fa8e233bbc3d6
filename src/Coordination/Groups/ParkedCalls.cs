using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// The JoinGroup and SyncGroup calls of a partition that have no answer yet. A group knows them by number; here is who waits. Each
/// is answered once: by the group, by the loss of the partition, or not at all because its client is gone.
/// </summary>
internal sealed class ParkedCalls
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, Parked> calls = [];
    private long lastCall;

    public int Count
    {
        get
        {
            lock (gate)
                return calls.Count;
        }
    }

    /// <summary>Takes a call in and numbers it.</summary>
    /// <param name="refuse">The answer that carries an error.</param>
    /// <param name="answer">Completes with the answer; continuations run elsewhere.</param>
    public long Park<TResponse>(Func<ErrorCode, TResponse> refuse, out Task<TResponse> answer)
    {
        var parked = new Parked<TResponse>(refuse);
        answer = parked.Answered;
        lock (gate)
        {
            calls.Add(++lastCall, parked);
            return lastCall;
        }
    }

    /// <summary>Gives the answers to those who still wait for them.</summary>
    public void Answer(IReadOnlyList<Reply> replies)
    {
        foreach (var reply in replies)
            Take(reply.Call)?.Answer(reply);
    }

    /// <summary>Answers one with an error, if it still waits.</summary>
    public void Refuse(long call, ErrorCode error) => Take(call)?.Refuse(error);

    /// <summary>Answers everyone with an error.</summary>
    public void RefuseAll(ErrorCode error)
    {
        Parked[] all;
        lock (gate)
        {
            all = [.. calls.Values];
            calls.Clear();
        }
        foreach (var parked in all)
            parked.Refuse(error);
    }

    /// <summary>The client is gone: an answer would reach nobody.</summary>
    public void Forget(long call) => Take(call);

    private Parked? Take(long call)
    {
        lock (gate)
            return calls.Remove(call, out var parked) ? parked : null;
    }

    private abstract class Parked
    {
        public abstract void Answer(Reply reply);

        public abstract void Refuse(ErrorCode error);
    }

    private sealed class Parked<TResponse>(Func<ErrorCode, TResponse> refuse) : Parked
    {
        private readonly TaskCompletionSource<TResponse> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<TResponse> Answered => answer.Task;

        public override void Answer(Reply reply) => answer.SetResult(reply switch
        {
            JoinReply { Response: TResponse response } => response,
            SyncReply { Response: TResponse response } => response,
            _ => throw new InvariantViolation($"call {reply.Call} is not answered by a {reply.GetType().Name}"),
        });

        public override void Refuse(ErrorCode error) => answer.SetResult(refuse(error));
    }
}
