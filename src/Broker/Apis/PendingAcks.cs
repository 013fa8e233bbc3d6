using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>
/// The appends of one produce request that wait for the disk or for other replicas. Most requests have one, which needs no
/// list.
/// </summary>
internal struct PendingAcks
{
    private ProduceResponse.PartitionProduceResponse? first;
    private ValueTask<ErrorCode> firstAck;
    private List<(ProduceResponse.PartitionProduceResponse Answer, ValueTask<ErrorCode> Ack)>? rest;

    public readonly bool IsEmpty => first is null;

    public void Add(ProduceResponse.PartitionProduceResponse answer, ValueTask<ErrorCode> ack)
    {
        if (ack.IsCompletedSuccessfully)
        {
            if (ack.Result is var error and not ErrorCode.None)
                Refuse(answer, error);
            return;
        }

        if (first is null)
        {
            first = answer;
            firstAck = ack;
        }
        else
        {
            (rest ??= []).Add((answer, ack));
        }
    }

    /// <summary>Waits for all of them; one that fails turns its partition's answer into the error.</summary>
    public readonly async ValueTask Wait()
    {
        if (first is not null)
            await Settle(first, firstAck);
        foreach (var (answer, ack) in rest ?? [])
            await Settle(answer, ack);
    }

    private static async ValueTask Settle(ProduceResponse.PartitionProduceResponse answer, ValueTask<ErrorCode> ack)
    {
        var error = await ack;
        if (error != ErrorCode.None)
            Refuse(answer, error);
    }

    /// <summary>The records may or may not be on the disk: they are not acknowledged.</summary>
    private static void Refuse(ProduceResponse.PartitionProduceResponse answer, ErrorCode error)
    {
        answer.ErrorCode = error;
        answer.BaseOffset = -1;
        answer.LogAppendTimeMs = -1;
        answer.LogStartOffset = -1;
    }
}
