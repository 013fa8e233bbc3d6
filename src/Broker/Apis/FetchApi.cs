using Milena.Broker.Dispatch;
using Milena.Broker.Fetching;
using Milena.Broker.Quotas;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>Fetch (1): reads from several partitions, waiting until there is enough or the time is up.</summary>
/// <remarks>
/// v3 bounds the whole response, v4 knows transactions, v5 log start offsets, v7 fetch sessions (KIP-227), v9 fencing by
/// leader epoch (KIP-320), v10 zstd, v11 racks, v12 divergence and tagged fields, v13 topic ids, v15 the replica's state, v16 the
/// current leader (KIP-951). v0 to v3 get message sets of their time, converted.
/// Not served: fetches of followers and of other voters, which are refused with CLUSTER_AUTHORIZATION_FAILED until brokers
/// can prove who they are: whoever could pose as a replica could move the high watermark (CVE-2018-1288).
/// </remarks>
internal sealed class FetchApi(FetchSessions sessions, FetchReader reader, ClientQuotas quotas) : IApi<FetchRequest, FetchResponse>
{
    private const int ConsumerReplicaId = -1;
    private const int DebugReplicaId = -2;
    private const short WholeErrorsFrom = 7;
    private const short ReplicaStateFrom = 15;

    public static VersionRange Versions => new(0, 18);

    public ValueTask<FetchResponse?> Handle(FetchRequest request, RequestContext context)
    {
        var replicaId = context.Version >= ReplicaStateFrom ? request.ReplicaState.ReplicaId : request.ReplicaId;
        if (replicaId is not (ConsumerReplicaId or DebugReplicaId))
            return new(Refused(request, ErrorCode.ClusterAuthorizationFailed, context.Version));

        var error = sessions.Open(request, context.Version, out var fetch);
        if (error != ErrorCode.None)
            return new(Refused(request, error, context.Version));

        // Reads at once where it can: the answer then leaves without a change of thread.
        reader.Bound(request, quotas.FetchBytesMax(context));
        reader.ReadAll(fetch!, request, context.Version);
        return fetch!.IsSatisfied(request)
            ? new(Answer(fetch, context))
            : Parked(fetch, request, context);
    }

    private async ValueTask<FetchResponse?> Parked(Fetch fetch, FetchRequest request, RequestContext context)
    {
        context.ReleaseFrame(); // nothing of the request is a slice of it
        await reader.WaitAndRead(fetch, request, context);
        return Answer(fetch, context);
    }

    /// <summary>What was found; if it is more than the client's quota allows, nothing, and the client may ask again after a while.</summary>
    private FetchResponse Answer(Fetch fetch, RequestContext context)
    {
        context.Throttle(quotas.Fetched(context, fetch.Bytes, out var mayBeSent));
        return mayBeSent ? reader.Answer(fetch, context) : sessions.Withhold(fetch);
    }

    /// <summary>Before v7 there is no place for an error of the whole, so each partition has it.</summary>
    private static FetchResponse Refused(FetchRequest request, ErrorCode error, short version) => new()
    {
        ErrorCode = error,
        Responses = version >= WholeErrorsFrom ? [] : Array.ConvertAll(request.Topics, topic => new FetchResponse.FetchableTopicResponse
        {
            Topic = topic.Topic,
            Partitions = Array.ConvertAll(topic.Partitions, asked => new FetchResponse.PartitionData
            {
                PartitionIndex = asked.Partition,
                ErrorCode = error,
                HighWatermark = -1,
                Records = RecordBytes.Empty,
            }),
        }),
    };
}
