using Milena.Broker.Dispatch;
using Milena.Broker.Groups;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ConsumerGroupHeartbeat (68): a member joins, stays in or leaves a consumer group, and is told what to own (KIP-848).</summary>
/// <remarks>
/// v1 subscribes by regular expression and has the client name itself. Served while the feature <c>group.version</c> is at 1 and
/// <c>group.coordinator.rebalance.protocols</c> names the protocol. Not served: assignors of one's own.
/// </remarks>
internal sealed class ConsumerGroupHeartbeatApi(GroupCoordinator groups, GroupProtocols protocols)
    : IApi<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>
{
    public static VersionRange Versions => new(0, 1);

    public async ValueTask<ConsumerGroupHeartbeatResponse?> Handle(ConsumerGroupHeartbeatRequest request, RequestContext context)
    {
        if (!protocols.HasConsumer)
            return new() { ErrorCode = ErrorCode.UnsupportedVersion, ErrorMessage = "The consumer group protocol is not enabled." };
        return await groups.ConsumerGroupHeartbeat(request, new GroupClient(context.ClientId ?? "", context.ClientHost), context.Version);
    }
}
