using Microsoft.Extensions.Logging;
using Milena.Broker.Apis;
using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Fetching;
using Milena.Broker.Groups;
using Milena.Broker.LogDirs;
using Milena.Broker.Metrics;
using Milena.Broker.Quotas;
using Milena.Broker.Telemetry;
using Milena.Broker.Transactions;
using Milena.Broker.Quorum;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Configs;
using Milena.Protocol.Messages;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker;

/// <summary>What the APIs work with.</summary>
internal sealed record BrokerParts(
    BrokerConfig Config,
    LogManager Logs,
    ReplicaManager Replicas,
    MetadataCache Metadata,
    ControllerService Controller,
    QuorumDriver Quorum,
    TopicAutoCreation Creation,
    ProducerIds ProducerIds,
    GroupCoordinator Groups,
    TransactionCoordinator Transactions,
    IMarkerChannel Markers,
    LiveConfigs Live,
    BrokerLife Life,
    ReplicaMoves Moves,
    BrokerMetrics Metrics,
    ClientQuotas Quotas,
    TimeProvider Time,
    Random Random,
    ILoggerFactory Loggers);

/// <summary>The list of everything that is served: one line an API.</summary>
internal static class BrokerApis
{
    public static ApiRegistry Create(BrokerParts parts)
    {
        var (config, logs, replicas, metadata, controller, quorum, creation, producerIds, groups, transactions, markers, live, life, moves, metrics, quotas, time, random, loggers) = parts;
        var partitions = new PartitionDirectory(replicas, metadata);
        var sessions = new FetchSessionCache(
            config.GetInt("max.incremental.fetch.session.cache.slots"), evictionMs: 120_000, random);
        metrics.Add(sessions);
        metrics.Add(quotas);
        var reader = new FetchReader(partitions, config.GetInt("fetch.max.bytes"), time, metrics.Topics);

        var levels = new BrokerLoggers(config.NodeId, loggers as ILogLevels);

        var protocols = new GroupProtocols(config, metadata);
        var registry = new ApiRegistry(loggers.CreateLogger<ApiRegistry>(), quotas);
        registry
            .Add<ProduceApi, ProduceRequest, ProduceResponse>(
                new(partitions, new TransactionVerifier(transactions, partitions, () => live.VerifiesTransactions), metrics.Topics, quotas))
            .Add<FetchApi, FetchRequest, FetchResponse>(new(new FetchSessions(sessions, time), reader, quotas))
            .Add<ListOffsetsApi, ListOffsetsRequest, ListOffsetsResponse>(new(partitions))
            .Add<MetadataApi, MetadataRequest, MetadataResponse>(new(metadata, creation, quotas, logs.ClusterId))
            .Add<OffsetCommitApi, OffsetCommitRequest, OffsetCommitResponse>(new(groups))
            .Add<OffsetFetchApi, OffsetFetchRequest, OffsetFetchResponse>(new(groups))
            .Add<FindCoordinatorApi, FindCoordinatorRequest, FindCoordinatorResponse>(new(metadata, groups, transactions, creation))
            .Add<JoinGroupApi, JoinGroupRequest, JoinGroupResponse>(new(groups))
            .Add<HeartbeatApi, HeartbeatRequest, HeartbeatResponse>(new(groups))
            .Add<LeaveGroupApi, LeaveGroupRequest, LeaveGroupResponse>(new(groups))
            .Add<SyncGroupApi, SyncGroupRequest, SyncGroupResponse>(new(groups))
            .Add<DescribeGroupsApi, DescribeGroupsRequest, DescribeGroupsResponse>(new(groups))
            .Add<ListGroupsApi, ListGroupsRequest, ListGroupsResponse>(new(groups))
            .Add<ApiVersionsApi, ApiVersionsRequest, ApiVersionsResponse>(new(registry, metadata))
            .Add<CreateTopicsApi, CreateTopicsRequest, CreateTopicsResponse>(new(controller, quotas))
            .Add<DeleteTopicsApi, DeleteTopicsRequest, DeleteTopicsResponse>(new(controller, quotas))
            .Add<DeleteRecordsApi, DeleteRecordsRequest, DeleteRecordsResponse>(new(partitions))
            .Add<InitProducerIdApi, InitProducerIdRequest, InitProducerIdResponse>(new(producerIds, transactions))
            .Add<OffsetForLeaderEpochApi, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>(new(partitions))
            .Add<AddPartitionsToTxnApi, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse>(new(transactions, metadata))
            .Add<AddOffsetsToTxnApi, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse>(new(transactions, groups))
            .Add<EndTxnApi, EndTxnRequest, EndTxnResponse>(new(transactions))
            .Add<WriteTxnMarkersApi, WriteTxnMarkersRequest, WriteTxnMarkersResponse>(new(markers))
            .Add<TxnOffsetCommitApi, TxnOffsetCommitRequest, TxnOffsetCommitResponse>(new(groups, transactions, () => live.VerifiesTransactions))
            .Add<DescribeConfigsApi, DescribeConfigsRequest, DescribeConfigsResponse>(new(metadata, config, levels))
            .Add<AlterConfigsApi, AlterConfigsRequest, AlterConfigsResponse>(new(controller))
            .Add<AlterReplicaLogDirsApi, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse>(new(moves))
            .Add<DescribeLogDirsApi, DescribeLogDirsRequest, DescribeLogDirsResponse>(new(logs, replicas))
            .Add<CreatePartitionsApi, CreatePartitionsRequest, CreatePartitionsResponse>(new(controller, quotas))
            .Add<DeleteGroupsApi, DeleteGroupsRequest, DeleteGroupsResponse>(new(groups))
            .Add<ElectLeadersApi, ElectLeadersRequest, ElectLeadersResponse>(new(controller))
            .Add<IncrementalAlterConfigsApi, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>(new(controller, levels))
            .Add<AlterPartitionReassignmentsApi, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>(new(controller))
            .Add<ListPartitionReassignmentsApi, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse>(new(metadata))
            .Add<OffsetDeleteApi, OffsetDeleteRequest, OffsetDeleteResponse>(new(groups))
            .Add<DescribeClientQuotasApi, DescribeClientQuotasRequest, DescribeClientQuotasResponse>(new(metadata))
            .Add<AlterClientQuotasApi, AlterClientQuotasRequest, AlterClientQuotasResponse>(new(controller))
            .Add<DescribeQuorumApi, DescribeQuorumRequest, DescribeQuorumResponse>(new(quorum, config, time))
            .Add<UpdateFeaturesApi, UpdateFeaturesRequest, UpdateFeaturesResponse>(new(controller, metadata))
            .Add<ConsumerGroupHeartbeatApi, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>(new(groups, protocols))
            .Add<DescribeClusterApi, DescribeClusterRequest, DescribeClusterResponse>(new(metadata, logs.ClusterId))
            .Add<DescribeProducersApi, DescribeProducersRequest, DescribeProducersResponse>(new(partitions))
            .Add<UnregisterBrokerApi, UnregisterBrokerRequest, UnregisterBrokerResponse>(new(controller, life, config.NodeId))
            .Add<ConsumerGroupDescribeApi, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>(new(groups, protocols))
            .Add<ListConfigResourcesApi, ListConfigResourcesRequest, ListConfigResourcesResponse>(new(metadata))
            .Add<DescribeTransactionsApi, DescribeTransactionsRequest, DescribeTransactionsResponse>(new(transactions))
            .Add<ListTransactionsApi, ListTransactionsRequest, ListTransactionsResponse>(new(transactions))
            .Add<DescribeTopicPartitionsApi, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>(
                new(metadata, config.GetInt("max.request.partition.size.limit")));
        if (!ShowsMetrics(config))
            return registry;
        var telemetry = new ClientTelemetry(
            metadata, new ClientMetrics(metrics.Registry), config.GetInt("telemetry.max.bytes"), time, random);
        return registry
            .Add<GetTelemetrySubscriptionsApi, GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse>(new(telemetry))
            .Add<PushTelemetryApi, PushTelemetryRequest, PushTelemetryResponse>(new(telemetry));
    }

    // Clients are asked for their metrics only where somebody can see them, as in Kafka, whose brokers need a receiver for it (KIP-714).
    private static bool ShowsMetrics(BrokerConfig config) =>
        config.GetString("metrics.listener").Length > 0 || config.GetString("metrics.otlp.endpoint").Length > 0
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"));
}
