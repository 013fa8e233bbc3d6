using Milena.Broker.Dispatch;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.AddPartitionsToTxnRequest;
using static Milena.Protocol.Messages.AddPartitionsToTxnResponse;

namespace Milena.Broker.Apis;

/// <summary>AddPartitionsToTxn (24): makes partitions part of a transaction, before anything of it is written to them.</summary>
/// <remarks>
/// Up to v3 it is what producers say, of one transaction; v2 answers PRODUCER_FENCED. From v4 on it is what brokers ask that lead
/// the partitions (KIP-890): of several transactions, and whether to add or only to verify. v5 knows TRANSACTION_ABORTABLE.
/// </remarks>
internal sealed class AddPartitionsToTxnApi(TransactionCoordinator transactions, MetadataCache metadata)
    : IApi<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse>
{
    private const short FencedFrom = 2;
    private const short SeveralFrom = 4;
    private const short AbortableFrom = 5;

    public static VersionRange Versions => new(0, 5);

    public async ValueTask<AddPartitionsToTxnResponse?> Handle(AddPartitionsToTxnRequest request, RequestContext context)
    {
        if (context.Version < SeveralFrom)
        {
            var own = new AddPartitionsToTxnTransaction
            {
                TransactionalId = request.V3AndBelowTransactionalId,
                ProducerId = request.V3AndBelowProducerId,
                ProducerEpoch = request.V3AndBelowProducerEpoch,
                Topics = request.V3AndBelowTopics,
            };
            return new() { ResultsByTopicV3AndBelow = await Answer(own, context.Version) };
        }

        RequestLimits.Check(request.Transactions.Length);
        var results = new AddPartitionsToTxnResult[request.Transactions.Length];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = new()
            {
                TransactionalId = request.Transactions[i].TransactionalId,
                TopicResults = await Answer(request.Transactions[i], context.Version),
            };
        }
        return new() { ResultsByTransaction = results };
    }

    private async ValueTask<AddPartitionsToTxnTopicResult[]> Answer(AddPartitionsToTxnTransaction transaction, short version)
    {
        TopicPartition[] partitions =
            [.. transaction.Topics.SelectMany(topic => topic.Partitions, (topic, partition) => new TopicPartition(topic.Name, partition))];
        RequestLimits.Check(partitions.Length);
        var errors = await Decide(transaction, partitions, version);
        var next = 0;
        return
        [
            .. transaction.Topics.Select(topic => new AddPartitionsToTxnTopicResult
            {
                Name = topic.Name,
                ResultsByPartition =
                [
                    .. topic.Partitions.Select(partition => new AddPartitionsToTxnPartitionResult
                    {
                        PartitionIndex = partition, PartitionErrorCode = For(errors[next++], version),
                    }),
                ],
            }),
        ];
    }

    // All of them, or none: where one cannot be added, the others are not tried.
    private async ValueTask<ErrorCode[]> Decide(AddPartitionsToTxnTransaction transaction, TopicPartition[] partitions, short version)
    {
        if (partitions.Length == 0)
            return [];
        var image = metadata.Image;
        var areThere = Array.ConvertAll(partitions, partition => image.Topics.FindPartition(partition) is not null);
        if (!areThere.All(isThere => isThere))
        {
            return Array.ConvertAll(
                areThere, isThere => isThere ? ErrorCode.OperationNotAttempted : ErrorCode.UnknownTopicOrPartition);
        }

        if (version >= SeveralFrom)
        {
            return await transactions.EnsureAsync(
                transaction.TransactionalId, transaction.ProducerId, transaction.ProducerEpoch, partitions, add: !transaction.VerifyOnly);
        }

        var error = await transactions.AddPartitions(
            transaction.TransactionalId, transaction.ProducerId, transaction.ProducerEpoch, partitions);
        return Array.ConvertAll(partitions, _ => error);
    }

    private static ErrorCode For(ErrorCode error, short version) => error switch
    {
        ErrorCode.ProducerFenced when version < FencedFrom => ErrorCode.InvalidProducerEpoch,
        ErrorCode.TransactionAbortable when version < AbortableFrom => ErrorCode.InvalidTxnState,
        _ => error,
    };
}
