using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Controllers;

/// <summary>
/// Gives out producer ids from the block that the controller gave this broker, and asks for the next block before the last id
/// is gone. An id is given once, whatever happens: what is left of a block is lost with the process.
/// </summary>
internal sealed class ProducerIds(ControllerService controller, BrokerConfig config, Func<long> brokerEpoch)
{
    private readonly SemaphoreSlim turn = new(1);
    private long next;
    private long end;

    /// <summary>A new id, or why there is none now.</summary>
    public async ValueTask<(ErrorCode Error, long ProducerId)> Next()
    {
        await turn.WaitAsync();
        try
        {
            if (next == end)
            {
                var block = await controller.Execute(
                    (decisions, image, _) => decisions.AllocateProducerIds(
                        image, new AllocateProducerIdsRequest { BrokerId = config.NodeId, BrokerEpoch = brokerEpoch() }),
                    error => new AllocateProducerIdsResponse { ErrorCode = error });
                if (block.ErrorCode != ErrorCode.None)
                    return (ErrorCode.CoordinatorLoadInProgress, -1); // the client tries again
                next = block.ProducerIdStart;
                end = block.ProducerIdStart + block.ProducerIdLen;
            }

            return (ErrorCode.None, next++);
        }
        finally
        {
            turn.Release();
        }
    }
}
