using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DeleteGroups (42): removes groups without members, with their offsets.</summary>
internal sealed class DeleteGroupsApi(GroupCoordinator groups) : IApi<DeleteGroupsRequest, DeleteGroupsResponse>
{
    public static VersionRange Versions => new(0, 2);

    public async ValueTask<DeleteGroupsResponse?> Handle(DeleteGroupsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.GroupsNames.Length);
        return await groups.DeleteGroups(request);
    }
}
