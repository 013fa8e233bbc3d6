using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;

namespace Milena.Broker.Tests.Transactions;

/// <summary>A transactional producer in small: of the generation that bumps its epoch with each transaction, or of the one before.</summary>
internal sealed class TestProducer(TestClient client, string transactionalId, bool isOld = false)
{
    private readonly Dictionary<(string, int), int> sequences = [];

    public long Id { get; private set; } = -1;

    public short Epoch { get; private set; } = -1;

    /// <summary>Begins; while something has to be ended first it asks again.</summary>
    public async Task<ErrorCode> Init(int timeoutMs = 60_000)
    {
        var coordinator = await client.Send(new FindCoordinatorRequest { KeyType = 1, CoordinatorKeys = [transactionalId] });
        Assert.Equal(ErrorCode.None, coordinator.Coordinators[0].ErrorCode);
        while (true)
        {
            var answer = await client.Send(new InitProducerIdRequest { TransactionalId = transactionalId, TransactionTimeoutMs = timeoutMs });
            if (answer.ErrorCode is ErrorCode.ConcurrentTransactions or ErrorCode.CoordinatorLoadInProgress)
            {
                await Task.Yield();
                continue;
            }
            (Id, Epoch) = (answer.ProducerId, answer.ProducerEpoch);
            sequences.Clear();
            return answer.ErrorCode;
        }
    }

    public async Task<ErrorCode> Add(TestTopic topic, params int[] partitions)
    {
        var answer = await client.Send(
            new AddPartitionsToTxnRequest
            {
                V3AndBelowTransactionalId = transactionalId,
                V3AndBelowProducerId = Id,
                V3AndBelowProducerEpoch = Epoch,
                V3AndBelowTopics = [new() { Name = topic.Name, Partitions = partitions }],
            },
            version: 3);
        return Assert.Single(answer.ResultsByTopicV3AndBelow).ResultsByPartition[^1].PartitionErrorCode;
    }

    public async Task<ErrorCode> Produce(TestTopic topic, int partition, params string[] values)
    {
        var sequence = sequences.GetValueOrDefault((topic.Name, partition));
        var batch = Batches.Of(
            RecordBatchOptions.Default with { ProducerId = Id, ProducerEpoch = Epoch, BaseSequence = sequence, IsTransactional = true },
            1_767_000_000_000,
            values);
        var request = ClientExtensions.ProduceRequest(topic, partition, batch);
        request.TransactionalId = transactionalId;
        var error = (await client.Send(request, isOld ? 11 : null)).Responses[0].PartitionResponses[0].ErrorCode;
        if (error == ErrorCode.None)
            sequences[(topic.Name, partition)] = sequence + values.Length;
        return error;
    }

    public async Task<ErrorCode> End(bool commit)
    {
        var answer = await client.Send(
            new EndTxnRequest { TransactionalId = transactionalId, ProducerId = Id, ProducerEpoch = Epoch, Committed = commit }, isOld ? 4 : null);
        if (answer.ErrorCode == ErrorCode.None && !isOld)
        {
            (Id, Epoch) = (answer.ProducerId, answer.ProducerEpoch);
            sequences.Clear();
        }
        return answer.ErrorCode;
    }
}
