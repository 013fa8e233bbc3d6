using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>An answer to a call that may have been waiting since an earlier turn.</summary>
internal abstract record Reply(long Call);

/// <inheritdoc/>
internal sealed record JoinReply(long Call, JoinGroupResponse Response) : Reply(Call);

/// <inheritdoc/>
internal sealed record SyncReply(long Call, SyncGroupResponse Response) : Reply(Call);

/// <summary>What came of a turn beside the events, for when it is committed: the answers that are due, and where the group stands.</summary>
internal sealed record Turned<TResponse>(TResponse Response, IReadOnlyList<Reply> Replies, Group? Before, Group? After);

/// <summary>One step of one group: it yields events, the answers that are due, and when to look again. Used once.</summary>
internal abstract class GroupTurn(Group? before)
{
    private readonly List<GroupEvent> events = [];
    private readonly List<Reply> replies = [];

    /// <summary>The earliest deadline that this turn has set.</summary>
    public long WakeAtMs { get; private set; } = GroupTime.Never;

    /// <summary>The decision, when the turn is over.</summary>
    public Decision<Turned<TResponse>, GroupEvent> Decide<TResponse>(TResponse response)
    {
        var after = End();
        return new(new Turned<TResponse>(response, replies, before, after), [.. events]);
    }

    /// <summary>Emits what is still to be said. The group as the turn leaves it.</summary>
    protected abstract Group? End();

    protected void Emit(GroupEvent step) => events.Add(step);

    protected void WakeAt(long deadlineMs) => WakeAtMs = Math.Min(WakeAtMs, deadlineMs);

    protected void AnswerJoin(long call, JoinGroupResponse response)
    {
        if (call != 0)
            replies.Add(new JoinReply(call, response));
    }

    protected void AnswerJoin(long call, ErrorCode error, string memberId) =>
        AnswerJoin(call, new JoinGroupResponse { ErrorCode = error, MemberId = memberId, ProtocolName = null });

    protected void AnswerSync(long call, ErrorCode error) => AnswerSync(call, new SyncGroupResponse { ErrorCode = error });

    protected void AnswerSync(long call, SyncGroupResponse response)
    {
        if (call != 0)
            replies.Add(new SyncReply(call, response));
    }

    /// <summary>Nothing has happened: what was emitted and answered so far is taken back.</summary>
    protected void TakeBack()
    {
        events.Clear();
        replies.Clear();
    }

    /// <summary>Goes on with the turn of another kind of group, which is what the group has become.</summary>
    protected Group? EndWith(GroupTurn other)
    {
        var after = other.End();
        events.AddRange(other.events);
        replies.AddRange(other.replies);
        WakeAt(other.WakeAtMs);
        return after;
    }
}
