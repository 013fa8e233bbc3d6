using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>OffsetDelete (47): forgets where a group stands in topics that it no longer reads (KIP-496).</summary>
internal sealed class OffsetDeleteApi(GroupCoordinator groups) : IApi<OffsetDeleteRequest, OffsetDeleteResponse>
{
    public static VersionRange Versions => new(0, 0);

    public async ValueTask<OffsetDeleteResponse?> Handle(OffsetDeleteRequest request, RequestContext context) =>
        await groups.OffsetDelete(request);
}
