using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Transactions;

/// <summary>
/// Whether the records of a transaction may be produced: before the first in a partition, its coordinator must say that the transaction
/// is under way and the partition part of it (KIP-890). A transaction that only a partition knows of would never end.
/// </summary>
/// <param name="coordinator">Who is asked.</param>
/// <param name="partitions">The partitions of this node.</param>
/// <param name="isEnabled">
/// <c>transaction.partition.verification.enable</c>. Where the question itself makes the partition part of the transaction (version 2)
/// it is asked in any case.
/// </param>
internal sealed class TransactionVerifier(ITransactionPartitions coordinator, PartitionDirectory partitions, Func<bool> isEnabled)
{
    private const short TopicIdsFrom = 13;

    /// <summary>The first version of Produce whose clients speak transaction version 2.</summary>
    private const short TransactionVersion2From = 12;

    /// <summary>What the batches of a transaction must meet if nothing needs to be asked about them.</summary>
    public TransactionTerms TermsOf(short version) => new()
    {
        MustBeKnown = version >= TransactionVersion2From || isEnabled(),
        BumpsEpochs = version >= TransactionVersion2From,
    };

    /// <summary>What has to be asked before the batches of a request are appended; null for nothing.</summary>
    public TransactionVerification? Begin(ProduceRequest request, short version)
    {
        var terms = TermsOf(version);
        if (!terms.MustBeKnown)
            return null;
        TransactionVerification? verification = null;
        for (var t = 0; t < request.TopicData.Length; t++)
        {
            var topic = request.TopicData[t];
            for (var p = 0; p < topic.PartitionData.Length; p++)
            {
                var data = topic.PartitionData[p];
                if (!RecordBatchView.TryRead(data.Records.Memory.Span, out var batch) || !batch.IsTransactional || !batch.HasProducerId)
                    continue;
                if (Find(topic, data.Index, version) is not { } partition)
                    continue; // which is what its append will say
                if (partition.Log.BeginVerification(batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence) is not { } guard)
                    continue;
                verification ??= new(coordinator, request.TransactionalId!, batch.ProducerId, batch.ProducerEpoch, version >= TransactionVersion2From);
                verification.Add((t, p), partition.Name, terms with { Guard = guard }, batch);
            }
        }

        return verification;
    }

    private Partition? Find(ProduceRequest.TopicProduceData topic, int index, short version)
    {
        var error = version >= TopicIdsFrom
            ? partitions.Find(topic.TopicId, index, out var found)
            : partitions.Find(topic.Name, index, out found);
        return error == ErrorCode.None && found!.Leadership.IsLeader && !TopicNames.IsInternal(found.Name.Topic) ? found : null;
    }
}

/// <summary>The questions of one request to the coordinator of its transaction, and then the answers.</summary>
internal sealed class TransactionVerification(
    ITransactionPartitions coordinator, string transactionalId, long producerId, short producerEpoch, bool add)
{
    /// <summary>The first version of Produce whose clients understand TRANSACTION_ABORTABLE.</summary>
    private const short AbortableFrom = 11;

    private readonly Dictionary<(int Topic, int Partition), (ErrorCode Error, TransactionTerms Terms)> verdicts = [];
    private readonly List<(int Topic, int Partition)> positions = [];
    private readonly List<TopicPartition> asked = [];
    private bool hasManyProducers;

    /// <summary>One more partition, at its place in the request.</summary>
    public void Add((int Topic, int Partition) position, TopicPartition partition, TransactionTerms terms, in RecordBatchView batch)
    {
        hasManyProducers |= batch.ProducerId != producerId || batch.ProducerEpoch != producerEpoch;
        verdicts.TryAdd(position, (ErrorCode.None, terms));
        positions.Add(position);
        asked.Add(partition);
    }

    /// <summary>Returns when the coordinator has answered.</summary>
    public async ValueTask Ask(short version)
    {
        var errors = hasManyProducers ? null : await coordinator.EnsureAsync(transactionalId, producerId, producerEpoch, asked, add);
        for (var i = 0; i < asked.Count; i++)
        {
            var error = errors is null ? ErrorCode.InvalidProducerIdMapping : Translate(errors[i], version);
            verdicts[positions[i]] = (error, verdicts[positions[i]].Terms);
        }
    }

    /// <summary>Whether the batch at a place in the request may be appended, and what it brings; false if it was not asked about.</summary>
    public bool TryGet((int Topic, int Partition) position, out (ErrorCode Error, TransactionTerms Terms) verdict) =>
        verdicts.TryGetValue(position, out verdict);

    /// <summary>
    /// What a producer is told. Where it can only try again it is told so in a way that every version understands, and that does not
    /// make it ask for metadata.
    /// </summary>
    private static ErrorCode Translate(ErrorCode error, short version) => error switch
    {
        ErrorCode.NetworkException or ErrorCode.CoordinatorLoadInProgress or ErrorCode.CoordinatorNotAvailable or ErrorCode.NotCoordinator
            => ErrorCode.NotEnoughReplicas,
        ErrorCode.ConcurrentTransactions when version < 12 => ErrorCode.NotEnoughReplicas,
        ErrorCode.ProducerFenced => ErrorCode.InvalidProducerEpoch,
        ErrorCode.TransactionAbortable when version < AbortableFrom => ErrorCode.InvalidTxnState,
        _ => error,
    };
}
