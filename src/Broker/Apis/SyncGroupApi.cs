using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>SyncGroup (14): the leader brings the assignment, every member takes its share of it.</summary>
/// <remarks>v3 knows static members, v5 repeats protocol type and name so that a mistaken member is found out.</remarks>
internal sealed class SyncGroupApi(GroupCoordinator groups) : IApi<SyncGroupRequest, SyncGroupResponse>
{
    public static VersionRange Versions => new(0, 5);

    public async ValueTask<SyncGroupResponse?> Handle(SyncGroupRequest request, RequestContext context) =>
        await groups.SyncGroup(request, context.Aborted);
}
