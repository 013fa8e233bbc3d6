using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>AddOffsetsToTxn (25): makes a group's offsets part of a transaction, before TxnOffsetCommit writes them.</summary>
/// <remarks>
/// v2 answers PRODUCER_FENCED; v4 is the same again (KIP-890). Clients of transaction version 2 do not ask: TxnOffsetCommit does it for
/// them.
/// </remarks>
internal sealed class AddOffsetsToTxnApi(TransactionCoordinator transactions, GroupCoordinator groups)
    : IApi<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse>
{
    private const short FencedFrom = 2;

    public static VersionRange Versions => new(0, 4);

    public async ValueTask<AddOffsetsToTxnResponse?> Handle(AddOffsetsToTxnRequest request, RequestContext context)
    {
        var offsets = new TopicPartition(GroupCoordinator.OffsetsTopic, groups.PartitionFor(request.GroupId));
        var error = await transactions.AddPartitions(request.TransactionalId, request.ProducerId, request.ProducerEpoch, [offsets]);
        if (error == ErrorCode.ProducerFenced && context.Version < FencedFrom)
            error = ErrorCode.InvalidProducerEpoch;
        return new() { ErrorCode = error };
    }
}
