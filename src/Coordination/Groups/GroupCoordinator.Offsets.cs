using Milena.Common;
using Milena.Coordination.Transactions;
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

    /// <summary>
    /// TxnOffsetCommit v0 to v5. Before the first offsets of a transaction, <paramref name="transactions"/> is asked whether that is under
    /// way with the group's partition in it; from version 5 on it is made part of it. Null: nobody is asked.
    /// </summary>
    public async ValueTask<TxnOffsetCommitResponse> TxnOffsetCommit(
        TxnOffsetCommitRequest request, short version, ITransactionPartitions? transactions)
    {
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return TransactionalCommits.Refuse(request, version, unavailable);
        TransactionalCommits.Inquired? inquired = null;
        if (transactions is not null)
        {
            inquired = await Inquire(shard, request, version, transactions).ConfigureAwait(false);
            if (inquired is { Error: not ErrorCode.None and var error })
                return TransactionalCommits.Refuse(request, version, error);
        }

        return await shard.Execute(
            state => TransactionalCommits.Decide(state, request, inquired, topics, config, shard.Now),
            error => TransactionalCommits.Refuse(request, version, error)).ConfigureAwait(false);
    }

    /// <summary>
    /// A transaction ends in a partition of <see cref="OffsetsTopic"/>: its marker is written, and the offsets that are pending from its
    /// producer are valid, or void, when this returns. The errors are those of a group's coordinator, or why the log refuses the marker.
    /// </summary>
    public ValueTask<ErrorCode> EndTransaction(
        int partition, long producerId, short producerEpoch, int coordinatorEpoch, bool commit, bool bumpsEpochs)
    {
        GroupShard? shard;
        lock (gate)
            shard = shards.TryGetValue(partition, out var known) ? known.Shard : null;
        if (shard is null)
            return new(ErrorCode.NotCoordinator);
        var end = new TransactionEnded(producerId, commit, producerEpoch, coordinatorEpoch);
        return shard.Execute(state => TransactionalCommits.End(state, end, bumpsEpochs), static error => error);
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
    public async ValueTask<OffsetDeleteResponse> OffsetDelete(OffsetDeleteRequest request)
    {
        if (ShardOf(request.GroupId, out var unavailable) is not { } shard)
            return Refuse(unavailable);
        var response = await shard.Execute(state => OffsetRemovals.Delete(state, request, topics), Refuse).ConfigureAwait(false);
        Counters.Delete(response.Topics.Sum(topic => topic.Partitions.Count(partition => partition.ErrorCode == ErrorCode.None)));
        return response;

        static OffsetDeleteResponse Refuse(ErrorCode error) => new() { ErrorCode = error };
    }

    /// <summary>Topics have been deleted: their offsets go, from all groups that are coordinated here.</summary>
    /// <returns>How many offsets there were.</returns>
    public async Task<int> OnTopicsDeleted(IReadOnlyCollection<(string Name, Uuid Id)> deleted)
    {
        var count = 0;
        foreach (var shard in AllShards())
            count += await shard.Execute(state => OffsetRemovals.DeleteTopics(state, deleted), static _ => 0).ConfigureAwait(false);
        Counters.Delete(count);
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

    private async ValueTask<TransactionalCommits.Inquired> Inquire(
        GroupShard shard, TxnOffsetCommitRequest request, short version, ITransactionPartitions transactions)
    {
        var (id, epoch) = (request.ProducerId, request.ProducerEpoch);
        var inquired = await shard.Execute(
            state => TransactionalCommits.Inquire(state, id, epoch), static error => new TransactionalCommits.Inquired(error)).ConfigureAwait(false);
        if (inquired.Inquiry is not { } inquiry)
            return inquired;
        var partition = new TopicPartition(OffsetsTopic, PartitionFor(request.GroupId));
        var answers = await transactions.EnsureAsync(
            request.TransactionalId, id, epoch, [partition], add: version >= TransactionalCommits.FirstVersionThatAddsToTransaction).ConfigureAwait(false);
        if (answers[0] == ErrorCode.None)
            return inquired;
        await shard.Execute(state => TransactionalCommits.GiveUp(state, id, inquiry, answers[0]), static _ => 0).ConfigureAwait(false);
        return new(answers[0]);
    }
}
