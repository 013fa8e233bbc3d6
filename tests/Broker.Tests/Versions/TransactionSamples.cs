using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>Requests about transactions to their coordinator. See <see cref="Samples"/>.</summary>
internal static class TransactionSamples
{
    public static IEnumerable<Sample> All(TestTopic topic)
    {
        yield return Sample.Of("a producer that names itself", version => new InitProducerIdRequest
        {
            TransactionalId = "t", TransactionTimeoutMs = 1_000, ProducerId = version >= 3 ? 7 : -1, ProducerEpoch = version >= 3 ? (short)3 : (short)-1,
        });
        foreach (var partition in new[] { 0, 99 })
        {
            AddPartitionsToTxnRequest.AddPartitionsToTxnTopic[] topics = [new() { Name = topic.Name, Partitions = [0, partition] }];
            yield return Sample.Of($"partition {partition}", version => version < 4
                ? new AddPartitionsToTxnRequest
                {
                    V3AndBelowTransactionalId = "t", V3AndBelowProducerId = 7, V3AndBelowProducerEpoch = 1, V3AndBelowTopics = topics,
                }
                : new AddPartitionsToTxnRequest
                {
                    Transactions =
                    [
                        new() { TransactionalId = "t", ProducerId = 7, ProducerEpoch = 1, Topics = topics },
                        new() { TransactionalId = "u", ProducerId = 7, ProducerEpoch = 1, Topics = topics, VerifyOnly = true },
                    ],
                });
        }

        yield return Sample.Of("offsets", _ => new AddOffsetsToTxnRequest { TransactionalId = "t", ProducerId = 7, ProducerEpoch = 1, GroupId = "g" });
        yield return Sample.Of("commit", _ => new EndTxnRequest { TransactionalId = "t", ProducerId = 7, ProducerEpoch = 1, Committed = true });
        yield return Sample.Of("abort nothing", _ => new EndTxnRequest());
        yield return Sample.Of("offsets in a transaction", version => new TxnOffsetCommitRequest
        {
            TransactionalId = "t",
            GroupId = "g",
            ProducerId = 7,
            ProducerEpoch = 1,
            Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0, CommittedOffset = 1 }] }],
        });
        yield return Sample.Of("where it stands", _ => new DescribeTransactionsRequest { TransactionalIds = ["t", ""] });
        yield return Sample.Of("all of them", _ => new ListTransactionsRequest());
        yield return Sample.Of("some of them", version => new ListTransactionsRequest
        {
            StateFilters = ["Ongoing", "Nonsense"],
            ProducerIdFilters = [7],
            DurationFilter = version >= 1 ? 5 : -1,
            TransactionalIdPattern = version >= 2 ? "(" : null,
        });
    }
}
