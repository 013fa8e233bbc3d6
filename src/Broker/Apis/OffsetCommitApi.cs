using Milena.Broker.Dispatch;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>OffsetCommit (8): where a group stands.</summary>
/// <remarks>
/// v1 knows generations, v2 to v4 a retention time, v6 leader epochs, v7 static members, v9 member epochs, v10 topic ids. v0 was
/// kept in ZooKeeper; here it is kept like the others.
/// </remarks>
internal sealed class OffsetCommitApi(GroupCoordinator groups) : IApi<OffsetCommitRequest, OffsetCommitResponse>
{
    public static VersionRange Versions => new(0, 10);

    public async ValueTask<OffsetCommitResponse?> Handle(OffsetCommitRequest request, RequestContext context) =>
        await groups.OffsetCommit(request, context.Version);
}
