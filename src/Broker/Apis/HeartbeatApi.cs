using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>Heartbeat (12): a member is alive, and learns that it must join again.</summary>
/// <remarks>v3 knows static members.</remarks>
internal sealed class HeartbeatApi(GroupCoordinator groups) : IApi<HeartbeatRequest, HeartbeatResponse>
{
    public static VersionRange Versions => new(0, 4);

    public async ValueTask<HeartbeatResponse?> Handle(HeartbeatRequest request, RequestContext context) =>
        await groups.Heartbeat(request);
}
