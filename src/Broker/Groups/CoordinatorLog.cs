using Milena.Coordination.Runtime;
using Milena.Protocol;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Groups;

/// <summary>
/// A partition that a coordinator keeps its state in, for the time of one leadership: what is appended counts only while this
/// node leads in the same epoch.
/// </summary>
internal sealed class CoordinatorLog(Partition partition) : ICoordinatorLog
{
    private const short AllReplicas = -1;
    private readonly int leaderEpoch = partition.Leadership.LeaderEpoch;

    public long EndOffset => partition.Log.LogEndOffset;

    private bool IsOver => partition.Leadership is not { IsLeader: true } view || view.LeaderEpoch != leaderEpoch;

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Read(long endOffset)
    {
        if (endOffset > partition.Log.LogStartOffset)
            await Task.Yield(); // whoever brought the news of the leadership does not wait for the replay
        foreach (var piece in WholeBatches.Read(partition.Log, partition.Log.LogStartOffset, endOffset))
            yield return piece;
    }

    public AppendOutcome Append(Memory<byte> batch)
    {
        if (IsOver)
            return AppendOutcome.Refused(ErrorCode.NotLeaderOrFollower);
        var result = partition.Append(batch, AppendOrigin.Coordinator, AllReplicas);
        return result.Error == ErrorCode.None ? AppendOutcome.Appended(result.LastOffset + 1) : AppendOutcome.Refused(result.Error);
    }

    public ValueTask<ErrorCode> Committed(long endOffset) =>
        IsOver ? new(ErrorCode.NotLeaderOrFollower) : partition.WaitForAck(endOffset, AllReplicas);
}
