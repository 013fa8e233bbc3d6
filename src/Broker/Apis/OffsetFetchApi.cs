using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>OffsetFetch (9): where groups stand.</summary>
/// <remarks>
/// v2 asks for all topics with null, v5 tells leader epochs, v7 can insist on stable offsets (KIP-447), v8 asks for several
/// groups, v9 for a member of a new-style group, v10 by topic ids.
/// </remarks>
internal sealed class OffsetFetchApi(GroupCoordinator groups) : IApi<OffsetFetchRequest, OffsetFetchResponse>
{
    public static VersionRange Versions => new(0, 10);

    public async ValueTask<OffsetFetchResponse?> Handle(OffsetFetchRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Groups.Length);
        return await groups.OffsetFetch(request, context.Version);
    }
}
