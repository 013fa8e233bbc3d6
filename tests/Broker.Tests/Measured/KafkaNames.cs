namespace Milena.Broker.Tests.Measured;

/// <summary>
/// The metrics of a broker that operators of Apache Kafka look at, from its documentation and its code: a bean of Yammer's way is named
/// whole, an attribute of a bean of Kafka's way after a blank. Tags that tell members apart are left out.
/// </summary>
internal static class KafkaNames
{
    /// <summary>Those that there must be after a short workload.</summary>
    public static IReadOnlyList<string> Present { get; } = Lines(
        """
        kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec
        kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec
        kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec
        kafka.server:type=BrokerTopicMetrics,name=BytesRejectedPerSec
        kafka.server:type=BrokerTopicMetrics,name=TotalProduceRequestsPerSec
        kafka.server:type=BrokerTopicMetrics,name=FailedProduceRequestsPerSec
        kafka.server:type=BrokerTopicMetrics,name=TotalFetchRequestsPerSec
        kafka.server:type=BrokerTopicMetrics,name=FailedFetchRequestsPerSec
        kafka.server:type=BrokerTopicMetrics,name=ProduceMessageConversionsPerSec
        kafka.server:type=BrokerTopicMetrics,name=FetchMessageConversionsPerSec
        kafka.server:type=BrokerTopicMetrics,name=InvalidMagicNumberRecordsPerSec
        kafka.server:type=BrokerTopicMetrics,name=InvalidMessageCrcRecordsPerSec
        kafka.server:type=BrokerTopicMetrics,name=InvalidOffsetOrSequenceRecordsPerSec
        kafka.server:type=BrokerTopicMetrics,name=NoKeyCompactedTopicRecordsPerSec
        kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions
        kafka.server:type=ReplicaManager,name=UnderMinIsrPartitionCount
        kafka.server:type=ReplicaManager,name=AtMinIsrPartitionCount
        kafka.server:type=ReplicaManager,name=OfflineReplicaCount
        kafka.server:type=ReplicaManager,name=ReassigningPartitions
        kafka.server:type=ReplicaManager,name=PartitionCount
        kafka.server:type=ReplicaManager,name=LeaderCount
        kafka.server:type=ReplicaManager,name=ProducerIdCount
        kafka.server:type=ReplicaManager,name=IsrShrinksPerSec
        kafka.server:type=ReplicaManager,name=IsrExpandsPerSec
        kafka.server:type=ReplicaManager,name=FailedIsrUpdatesPerSec
        kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize
        kafka.server:type=KafkaRequestHandlerPool,name=RequestHandlerAvgIdlePercent
        kafka.server:type=KafkaServer,name=BrokerState
        kafka.server:type=KafkaServer,name=ClusterId
        kafka.server:type=KafkaServer,name=yammer-metrics-count
        kafka.server:type=KafkaServer,name=linux-disk-read-bytes
        kafka.server:type=KafkaServer,name=linux-disk-write-bytes
        kafka.server:type=app-info version
        kafka.server:type=app-info commit-id
        kafka.server:type=app-info start-time-ms
        kafka.server:type=GroupMetadataManager,name=NumOffsets
        kafka.server:type=GroupMetadataManager,name=NumGroups
        kafka.server:type=GroupMetadataManager,name=NumGroupsPreparingRebalance
        kafka.server:type=GroupMetadataManager,name=NumGroupsCompletingRebalance
        kafka.server:type=GroupMetadataManager,name=NumGroupsStable
        kafka.server:type=GroupMetadataManager,name=NumGroupsEmpty
        kafka.server:type=GroupMetadataManager,name=NumGroupsDead
        kafka.server:type=group-coordinator-metrics partition-load-time-max
        kafka.server:type=group-coordinator-metrics partition-load-time-avg
        kafka.server:type=group-coordinator-metrics num-partitions
        kafka.server:type=group-coordinator-metrics group-count
        kafka.server:type=group-coordinator-metrics offset-commit-rate
        kafka.server:type=group-coordinator-metrics offset-commit-count
        kafka.server:type=group-coordinator-metrics offset-expiration-rate
        kafka.server:type=group-coordinator-metrics offset-expiration-count
        kafka.server:type=group-coordinator-metrics offset-deletion-rate
        kafka.server:type=group-coordinator-metrics offset-deletion-count
        kafka.server:type=group-coordinator-metrics group-completed-rebalance-rate
        kafka.server:type=group-coordinator-metrics group-completed-rebalance-count
        kafka.server:type=group-coordinator-metrics consumer-group-count
        kafka.server:type=group-coordinator-metrics consumer-group-rebalance-rate
        kafka.server:type=group-coordinator-metrics consumer-group-rebalance-count
        kafka.server:type=transaction-coordinator-metrics partition-load-time-max
        kafka.server:type=transaction-coordinator-metrics partition-load-time-avg
        kafka.server:type=Produce byte-rate
        kafka.server:type=Produce throttle-time
        kafka.server:type=Fetch byte-rate
        kafka.server:type=Fetch throttle-time
        kafka.server:type=Request request-time
        kafka.server:type=Request throttle-time
        kafka.server:type=ControllerMutation tokens
        kafka.server:type=ControllerMutation throttle-time
        kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions
        kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached
        kafka.server:type=FetchSessionCache,name=IncrementalFetchSessionEvictionsPerSec
        kafka.server:type=socket-server-metrics connection-count
        kafka.server:type=socket-server-metrics connection-creation-rate
        kafka.server:type=socket-server-metrics connection-creation-total
        kafka.server:type=socket-server-metrics connection-close-rate
        kafka.server:type=socket-server-metrics connection-close-total
        kafka.server:type=socket-server-metrics request-rate
        kafka.server:type=socket-server-metrics request-total
        kafka.server:type=socket-server-metrics response-rate
        kafka.server:type=socket-server-metrics response-total
        kafka.server:type=socket-server-metrics incoming-byte-rate
        kafka.server:type=socket-server-metrics incoming-byte-total
        kafka.server:type=socket-server-metrics outgoing-byte-rate
        kafka.server:type=socket-server-metrics outgoing-byte-total
        kafka.server:type=socket-server-metrics expired-connections-killed-count
        kafka.server:type=raft-metrics current-state
        kafka.server:type=raft-metrics current-leader
        kafka.server:type=raft-metrics current-vote
        kafka.server:type=raft-metrics current-epoch
        kafka.server:type=raft-metrics high-watermark
        kafka.server:type=raft-metrics log-end-offset
        kafka.server:type=raft-metrics log-end-epoch
        kafka.server:type=raft-metrics number-of-voters
        kafka.server:type=raft-metrics number-unknown-voter-connections
        kafka.server:type=raft-metrics commit-latency-avg
        kafka.server:type=raft-metrics commit-latency-max
        kafka.server:type=raft-metrics append-records-rate
        kafka.server:type=broker-metadata-metrics last-applied-record-offset
        kafka.server:type=broker-metadata-metrics last-applied-record-timestamp
        kafka.server:type=broker-metadata-metrics last-applied-record-lag-ms
        kafka.server:type=broker-metadata-metrics metadata-load-error-count
        kafka.server:type=broker-metadata-metrics metadata-apply-error-count
        kafka.server:type=MetadataLoader,name=CurrentMetadataVersion
        kafka.server:type=MetadataLoader,name=HandleLoadSnapshotCount
        kafka.server:type=SnapshotEmitter,name=LatestSnapshotGeneratedBytes
        kafka.server:type=SnapshotEmitter,name=LatestSnapshotGeneratedAgeMs
        kafka.controller:type=KafkaController,name=ActiveControllerCount
        kafka.controller:type=KafkaController,name=OfflinePartitionsCount
        kafka.controller:type=KafkaController,name=PreferredReplicaImbalanceCount
        kafka.controller:type=KafkaController,name=GlobalTopicCount
        kafka.controller:type=KafkaController,name=GlobalPartitionCount
        kafka.controller:type=KafkaController,name=ActiveBrokerCount
        kafka.controller:type=KafkaController,name=FencedBrokerCount
        kafka.controller:type=KafkaController,name=MetadataErrorCount
        kafka.controller:type=KafkaController,name=LastAppliedRecordOffset
        kafka.controller:type=KafkaController,name=LastAppliedRecordTimestamp
        kafka.controller:type=KafkaController,name=LastAppliedRecordLagMs
        kafka.controller:type=KafkaController,name=LastCommittedRecordOffset
        kafka.controller:type=KafkaController,name=NewActiveControllersCount
        kafka.controller:type=KafkaController,name=TimedOutBrokerHeartbeatCount
        kafka.controller:type=KafkaController,name=EventQueueOperationsStartedCount
        kafka.controller:type=KafkaController,name=EventQueueOperationsTimedOutCount
        kafka.controller:type=ControllerStats,name=UncleanLeaderElectionsPerSec
        kafka.controller:type=ControllerEventManager,name=EventQueueTimeMs
        kafka.controller:type=ControllerEventManager,name=EventQueueProcessingTimeMs
        kafka.controller:type=ControllerEventManager,name=EventQueueSize
        kafka.network:type=RequestMetrics,name=RequestsPerSec
        kafka.network:type=RequestMetrics,name=ErrorsPerSec
        kafka.network:type=RequestMetrics,name=TotalTimeMs
        kafka.network:type=RequestMetrics,name=RequestQueueTimeMs
        kafka.network:type=RequestMetrics,name=LocalTimeMs
        kafka.network:type=RequestMetrics,name=RemoteTimeMs
        kafka.network:type=RequestMetrics,name=ThrottleTimeMs
        kafka.network:type=RequestMetrics,name=ResponseQueueTimeMs
        kafka.network:type=RequestMetrics,name=ResponseSendTimeMs
        kafka.network:type=RequestMetrics,name=RequestBytes
        kafka.network:type=RequestChannel,name=RequestQueueSize
        kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent
        kafka.network:type=SocketServer,name=ExpiredConnectionsKilledCount
        kafka.network:type=SocketServer,name=MemoryPoolAvailable
        kafka.network:type=SocketServer,name=MemoryPoolUsed
        kafka.log:type=Log,name=Size
        kafka.log:type=Log,name=NumLogSegments
        kafka.log:type=Log,name=LogStartOffset
        kafka.log:type=Log,name=LogEndOffset
        kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs
        kafka.log:type=LogManager,name=OfflineLogDirectoryCount
        kafka.log:type=LogManager,name=LogDirectoryOffline
        kafka.log:type=LogCleaner,name=cleaner-recopy-percent
        kafka.log:type=LogCleaner,name=max-clean-time-secs
        kafka.log:type=LogCleaner,name=max-buffer-utilization-percent
        kafka.log:type=LogCleaner,name=max-compaction-delay-secs
        kafka.log:type=LogCleaner,name=DeadThreadCount
        kafka.log:type=LogCleanerManager,name=max-dirty-percent
        kafka.log:type=LogCleanerManager,name=time-since-last-run-ms
        kafka.log:type=LogCleanerManager,name=uncleanable-bytes
        kafka.log:type=LogCleanerManager,name=uncleanable-partitions-count
        kafka.cluster:type=Partition,name=UnderReplicated
        kafka.cluster:type=Partition,name=InSyncReplicasCount
        kafka.cluster:type=Partition,name=ReplicasCount
        kafka.cluster:type=Partition,name=UnderMinIsr
        kafka.cluster:type=Partition,name=AtMinIsr
        kafka.cluster:type=Partition,name=LastStableOffsetLag
        java.lang:type=Memory HeapMemoryUsage
        java.lang:type=Memory NonHeapMemoryUsage
        java.lang:type=GarbageCollector CollectionCount
        java.lang:type=GarbageCollector CollectionTime
        java.lang:type=Threading ThreadCount
        java.lang:type=OperatingSystem OpenFileDescriptorCount
        java.lang:type=OperatingSystem MaxFileDescriptorCount
        java.lang:type=OperatingSystem SystemLoadAverage
        java.lang:type=OperatingSystem FreePhysicalMemorySize
        java.lang:type=OperatingSystem AvailableProcessors
        java.lang:type=Runtime Uptime
        java.lang:type=Runtime StartTime
        """);

