using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Transactions;

public sealed partial class TransactionCoordinator
{
    /// <summary>InitProducerId v0 to v5 with a transactional id.</summary>
    public async ValueTask<InitProducerIdResponse> InitProducerId(InitProducerIdRequest request, short version)
    {
        var identity = await Init().ConfigureAwait(false);
        return new()
        {
            ErrorCode = version < 4 ? Older(identity.Error) : identity.Error,
            ProducerId = identity.ProducerId,
            ProducerEpoch = identity.Epoch,
        };

        ValueTask<ProducerIdentity> Init()
        {
            if (string.IsNullOrEmpty(request.TransactionalId) || request.ProducerId >= 0 != request.ProducerEpoch >= 0)
                return new(ProducerIdentity.Failed(ErrorCode.InvalidRequest));
            if (request.TransactionTimeoutMs <= 0 || request.TransactionTimeoutMs > parts.Config.MaxTimeoutMs)
                return new(ProducerIdentity.Failed(ErrorCode.InvalidTransactionTimeout));
            if (ShardOf(request.TransactionalId, out var unavailable) is not { } shard)
                return new(ProducerIdentity.Failed(unavailable));
            var call = new InitCall(
                request.TransactionalId, request.TransactionTimeoutMs, request.ProducerId, request.ProducerEpoch, parts.TransactionVersion());
            return shard.Turn((state, fresh) => ProducerInit.Decide(state, call, fresh, parts.NowMs), ProducerIdentity.Failed);
        }
    }

    /// <summary>
    /// AddPartitionsToTxn and AddOffsetsToTxn: all of the partitions become part of the producer's transaction, or none does.
    /// </summary>
    /// <param name="transactionalId">The transactional id.</param>
    /// <param name="producerId">The producer.</param>
    /// <param name="producerEpoch">Its epoch.</param>
    /// <param name="partitions">The partitions; that they exist is the broker's to see.</param>
    /// <param name="byLeader">A partition's leader asks, for a client that does not say itself what it writes to (KIP-890).</param>
    public ValueTask<ErrorCode> AddPartitions(
        string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool byLeader = false)
    {
        if (transactionalId.Length == 0)
            return new(ErrorCode.InvalidRequest);
        if (ShardOf(transactionalId, out var unavailable) is not { } shard)
            return new(unavailable);
        return shard.Add(new(
            transactionalId, producerId, producerEpoch, partitions, byLeader ? Transaction.EpochBumpVersion : (short)0));
    }

    /// <inheritdoc/>
    public async ValueTask<ErrorCode[]> EnsureAsync(
        string transactionalId, long producerId, short producerEpoch, IReadOnlyList<TopicPartition> partitions, bool add)
    {
        var call = new PartitionsCall(transactionalId, producerId, producerEpoch, partitions);
        if (add)
            return PartitionAdditions.All(call, await AddPartitions(transactionalId, producerId, producerEpoch, partitions, byLeader: true).ConfigureAwait(false));
        if (transactionalId.Length == 0)
            return PartitionAdditions.All(call, ErrorCode.InvalidRequest);
        if (ShardOf(transactionalId, out var unavailable) is not { } shard)
            return PartitionAdditions.All(call, unavailable);
        return await shard.Execute(
            state => PartitionAdditions.Verify(state, call), error => PartitionAdditions.All(call, error)).ConfigureAwait(false);
    }

    /// <summary>EndTxn v0 to v5; v5 is what clients say that know the epoch bump (KIP-890).</summary>
    public async ValueTask<EndTxnResponse> EndTxn(EndTxnRequest request, short version)
    {
        var identity = await End().ConfigureAwait(false);
        return new()
        {
            ErrorCode = version < 2 ? Older(identity.Error) : identity.Error,
            ProducerId = version >= 5 ? identity.ProducerId : Transaction.NoProducerId,
            ProducerEpoch = version >= 5 ? identity.Epoch : Transaction.NoEpoch,
        };

        ValueTask<ProducerIdentity> End()
        {
            if (request.TransactionalId.Length == 0)
                return new(ProducerIdentity.Failed(ErrorCode.InvalidRequest));
            if (ShardOf(request.TransactionalId, out var unavailable) is not { } shard)
                return new(ProducerIdentity.Failed(unavailable));
            var call = new EndCall(
                request.TransactionalId,
                request.ProducerId,
                request.ProducerEpoch,
                request.Committed,
                version >= 5 ? Transaction.EpochBumpVersion : (short)0);
            return shard.Turn((state, fresh) => TransactionEnds.Decide(state, call, fresh, parts.NowMs), ProducerIdentity.Failed);
        }
    }

    // PRODUCER_FENCED came later than these versions (KIP-588).
    private static ErrorCode Older(ErrorCode error) => error == ErrorCode.ProducerFenced ? ErrorCode.InvalidProducerEpoch : error;
}
