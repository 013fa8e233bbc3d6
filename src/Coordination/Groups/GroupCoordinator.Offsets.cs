using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

public sealed partial class GroupCoordinator
{
    /// <summary>OffsetCommit v0 to v10. Topics that the client may not read are left out by the broker.</summary>
    public ValueTask<OffsetCommitResponse> OffsetCommit(OffsetCommitRequest request, short version)
    {
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return new(OffsetCommits.Refuse(request, unavailable));
        return shard.Execute(
            state => OffsetCommits.Decide(state, request, version, topics, config, shard.Now),
            error => OffsetCommits.Refuse(request, error));
    }

    /// <summary>OffsetFetch v0 to v10: of one group up to v7, of several from v8 on.</summary>
    public async ValueTask<OffsetFetchResponse> OffsetFetch(OffsetFetchRequest request, short version)
    {
        var asked = OffsetFetches.GroupsOf(request, version);
        var groups = new OffsetFetchResponse.OffsetFetchResponseGroup[asked.Length];
        for (var i = 0; i < asked.Length; i++)
            groups[i] = await OffsetFetch(asked[i], version, request.RequireStable).ConfigureAwait(false);
        return OffsetFetches.Respond(groups, version);
    }

    /// <summary>OffsetDelete v0.</summary>
    public ValueTask<OffsetDeleteResponse> OffsetDelete(OffsetDeleteRequest request)
    {
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return new(Refuse(unavailable));
        return shard.Execute(state => OffsetRemovals.Delete(state, request, topics), Refuse);

        static OffsetDeleteResponse Refuse(ErrorCode error) => new() { ErrorCode = error };
    }

    /// <summary>Topics have been deleted: their offsets go, from all groups that are coordinated here.</summary>
    /// <returns>How many offsets there were.</returns>
    public async Task<int> OnTopicsDeleted(IReadOnlyCollection<(string Name, Uuid Id)> deleted)
    {
        var count = 0;
        foreach (var shard in AllShards())
            count += await shard.Execute(state => OffsetRemovals.DeleteTopics(state, deleted), static _ => 0).ConfigureAwait(false);
        return count;
    }

    private ValueTask<OffsetFetchResponse.OffsetFetchResponseGroup> OffsetFetch(
        OffsetFetchRequest.OffsetFetchRequestGroup asked, short version, bool requireStable)
    {
        if (ShardOf(asked.GroupId, out var unavailable) is not { } shard)
            return new(OffsetFetches.Refuse(asked, version, unavailable));
        return shard.Execute(
            state => new(OffsetFetches.Fetch(state, asked, version, requireStable, topics)),
            error => OffsetFetches.Refuse(asked, version, error));
    }
}
