using Milena.Broker.Dispatch;
using Milena.Broker.Fetching;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>Fetch (1): reads from several partitions, waiting until there is enough or the time is up.</summary>
/// <remarks>
/// v3 bounds the whole response, v4 knows transactions, v5 log start offsets, v7 fetch sessions (KIP-227), v9 fencing by
/// leader epoch (KIP-320), v11 racks, v12 divergence and tagged fields, v13 topic ids, v15 the replica's state, v16 the
/// current leader (KIP-951). v0 to v3 get message sets of their time, converted.
/// Not served: fetches of followers and of other voters, which are refused with CLUSTER_AUTHORIZATION_FAILED until brokers
/// can prove who they are: whoever could pose as a replica could move the high watermark (CVE-2018-1288).
/// </remarks>
internal sealed class FetchApi(FetchSessions sessions, FetchReader reader) : IApi<FetchRequest, FetchResponse>
{
    private const int ConsumerReplicaId = -1;
    private const int DebugReplicaId = -2;

    public static VersionRange Versions => new(0, 18);

    public ValueTask<FetchResponse?> Handle(FetchRequest request, RequestContext context)
    {
        var replicaId = context.Version >= 15 ? request.ReplicaState.ReplicaId : request.ReplicaId;
        if (replicaId is not (ConsumerReplicaId or DebugReplicaId))
            return new(new FetchResponse { ErrorCode = ErrorCode.ClusterAuthorizationFailed });

        var error = sessions.Open(request, context.Version, out var fetch);
        if (error != ErrorCode.None)
            return new(new FetchResponse { ErrorCode = error });

        // Reads at once where it can: the answer then leaves without a change of thread.
        reader.ReadAll(fetch!, request, context.Version);
        return fetch!.IsSatisfied(request)
            ? new(fetch.Answer(context.Version))
            : Parked(fetch, request, context);
    }

    private async ValueTask<FetchResponse?> Parked(Fetch fetch, FetchRequest request, RequestContext context)
    {
        await reader.WaitAndRead(fetch, request, context);
        return fetch.Answer(context.Version);
    }
}
