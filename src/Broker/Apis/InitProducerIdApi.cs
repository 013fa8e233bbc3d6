using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>InitProducerId (22): gives a producer its id and epoch, and with a transactional id fences those who had it before.</summary>
/// <remarks>
/// v3 carries the producer's own id and epoch (KIP-360), v4 answers PRODUCER_FENCED, v5 KIP-890. Not served: v6, two-phase commit
/// (KIP-939), which is not stable.
/// </remarks>
internal sealed class InitProducerIdApi(ProducerIds producerIds, TransactionCoordinator transactions)
    : IApi<InitProducerIdRequest, InitProducerIdResponse>
{
    public static VersionRange Versions => new(0, 5);

    public async ValueTask<InitProducerIdResponse?> Handle(InitProducerIdRequest request, RequestContext context)
    {
        if (request.TransactionalId is not null)
            return await transactions.InitProducerId(request, context.Version);
        if (request.ProducerId >= 0 != request.ProducerEpoch >= 0)
            return Failed(ErrorCode.InvalidRequest);
        var (error, producerId) = await producerIds.Next();
        return error == ErrorCode.None
            ? new InitProducerIdResponse { ProducerId = producerId, ProducerEpoch = 0 }
            : Failed(error);
    }

    private static InitProducerIdResponse Failed(ErrorCode error) => new() { ErrorCode = error, ProducerId = -1, ProducerEpoch = -1 };
}
