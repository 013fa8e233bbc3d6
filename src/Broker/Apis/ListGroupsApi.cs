using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>ListGroups (16): the groups that this broker coordinates.</summary>
/// <remarks>v4 filters by state, v5 by type.</remarks>
internal sealed class ListGroupsApi(GroupCoordinator groups) : IApi<ListGroupsRequest, ListGroupsResponse>
{
    public static VersionRange Versions => new(0, 5);

    public async ValueTask<ListGroupsResponse?> Handle(ListGroupsRequest request, RequestContext context) =>
        await groups.ListGroups(request);
}
