using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>JoinGroup (11): a member enters a group or comes back; the answer waits until the join phase ends.</summary>
/// <remarks>
/// v1 has a rebalance timeout of its own, v4 asks new members to come again with the id they were given (KIP-394), v5 knows
/// static members (KIP-345), v7 repeats the protocol, v8 takes a reason, v9 lets a returning static leader skip the assignment.
/// </remarks>
internal sealed class JoinGroupApi(GroupCoordinator groups) : IApi<JoinGroupRequest, JoinGroupResponse>
{
    public static VersionRange Versions => new(0, 9);

    public async ValueTask<JoinGroupResponse?> Handle(JoinGroupRequest request, RequestContext context) =>
        await groups.JoinGroup(request, new GroupClient(context.ClientId ?? "", context.ClientHost), context.Version, context.Aborted);
}
