using System.Runtime.InteropServices;
using Milena.Broker.Dispatch;
using Milena.Broker.Metrics;
using Milena.Broker.Quotas;
using Milena.Broker.Transactions;
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
/// v11 understands TRANSACTION_ABORTABLE, v12 makes partitions part of the transaction by writing to them (KIP-890). A transactional
/// batch without a transactional id refuses the whole request, for the id is what a right to write in transactions would be granted to
/// (CVE-2018-17196). While a transaction's coordinator is being asked, later requests of the connection wait: what a producer has sent in
/// order is appended in order.
/// acks=0 has no response; an error closes the connection instead, as the client could not learn of it otherwise.
/// </remarks>
internal sealed class ProduceApi(
    PartitionDirectory partitions, TransactionVerifier transactions, TopicMetrics metrics, ClientQuotas quotas)
    : IApi<ProduceRequest, ProduceResponse>
{
    private const short TopicIdsFrom = 13;
    private const short LeaderHintsFrom = 10;
    private const string InternalTopicClient = "__admin_client";

    public static VersionRange Versions => new(0, 13);

    public ValueTask<ProduceResponse?> Handle(ProduceRequest request, RequestContext context)
    {
        context.Throttle(quotas.Produced(context, context.FrameBytes)); // now, so that the next request is not read
        var connection = ConnectionState.Of(context.Connection);
        if (connection.AppendsBefore is { IsCompleted: true })
            connection.AppendsBefore = null;
        if (connection.AppendsBefore is { } before)
            return Verified(before, null, request, context, connection);
        var verification = request.TransactionalId is null ? null : transactions.Begin(request, context.Version);
        return verification is null
            ? Append(request, context, null, connection.Signals)
            : Verified(null, verification, request, context, connection);
    }

    private async ValueTask<ProduceResponse?> Verified(
        Task? before, TransactionVerification? verification, ProduceRequest request, RequestContext context, ConnectionState connection)
    {
        var appended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.AppendsBefore = appended.Task;
        ValueTask<ProduceResponse?> answering;
        try
        {
            if (before is not null)
            {
                await before;
                verification = request.TransactionalId is null ? null : transactions.Begin(request, context.Version);
            }

            if (verification is not null)
                await verification.Ask(context.Version);
            answering = Append(request, context, verification, signals: null);
        }
        finally
        {
            appended.SetResult();
        }

        return await answering;
    }

    private ValueTask<ProduceResponse?> Append(
        ProduceRequest request, RequestContext context, TransactionVerification? verification, SavedSignals? signals)
    {
        var refusal = request.TransactionalId is null && HasTransactionalBatch(request)
            ? ErrorCode.TransactionalIdAuthorizationFailed
            : ErrorCode.None;
        var terms = request.TransactionalId is null ? default : transactions.TermsOf(context.Version);
        var response = new ProduceResponse { Responses = new ProduceResponse.TopicProduceResponse[request.TopicData.Length] };
        var pending = default(PendingAcks);
        var failed = false;
        for (var t = 0; t < request.TopicData.Length; t++)
        {
            var topic = request.TopicData[t];
            var answers = new ProduceResponse.PartitionProduceResponse[topic.PartitionData.Length];
            for (var p = 0; p < answers.Length; p++)
            {
                Partition? partition = null;
                var data = topic.PartitionData[p];
                var verdict = (Error: refusal, Terms: terms);
                if (verification?.TryGet((t, p), out var told) == true)
                    verdict = told;
                var result = verdict.Error == ErrorCode.None
                    ? Append(request, topic, data, context, verdict.Terms, signals, out partition)
                    : new(verdict.Error) { ErrorMessage = verification is null ? null : $"the transaction's coordinator: {verdict.Error.Message()}" };
                metrics.CountAppend(partition, data.Records.Length, result);
                answers[p] = Answer(data.Index, result);
                failed |= result.Error != ErrorCode.None;
                if (result.Error == ErrorCode.None && request.Acks != 0)
                    pending.Add(answers[p], partition!.WaitForAck(result, request.Acks));
                else if (result.Error == ErrorCode.NotLeaderOrFollower && context.Version >= LeaderHintsFrom)
                    TellLeader(response, answers[p], partitions.LeaderOf(partition, topic.TopicId, topic.Name, data.Index), context);
            }

            response.Responses[t] = new() { Name = topic.Name, TopicId = topic.TopicId, PartitionResponses = answers };
        }

        if (request.Acks == 0)
        {
            return failed
                ? throw new ConnectionClosingException("a produce with acks=0 failed, which can be told in no other way")
                : new(default(ProduceResponse));
        }

        return pending.IsEmpty ? new(response) : Acknowledged(pending, response, context);
    }

    private static async ValueTask<ProduceResponse?> Acknowledged(PendingAcks pending, ProduceResponse response, RequestContext context)
    {
        context.ReleaseFrame(); // the log has the batches
        await pending.Wait();
        return response;
    }

    private AppendResult Append(
        ProduceRequest request,
        ProduceRequest.TopicProduceData topic,
        ProduceRequest.PartitionProduceData data,
        RequestContext context,
        TransactionTerms terms,
        SavedSignals? signals,
        out Partition? partition)
    {
        var error = context.Version >= TopicIdsFrom
            ? partitions.Find(topic.TopicId, data.Index, out partition)
            : partitions.Find(topic.Name, data.Index, out partition);
        if (error != ErrorCode.None)
            return new(error);
        error = BatchValidator.CheckRequest(data.Records.Memory.Span, context.Version, out var message);
        if (error != ErrorCode.None)
            return new(error) { ErrorMessage = message };
        if (request.Acks is < -1 or > 1)
            return new(ErrorCode.InvalidRequiredAcks);
        if (TopicNames.IsInternal(partition!.Name.Topic) && context.ClientId != InternalTopicClient)
            return new(ErrorCode.InvalidTopicException);

        // The frame is ours until the request is answered, and the log patches offsets and epoch in it.
        return partition.Append(MemoryMarshal.AsMemory(data.Records.Memory), AppendOrigin.Client, request.Acks, terms, signals);
    }

    private static bool HasTransactionalBatch(ProduceRequest request)
    {
        foreach (var topic in request.TopicData)
        {
            foreach (var data in topic.PartitionData)
            {
                if (IsTransactional(data))
                    return true;
            }
        }

        return false;
    }

    private static bool IsTransactional(ProduceRequest.PartitionProduceData data) =>
        RecordBatchView.TryRead(data.Records.Memory.Span, out var batch) && batch.IsTransactional;

    private static ProduceResponse.PartitionProduceResponse Answer(int index, in AppendResult result)
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

        return answer;
    }

    private void TellLeader(
        ProduceResponse response, ProduceResponse.PartitionProduceResponse answer, LeaderHint? leader, RequestContext context)
    {
        if (leader is not { } hint)
            return;
        answer.CurrentLeader = new() { LeaderId = hint.LeaderId, LeaderEpoch = hint.LeaderEpoch };
        if (partitions.BrokerOn(context.ListenerName, hint.LeaderId) is not var (broker, endpoint)
            || response.NodeEndpoints.Any(known => known.NodeId == broker.Id))
            return;
        response.NodeEndpoints =
        [
            .. response.NodeEndpoints,
            new() { NodeId = broker.Id, Host = endpoint.Host, Port = endpoint.Port, Rack = broker.Rack },
        ];
    }
}
