using Milena.Coordination.Runtime;
using Milena.Protocol;
using Milena.Protocol.Records;

namespace Milena.Coordination.Tests.Groups;

/// <summary>A partition of the offsets topic in memory: its bytes are what a segment would hold.</summary>
internal sealed class InMemoryLog : ICoordinatorLog
{
    private readonly List<byte> bytes = [];
    private readonly List<(long EndOffset, TaskCompletionSource<ErrorCode> Done)> waits = [];

    public long EndOffset { get; private set; }

    public int Appends { get; private set; }

    public ErrorCode Refusal { get; set; }

    public bool CommitsAtOnce { get; set; } = true;

    public AppendOutcome Append(Memory<byte> batch)
    {
        if (Refusal != ErrorCode.None)
            return AppendOutcome.Refused(Refusal);
        for (var rest = batch.Span; !rest.IsEmpty;)
        {
            RecordBatchHeader.SetBaseOffset(rest, EndOffset);
            var view = new RecordBatchView(rest);
            Assert.True(view.IsValidCrc);
            EndOffset = view.NextOffset;
            rest = rest[view.SizeInBytes..];
        }
        Appends++;
        bytes.AddRange(batch.Span);
        return AppendOutcome.Appended(EndOffset);
    }

    public ValueTask<ErrorCode> Committed(long endOffset)
    {
        if (CommitsAtOnce)
            return new(ErrorCode.None);
        var done = new TaskCompletionSource<ErrorCode>();
        waits.Add((endOffset, done));
        return new(done.Task);
    }

    public void EndWaits(ErrorCode error)
    {
        foreach (var (_, done) in waits)
            done.TrySetResult(error);
        waits.Clear();
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Read(long endOffset)
    {
        await ReadGate;
        yield return bytes.ToArray();
    }

    public Task ReadGate { get; set; } = Task.CompletedTask;
}
