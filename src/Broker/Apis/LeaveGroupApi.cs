using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>LeaveGroup (13): members go, and the others share what they had.</summary>
/// <remarks>v3 takes several members, static ones too; v5 takes a reason.</remarks>
internal sealed class LeaveGroupApi(GroupCoordinator groups) : IApi<LeaveGroupRequest, LeaveGroupResponse>
{
    public static VersionRange Versions => new(0, 5);

    public async ValueTask<LeaveGroupResponse?> Handle(LeaveGroupRequest request, RequestContext context) =>
        await groups.LeaveGroup(request, context.Version);
}