    /// <summary>Those that belong to what is not there, each with why. Whoever builds it moves them up.</summary>
    public static IReadOnlyDictionary<string, string> Absent { get; } = Lines(
        """
        kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesInPerSec: several brokers
        kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesOutPerSec: several brokers
        kafka.server:type=BrokerTopicMetrics,name=ReassignmentBytesInPerSec: several brokers
        kafka.server:type=BrokerTopicMetrics,name=ReassignmentBytesOutPerSec: several brokers
        kafka.server:type=BrokerTopicMetrics,name=RemoteFetchBytesPerSec: tiered storage
        kafka.server:type=BrokerTopicMetrics,name=RemoteCopyBytesPerSec: tiered storage
        kafka.server:type=BrokerTopicMetrics,name=RemoteCopyLagBytes: tiered storage
        kafka.server:type=BrokerTopicMetrics,name=RemoteLogSizeBytes: tiered storage
        kafka.server:type=ReplicaFetcherManager,name=MaxLag: several brokers
        kafka.server:type=ReplicaFetcherManager,name=MinFetchRate: several brokers
        kafka.server:type=FetcherLagMetrics,name=ConsumerLag: several brokers
        kafka.server:type=raft-channel-metrics request-total: several brokers
        kafka.server:type=group-coordinator-metrics event-queue-size: lanes have no thread and no queue in Kafka's sense
        kafka.server:type=group-coordinator-metrics thread-idle-ratio-avg: lanes have no thread and no queue in Kafka's sense
        kafka.server:type=raft-metrics election-latency-avg: several brokers
        kafka.server:type=raft-metrics fetch-records-rate: several brokers
        kafka.server:type=raft-metrics poll-idle-ratio-avg: there is no thread that polls
        kafka.server:type=socket-server-metrics io-ratio: there are no network processors with a loop of their own
        kafka.server:type=socket-server-metrics select-rate: there are no network processors with a loop of their own
        kafka.server:type=socket-server-metrics successful-authentication-total: security
        kafka.server:type=socket-server-metrics failed-authentication-total: security
        kafka.server:type=ZooKeeperClientMetrics,name=ZooKeeperRequestLatencyMs: ZooKeeper mode
        kafka.server:type=SessionExpireListener,name=SessionState: ZooKeeper mode
        kafka.controller:type=KafkaController,name=ZkMigrationState: ZooKeeper mode
        kafka.controller:type=KafkaController,name=TopicsToDeleteCount: ZooKeeper mode
        kafka.controller:type=ControllerStats,name=LeaderElectionRateAndTimeMs: ZooKeeper mode
        kafka.network:type=RequestMetrics,name=MessageConversionsTimeMs: conversions are part of LocalTimeMs
        kafka.network:type=RequestMetrics,name=TemporaryMemoryBytes: conversions use pooled memory only
        kafka.network:type=RequestChannel,name=ResponseQueueSize: there is no queue between handler and network
        """).ToDictionary(line => line[..line.LastIndexOf(": ", StringComparison.Ordinal)], line => line[(line.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
