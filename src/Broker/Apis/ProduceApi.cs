using System.Runtime.InteropServices;
using Milena.Broker.Dispatch;
using Milena.Metadata.Topics;
using Milena.Network;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Apis;

/// <summary>Produce (0): appends a batch to each of several partitions and answers when they may be acknowledged.</summary>
/// <remarks>
/// v0-v2 carry message sets, which become one batch of version 2. v3 brings batches and transactional ids, v7 zstd, v8
/// errors by record, v10 the current leader for NOT_LEADER_OR_FOLLOWER (KIP-951), v13 topic ids.
/// Not served: transactions; a transactional id or batch is refused with INVALID_TXN_STATE.
/// acks=0 has no response; an error closes the connection instead, as the client could not learn of it otherwise.
/// </remarks>
internal sealed class ProduceApi(PartitionDirectory partitions)
    : IApi<ProduceRequest, ProduceResponse>
{
    private const short TopicIdsFrom = 13;
    private const short LeaderHintsFrom = 10;
    private const string InternalTopicClient = "__admin_client";

    public static VersionRange Versions => new(0, 13);

    public ValueTask<ProduceResponse?> Handle(ProduceRequest request, RequestContext context)
    {
        var topics = new ProduceResponse.TopicProduceResponse[request.TopicData.Length];
        var pending = default(PendingAcks);
        var failed = false;
        for (var t = 0; t < topics.Length; t++)
        {
            var topic = request.TopicData[t];
            var answers = new ProduceResponse.PartitionProduceResponse[topic.PartitionData.Length];
            for (var p = 0; p < answers.Length; p++)
            {
                var data = topic.PartitionData[p];
                var result = Append(request, topic, data, context, out var partition);
                answers[p] = Answer(data.Index, result, partition, context.Version);
                failed |= result.Error != ErrorCode.None;
                if (result.Error == ErrorCode.None && request.Acks != 0)
                    pending.Add(answers[p], partition!.WaitForAck(result, request.Acks));
            }

            topics[t] = new() { Name = topic.Name, TopicId = topic.TopicId, PartitionResponses = answers };
        }

        if (request.Acks == 0)
        {
            return failed
                ? throw new ConnectionClosingException("a produce with acks=0 failed, which can be told in no other way")
                : new(default(ProduceResponse));
        }

        var response = new ProduceResponse { Responses = topics };
        return pending.IsEmpty ? new(response) : Acknowledged(pending, response);
    }

    private static async ValueTask<ProduceResponse?> Acknowledged(PendingAcks pending, ProduceResponse response)
    {
        await pending.Wait();
        return response;
    }

    private AppendResult Append(
        ProduceRequest request,
        ProduceRequest.TopicProduceData topic,
        ProduceRequest.PartitionProduceData data,
        RequestContext context,
        out Partition? partition)
    {
        var error = context.Version >= TopicIdsFrom
            ? partitions.Find(topic.TopicId, data.Index, out partition)
            : partitions.Find(topic.Name, data.Index, out partition);
        if (error != ErrorCode.None)
            return new(error);
        if (request.Acks is < -1 or > 1)
            return new(ErrorCode.InvalidRequiredAcks);
        if (TopicNames.IsInternal(partition!.Name.Topic) && context.ClientId != InternalTopicClient)
            return new(ErrorCode.InvalidTopicException);
        error = BatchValidator.CheckRequest(data.Records.Memory.Span, context.Version, out var message);
        if (error != ErrorCode.None)
            return new(error) { ErrorMessage = message };

        // The frame is ours until the request is answered, and the log patches offsets and epoch in it.
        var batch = MemoryMarshal.AsMemory(data.Records.Memory);
        if (request.TransactionalId is not null || IsTransactional(batch.Span))
            return new(ErrorCode.InvalidTxnState) { ErrorMessage = "transactions are not served yet" };
        return partition.Append(batch, AppendOrigin.Client, request.Acks);
    }

    private static bool IsTransactional(ReadOnlySpan<byte> bytes) => new RecordBatchView(bytes) is { IsLegacy: false, IsTransactional: true };

    private static ProduceResponse.PartitionProduceResponse Answer(int index, in AppendResult result, Partition? partition, short version)
    {
        var answer = new ProduceResponse.PartitionProduceResponse
        {
            Index = index,
            ErrorCode = result.Error,
            BaseOffset = result.BaseOffset,
            LogAppendTimeMs = result.LogAppendTimeMs,
            LogStartOffset = result.LogStartOffset,
            ErrorMessage = result.ErrorMessage,
        };
        if (result.RecordFaults is { Count: > 0 } errors)
        {
            answer.RecordErrors = [.. errors.Select(error => new ProduceResponse.BatchIndexAndErrorMessage
            {
                BatchIndex = error.BatchIndex,
                BatchIndexErrorMessage = error.Message,
            })];
        }

        if (version >= LeaderHintsFrom && result.Error == ErrorCode.NotLeaderOrFollower && partition is not null)
        {
            answer.CurrentLeader = new()
            {
                LeaderId = partition.Leadership.LeaderId,
                LeaderEpoch = partition.Leadership.LeaderEpoch,
            };
        }

        return answer;
    }
}
