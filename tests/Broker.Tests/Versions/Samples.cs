using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Versions;

/// <summary>
/// Ordinary requests and mistaken ones for every API that is served, as functions of the version: fields that a version does not
/// have are left alone. Nothing here changes what another sample needs.
/// </summary>
internal static partial class Samples
{
    private const short Member = 3;

    /// <param name="topic">A topic with a partition that holds a few records.</param>
    public static IReadOnlyList<Sample> All(TestTopic topic) =>
    [
        .. Data(topic), .. Cluster(topic), .. Topics(topic), .. Groups(), .. Offsets(topic), .. Configs(topic), .. MarkerSamples.All(topic),
        .. Administration(topic),
        .. TransactionSamples.All(topic),
        .. Quotas(), .. TelemetrySamples.All(),
    ];

    private static IEnumerable<Sample> Data(TestTopic topic)
    {
        foreach (var acks in new short[] { 1, -1, 7 })
        {
            yield return Sample.Of($"acks {acks}", version =>
                ClientExtensions.ProduceRequest(
                    topic, 0, version < 3 ? Legacy.MessageSet(version < 2 ? 0 : 1, "a") : Batches.Of("a"), acks));
        }

        yield return Sample.Of("no records", _ => ClientExtensions.ProduceRequest(topic, 0, null));
        yield return Sample.Of("damaged", _ => ClientExtensions.ProduceRequest(topic, 0, Batches.Of("a").With(-1, 99)));
        yield return Sample.Of("records at fault", _ => ClientExtensions.ProduceRequest(topic, 0, Batches.Of(
            Protocol.Records.RecordBatchOptions.Default, long.MaxValue / 2, "from the future")));
        yield return Sample.Of("no such partition", _ => ClientExtensions.ProduceRequest(topic, 9, Batches.Of("a")));
        yield return Sample.Of("no such topic", _ => ClientExtensions.ProduceRequest(TestTopic.Unknown, 0, Batches.Of("a")));
        yield return Sample.Of("transactional", version => new ProduceRequest
        {
            TransactionalId = version >= 3 ? "t" : null,
            Acks = -1,
            TopicData = ClientExtensions.ProduceRequest(topic, 0, Batches.Of(
                Protocol.Records.RecordBatchOptions.Default with { IsTransactional = true, ProducerId = 5, ProducerEpoch = 0, BaseSequence = 0 }, 0, "a")).TopicData,
        });

        yield return Fetch("from the start", topic, ClientExtensions.From(0, 0));
        yield return Fetch("beyond the end", topic, ClientExtensions.From(0, 1 << 30));
        yield return Fetch("old epoch", topic, ClientExtensions.From(0, 0, leaderEpoch: 0), ClientExtensions.From(0, 0, leaderEpoch: 99));
        yield return Fetch("no such partition", topic, ClientExtensions.From(9, 0));
        yield return Fetch("no such topic", TestTopic.Unknown, ClientExtensions.From(0, 0));
        yield return Sample.Of("diverged", version =>
            ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 1000, lastFetchedEpoch: version >= 12 ? 0 : -1)));
        yield return Sample.Of("as a replica", version => new FetchRequest
        {
            ReplicaId = version < 15 ? 2 : -1,
            ReplicaState = version < 15 ? new() : new() { ReplicaId = 2, ReplicaEpoch = 1 },
            Topics = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0)).Topics,
        });
        yield return Sample.Of(
            "new session", version => With(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0)), version, 0, 0));
        yield return Sample.Of(
            "no such session", version => With(ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0)), version, 77, 5));
        yield return Sample.Of("committed only", version =>
        {
            var request = ClientExtensions.FetchRequest(topic, ClientExtensions.From(0, 0));
            request.IsolationLevel = version >= 4 ? (sbyte)1 : (sbyte)0;
            return request;
        });

        foreach (var timestamp in new long[] { -1, -2, -3, -4, -5, -6, -7, 0, long.MaxValue })
            yield return Sample.Of(
                $"at {timestamp}", _ => ListOffsets(topic, new ListOffsetsRequest.ListOffsetsPartition { Timestamp = timestamp }));
        yield return Sample.Of(
            "of an old epoch",
            version => ListOffsets(
                topic, new ListOffsetsRequest.ListOffsetsPartition { Timestamp = -1, CurrentLeaderEpoch = version >= 4 ? 0 : -1 }));
        yield return Sample.Of(
            "of a partition twice",
            _ => ListOffsets(
                topic,
                new ListOffsetsRequest.ListOffsetsPartition { Timestamp = -1 },
                new ListOffsetsRequest.ListOffsetsPartition { Timestamp = -2 }));
        yield return Sample.Of(
            "of no such topic", _ => ListOffsets(TestTopic.Unknown, new ListOffsetsRequest.ListOffsetsPartition { Timestamp = -1 }));

        yield return Sample.Of("epochs", version => new OffsetForLeaderEpochRequest
        {
            Topics =
            [
                new() { Topic = topic.Name, Partitions = [Epoch(0, -1), Epoch(99, -1), Epoch(0, version >= 2 ? 99 : -1)] },
                new() { Topic = TestTopic.Unknown.Name, Partitions = [Epoch(0, -1)] },
            ],
        });
        yield return Sample.Of("records", _ => new DeleteRecordsRequest
        {
            Topics =
            [
                new()
                {
                    Name = topic.Name,
                    Partitions = [new() { PartitionIndex = 0, Offset = 0 }, new() { PartitionIndex = 0, Offset = 1 << 30 }],
                },
                new() { Name = TestTopic.Unknown.Name, Partitions = [new() { PartitionIndex = 0, Offset = 0 }] },
            ],
        });
        yield return Sample.Of("an id", _ => new InitProducerIdRequest { TransactionalId = null, TransactionTimeoutMs = int.MaxValue });
        yield return Sample.Of("an id of a transaction", _ => new InitProducerIdRequest { TransactionalId = "t" });
        yield return Sample.Of("an id of half a producer", version =>
            new InitProducerIdRequest { TransactionalId = null, ProducerId = version >= 3 ? 7 : -1 });
    }

    private static IEnumerable<Sample> Cluster(TestTopic topic)
    {
        yield return Sample.Of("versions", _ => new ApiVersionsRequest { ClientSoftwareName = "tests", ClientSoftwareVersion = "1.0" });
        yield return Sample.Of("versions without a name", _ => new ApiVersionsRequest());
        yield return Sample.Of("all topics", version => new MetadataRequest { Topics = version == 0 ? [] : null });
        yield return Sample.Of("no topics", _ => new MetadataRequest { Topics = [] });
        yield return Sample.Of("topics by name", version => new MetadataRequest
        {
            Topics = [new() { Name = topic.Name }, new() { Name = "not/a/name" }],
            IncludeClusterAuthorizedOperations = version is >= 8 and <= 10,
            IncludeTopicAuthorizedOperations = version >= 8,
        });
        yield return Sample.Of("a topic that is not created", version => new MetadataRequest
        {
            Topics = [new() { Name = version < 4 ? "a b" : TestTopic.Unknown.Name }],
            AllowAutoTopicCreation = version < 4,
        });
        yield return Sample.Of("topics by id", version => new MetadataRequest
        {
            Topics = version < 10
                ? [new() { Name = topic.Name }]
                :
                [
                    new() { Name = version < 12 ? topic.Name : null, TopicId = topic.Id },
                    new() { Name = version < 12 ? "a" : null, TopicId = TestTopic.Unknown.Id },
                ],
        });
        yield return Sample.Of(
            "a topic without a name", version => new MetadataRequest { Topics = [new() { Name = version < 10 ? "" : null }] });
        yield return Sample.Of(
            "brokers",
            version => new DescribeClusterRequest { IncludeClusterAuthorizedOperations = true, IncludeFencedBrokers = version >= 2 });
        yield return Sample.Of("controllers", version => new DescribeClusterRequest { EndpointType = version >= 1 ? (sbyte)2 : (sbyte)1 });
        yield return Sample.Of("all log directories", _ => new DescribeLogDirsRequest { Topics = null });
        yield return Sample.Of("some of the log directories", _ => new DescribeLogDirsRequest
        {
            Topics =
            [
                new() { Topic = topic.Name, Partitions = [0, 9] },
                new() { Topic = topic.Name, Partitions = [0] },
                new() { Topic = TestTopic.Unknown.Name, Partitions = [0] },
            ],
        });
        yield return Sample.Of("pages of topics", _ => new DescribeTopicPartitionsRequest { Topics = [], ResponsePartitionLimit = 1 });
        yield return Sample.Of("a page of a topic", _ => new DescribeTopicPartitionsRequest
        {
            Topics = [new() { Name = topic.Name }, new() { Name = TestTopic.Unknown.Name }],
            Cursor = new() { TopicName = topic.Name, PartitionIndex = 0 },
        });
    }

    private static IEnumerable<Sample> Topics(TestTopic topic)
    {
        yield return Sample.Of("a topic that is there", version => new CreateTopicsRequest
        {
            Topics =
            [
                new() { Name = topic.Name, NumPartitions = 1, ReplicationFactor = 1 },
                new() { Name = "a/b", NumPartitions = 1, ReplicationFactor = 1 },
            ],
            ValidateOnly = version >= 1,
        });
        yield return Sample.Of("a topic to check", version => new CreateTopicsRequest
        {
            Topics =
            [
                new()
                {
                    Name = version == 0 ? topic.Name : "would-be",
                    NumPartitions = 2,
                    ReplicationFactor = 1,
                    Configs = [new() { Name = "retention.ms", Value = "1000" }],
                },
            ],
            ValidateOnly = version >= 1,
        });
        yield return Sample.Of("a topic that is not there", version => version < 6
            ? new DeleteTopicsRequest { TopicNames = [TestTopic.Unknown.Name, "a/b"] }
            : new DeleteTopicsRequest
            {
                Topics =
                [
                    new() { Name = TestTopic.Unknown.Name },
                    new() { TopicId = TestTopic.Unknown.Id },
                    new() { Name = "x", TopicId = topic.Id },
                    new(),
                ],
            });
        yield return Sample.Of("more partitions to check", _ => new CreatePartitionsRequest
        {
            Topics =
            [
                new() { Name = topic.Name, Count = 5, Assignments = null },
                new() { Name = TestTopic.Unknown.Name, Count = 5, Assignments = null },
            ],
            ValidateOnly = true,
        });
        yield return Sample.Of(
            "fewer partitions",
            _ => new CreatePartitionsRequest
            {
                Topics = [new() { Name = topic.Name, Count = 1, Assignments = [new() { BrokerIds = [1] }] }],
            });
    }

    private static IEnumerable<Sample> Groups()
    {
        foreach (var (name, keyType) in new[] { ("of a group", 0), ("of a transaction", 1), ("of a share group", 2), ("of nothing", 9) })
        {
            yield return Sample.Of(name, version => new FindCoordinatorRequest
            {
                Key = version < 4 ? "g" : "",
                KeyType = version < 1 ? (sbyte)0 : (sbyte)keyType,
                CoordinatorKeys = version < 4 ? [] : ["g", "g", ""],
            });
        }

        yield return Sample.Of("a stranger", version => new JoinGroupRequest
        {
            GroupId = "g",
            SessionTimeoutMs = 10_000,
            RebalanceTimeoutMs = 10_000,
            MemberId = "stranger",
            ProtocolType = "consumer",
            Protocols = [new() { Name = "range" }],
        });
        yield return Sample.Of("a member", version => new JoinGroupRequest
        {
            GroupId = $"joined-in-{version}",
            SessionTimeoutMs = 10_000,
            RebalanceTimeoutMs = 10_000,
            GroupInstanceId = version >= 5 ? "static" : null,
            ProtocolType = "consumer",
            Protocols = [new() { Name = "range" }],
        });
        yield return Sample.Of("a group without a name", _ => new JoinGroupRequest { GroupId = "", SessionTimeoutMs = 10_000 });
        yield return Sample.Of(
            "a stranger",
            version => new HeartbeatRequest { GroupId = "g", MemberId = "m", GroupInstanceId = version >= Member ? "s" : null });
        yield return Sample.Of("a new member", version => new ConsumerGroupHeartbeatRequest
        {
            GroupId = $"entered-in-{version}",
            MemberId = version >= 1 ? "m" : "",
            RebalanceTimeoutMs = 10_000,
            SubscribedTopicNames = version >= 1 ? null : ["t"],
            SubscribedTopicRegex = version >= 1 ? ".*" : null,
            TopicPartitions = [],
        });
        yield return Sample.Of("a stranger", _ => new ConsumerGroupHeartbeatRequest { GroupId = "g", MemberId = "m", MemberEpoch = 7 });
        yield return Sample.Of("a stranger", version => version < Member
            ? new LeaveGroupRequest { GroupId = "g", MemberId = "m" }
            : new LeaveGroupRequest { GroupId = "g", Members = [new() { MemberId = "m" }, new() { GroupInstanceId = "s" }] });
        yield return Sample.Of("a stranger", version => new SyncGroupRequest
        {
            GroupId = "g",
            MemberId = "m",
            GroupInstanceId = version >= Member ? "s" : null,
            ProtocolType = version >= 5 ? "consumer" : null,
            ProtocolName = version >= 5 ? "range" : null,
        });
        yield return Sample.Of(
            "groups",
            version => new DescribeGroupsRequest { Groups = ["g", "g", "committed", ""], IncludeAuthorizedOperations = version >= 3 });
        yield return Sample.Of("groups", version => new ListGroupsRequest
        {
            StatesFilter = version >= 4 ? ["Stable", "Empty"] : [],
            TypesFilter = version >= 5 ? ["classic"] : [],
        });
        yield return Sample.Of(
            "groups", _ => new ConsumerGroupDescribeRequest { GroupIds = ["g", "no-such-group", ""], IncludeAuthorizedOperations = true });
        yield return Sample.Of("groups", _ => new DeleteGroupsRequest { GroupsNames = ["no-such-group", ""] });
    }

    private static IEnumerable<Sample> Offsets(TestTopic topic)
    {
        yield return Sample.Of("offsets", version => new OffsetCommitRequest
        {
            GroupId = "committed",
            RetentionTimeMs = version is >= 2 and <= 4 ? 60_000 : -1,
            Topics = [OffsetCommit(topic), OffsetCommit(TestTopic.Unknown)],
        });
        yield return Sample.Of("offsets of a stranger", version => new OffsetCommitRequest
        {
            GroupId = "nobody-joined",
            GenerationIdOrMemberEpoch = version >= 1 ? 3 : -1,
            MemberId = version >= 1 ? "m" : "",
            GroupInstanceId = version >= 7 ? "s" : null,
            Topics = [OffsetCommit(topic)],
        });
        yield return Sample.Of("offsets", version => version < 8
            ? new OffsetFetchRequest
            {
                GroupId = "committed",
                Topics = [new() { Name = topic.Name, PartitionIndexes = [0, 9] }],
                RequireStable = version >= 7,
            }
            : new OffsetFetchRequest
            {
                Groups =
                [
                    new()
                    {
                        GroupId = "committed",
                        Topics =
                        [
                            new() { Name = topic.Name, TopicId = topic.Id, PartitionIndexes = [0, 9] },
                            new() { Name = TestTopic.Unknown.Name, TopicId = TestTopic.Unknown.Id, PartitionIndexes = [0] },
                        ],
                    },
                    new() { GroupId = "nobody-joined", Topics = null },
                ],
                RequireStable = true,
            });
        yield return Sample.Of("all offsets", version => version < 8
            ? new OffsetFetchRequest { GroupId = "committed", Topics = version >= 2 ? null : [] }
            : new OffsetFetchRequest { Groups = [new() { GroupId = "committed", Topics = null }] });
        yield return Sample.Of("offsets", _ => new OffsetDeleteRequest
        {
            GroupId = "no-such-group",
            Topics = [new() { Name = topic.Name, Partitions = [new() { PartitionIndex = 0 }] }],
        });
        yield return Sample.Of("offsets of no topic", _ => new OffsetDeleteRequest
        {
            GroupId = "committed",
            Topics = [new() { Name = TestTopic.Unknown.Name, Partitions = [new() { PartitionIndex = 0 }] }],
        });
    }

    private static IEnumerable<Sample> Configs(TestTopic topic)
    {
        yield return Sample.Of("configs", version => new DescribeConfigsRequest
        {
            Resources =
            [
                new() { ResourceType = 2, ResourceName = topic.Name, ConfigurationKeys = null },
                new() { ResourceType = 4, ResourceName = "1", ConfigurationKeys = null },
                new() { ResourceType = 4, ResourceName = "", ConfigurationKeys = null },
                new() { ResourceType = 4, ResourceName = "77", ConfigurationKeys = ["a"] },
                new() { ResourceType = 2, ResourceName = TestTopic.Unknown.Name, ConfigurationKeys = [] },
                new() { ResourceType = 2, ResourceName = "a/b", ConfigurationKeys = [] },
                new() { ResourceType = 8, ResourceName = "1", ConfigurationKeys = null },
                new() { ResourceType = 16, ResourceName = "metrics", ConfigurationKeys = null },
                new() { ResourceType = 32, ResourceName = "g", ConfigurationKeys = null },
                new() { ResourceType = 99, ResourceName = "x", ConfigurationKeys = null },
            ],
            IncludeSynonyms = version >= 1,
            IncludeDocumentation = version >= 3,
        });
        yield return Sample.Of("configs", _ => new AlterConfigsRequest
        {
            Resources =
            [
                new() { ResourceType = 2, ResourceName = topic.Name, Configs = [new() { Name = "retention.ms", Value = "1000" }] },
                new()
                {
                    ResourceType = 2,
                    ResourceName = TestTopic.Unknown.Name,
                    Configs = [new() { Name = "retention.ms", Value = null }],
                },
                new() { ResourceType = 99, ResourceName = "x" },
            ],
            ValidateOnly = true,
        });
        yield return Sample.Of("configs", _ => new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                new() { ResourceType = 2, ResourceName = topic.Name, Configs = [new() { Name = "retention.ms", Value = "1000" }] },
                new()
                {
                    ResourceType = 2,
                    ResourceName = TestTopic.Unknown.Name,
                    Configs = [new() { Name = "no.such", ConfigOperation = 2, Value = "x" }],
                },
                new() { ResourceType = 4, ResourceName = "", Configs = [new() { Name = "node.id", Value = "5" }] },
            ],
            ValidateOnly = true,
        });
    }

    private static IEnumerable<Sample> Administration(TestTopic topic)
    {
        foreach (var type in new sbyte[] { 0, 1, 9 })
        {
            yield return Sample.Of($"elections of type {type}", version => new ElectLeadersRequest
            {
                ElectionType = version >= 1 ? type : (sbyte)0,
                TopicPartitions = [new() { Topic = topic.Name, Partitions = [0, 9] }, new() { Topic = TestTopic.Unknown.Name, Partitions = [0] }],
            });
        }

        yield return Sample.Of("elections everywhere", _ => new ElectLeadersRequest { TopicPartitions = null });
        yield return Sample.Of("a reassignment to nobody", version => new AlterPartitionReassignmentsRequest
        {
            AllowReplicationFactorChange = version < 1,
            Topics =
            [
                new()
                {
                    Name = topic.Name,
                    Partitions =
                    [
                        new() { PartitionIndex = 0, Replicas = [77] }, new() { PartitionIndex = 9, Replicas = [1] }, new() { PartitionIndex = 0, Replicas = null },
                    ],
                },
            ],
        });
        yield return Sample.Of("all reassignments", _ => new ListPartitionReassignmentsRequest { Topics = null });
        yield return Sample.Of("some reassignments", _ => new ListPartitionReassignmentsRequest
        {
            Topics = [new() { Name = topic.Name, PartitionIndexes = [0, 9] }, new() { Name = TestTopic.Unknown.Name, PartitionIndexes = [0] }],
        });
        yield return Sample.Of("the quorum", _ => new DescribeQuorumRequest
        {
            Topics = [new() { TopicName = "__cluster_metadata", Partitions = [new() { PartitionIndex = 0 }] }],
        });
        yield return Sample.Of("another quorum", _ => new DescribeQuorumRequest
        {
            Topics = [new() { TopicName = topic.Name, Partitions = [new() { PartitionIndex = 0 }] }],
        });
        foreach (var name in new[] { "metadata.version", "no.such.version" })
        {
            yield return Sample.Of($"the level of {name} that it has", version => new UpdateFeaturesRequest
            {
                FeatureUpdates = [new() { Feature = name, MaxVersionLevel = 29, AllowDowngrade = version < 1 }],
                ValidateOnly = version >= 1,
            });
        }

        yield return Sample.Of("moves to nowhere", _ => new AlterReplicaLogDirsRequest
        {
            Dirs = [new() { Path = "/no/such/directory", Topics = [new() { Name = topic.Name, Partitions = [0, 9] }] }],
        });
        yield return Sample.Of("a broker that is not there", _ => new UnregisterBrokerRequest { BrokerId = 77 });
        yield return Sample.Of("resources with configurations", version => new ListConfigResourcesRequest
        {
            ResourceTypes = version >= 1 ? [2, 4, 8, 16, 32] : [],
        });
        yield return Sample.Of("resources of no type", version => new ListConfigResourcesRequest { ResourceTypes = version >= 1 ? [77] : [] });
        yield return Sample.Of("levels of loggers", _ => new IncrementalAlterConfigsRequest
        {
            Resources = [new() { ResourceType = 8, ResourceName = "1", Configs = [new() { Name = "no.such", Value = "DEBUG" }] }],
        });
    }

    private static Sample Fetch(string name, TestTopic topic, params FetchRequest.FetchPartition[] partitions) =>
        Sample.Of(name, _ => ClientExtensions.FetchRequest(topic, partitions));

    private static FetchRequest With(FetchRequest request, short version, int sessionId, int sessionEpoch)
    {
        if (version >= 7)
            (request.SessionId, request.SessionEpoch) = (sessionId, sessionEpoch);
        return request;
    }

    private static ListOffsetsRequest ListOffsets(TestTopic topic, params ListOffsetsRequest.ListOffsetsPartition[] partitions) => new()
    {
        ReplicaId = -1,
        Topics = [new() { Name = topic.Name, Partitions = partitions }],
    };

    private static OffsetForLeaderEpochRequest.OffsetForLeaderPartition Epoch(int epoch, int currentEpoch) =>
        new() { Partition = 0, LeaderEpoch = epoch, CurrentLeaderEpoch = currentEpoch };

    private static OffsetCommitRequest.OffsetCommitRequestTopic OffsetCommit(TestTopic topic) => new()
    {
        Name = topic.Name,
        TopicId = topic.Id,
        Partitions =
        [
            new() { PartitionIndex = 0, CommittedOffset = 5, CommittedMetadata = null },
            new() { PartitionIndex = 9, CommittedOffset = 5, CommittedMetadata = "m" },
            new() { PartitionIndex = 0, CommittedOffset = 5, CommittedMetadata = new string('m', 5000) },
        ],
    };
}
