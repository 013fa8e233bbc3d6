using Milena.Coordination.Runtime;
using Milena.Protocol;

namespace Milena.Coordination.Tests.Runtime;

/// <summary>A log in memory whose commits and refusals the test decides.</summary>
internal sealed class FakeReplayLog<TRecord> : IReplayLog<TRecord>
{
    private readonly List<(long EndOffset, TaskCompletionSource<ErrorCode> Done)> waits = [];

    public List<TRecord> Records { get; } = [];

    /// <summary>How many records each append brought.</summary>
    public List<int> Appends { get; } = [];

    public Func<IReadOnlyList<TRecord>, ErrorCode> Refusal { get; set; } = _ => ErrorCode.None;

    /// <summary>What runs within an append: for calls that come while one is under way.</summary>
    public Action? DuringAppend { get; set; }

    /// <summary>Whether records are committed as soon as they are appended, as with one replica and no sync.</summary>
    public bool CommitsAtOnce { get; set; } = true;

    public long CommittedOffset { get; private set; }

    public AppendOutcome Append(IReadOnlyList<TRecord> records)
    {
        var during = DuringAppend;
        DuringAppend = null;
        during?.Invoke();
        if (Refusal(records) is var error and not ErrorCode.None)
            return AppendOutcome.Refused(error);
        Records.AddRange(records);
        Appends.Add(records.Count);
        if (CommitsAtOnce)
            CommittedOffset = Records.Count;
        return AppendOutcome.Appended(Records.Count);
    }

    public ValueTask<ErrorCode> Committed(long endOffset)
    {
        if (endOffset <= CommittedOffset)
            return new(ErrorCode.None);
        var done = new TaskCompletionSource<ErrorCode>();
        waits.Add((endOffset, done));
        return new(done.Task);
    }

    public void CommitUpTo(long offset)
    {
        CommittedOffset = offset;
        foreach (var (end, done) in waits.ToArray())
        {
            if (end <= offset)
                done.TrySetResult(ErrorCode.None);
        }
    }

    public void LoseLeadership()
    {
        foreach (var (_, done) in waits.ToArray())
            done.TrySetResult(ErrorCode.NotLeaderOrFollower);
    }

    public async IAsyncEnumerable<IReadOnlyList<TRecord>> Replay(Task? gate = null)
    {
        if (gate is not null)
            await gate;
        foreach (var record in Records.ToArray())
            yield return [record];
    }
}
