using Milena.Protocol.Compression;

namespace Milena.Coordination.Groups;

/// <summary>What the operator decides about groups. Names and defaults are Apache Kafka's.</summary>
public sealed record GroupConfig
{
    /// <summary><c>offsets.topic.num.partitions</c>: how many partitions share the groups. Fixed once the topic exists.</summary>
    public int OffsetsTopicPartitions { get; init; } = 50;

    /// <summary><c>offsets.topic.compression.codec</c>.</summary>
    public CompressionCodec OffsetsTopicCompression { get; init; } = CompressionCodec.None;

    /// <summary><c>group.initial.rebalance.delay.ms</c>: how long an empty group waits for more members after the first.</summary>
    public int InitialRebalanceDelayMs { get; init; } = 3_000;

    /// <summary><c>group.min.session.timeout.ms</c>.</summary>
    public int MinSessionTimeoutMs { get; init; } = 6_000;

    /// <summary><c>group.max.session.timeout.ms</c>.</summary>
    public int MaxSessionTimeoutMs { get; init; } = 1_800_000;

    /// <summary><c>group.max.size</c>: members of one group.</summary>
    public int MaxSize { get; init; } = int.MaxValue;

    /// <summary><c>group.consumer.assignors</c>: of the groups of KIP-848, the first for those whose members do not mind.</summary>
    public IReadOnlyList<string> ConsumerAssignors { get; init; } = ["uniform", "range"];

    /// <summary><c>group.consumer.session.timeout.ms</c>, for groups for which nothing else is set.</summary>
    public int ConsumerSessionTimeoutMs { get; init; } = 45_000;

    /// <summary><c>group.consumer.heartbeat.interval.ms</c>, likewise.</summary>
    public int ConsumerHeartbeatIntervalMs { get; init; } = 5_000;

    /// <summary><c>group.consumer.max.size</c>: members of one group of KIP-848.</summary>
    public int ConsumerMaxSize { get; init; } = int.MaxValue;

    /// <summary><c>group.consumer.regex.refresh.interval.ms</c>: how old the topics found for a regular expression may become.</summary>
    public int RegexRefreshIntervalMs { get; init; } = 600_000;

    /// <summary>
    /// What is set for single groups, by the group's id and the configuration's name, such as <c>consumer.session.timeout.ms</c>;
    /// null where nothing is. Asked again each time, so that a change is in force at once.
    /// </summary>
    public Func<string, string, int?> OfGroup { get; init; } = (_, _) => null;

    /// <summary><c>group.consumer.migration.policy</c>.</summary>
    public MigrationPolicy MigrationPolicy { get; init; } = MigrationPolicy.Bidirectional;

    /// <summary><c>offset.metadata.max.bytes</c>: counted in UTF-16 units, as Kafka counts.</summary>
    public int OffsetMetadataMaxBytes { get; init; } = 4_096;

    /// <summary><c>offsets.retention.minutes</c>, in ms: how long offsets outlive their last use.</summary>
    public long OffsetsRetentionMs { get; init; } = 7 * 24 * 60 * 60_000L;

    /// <summary><c>offsets.retention.check.interval.ms</c>.</summary>
    public long OffsetsRetentionCheckIntervalMs { get; init; } = 600_000;

    /// <summary>
    /// A member that joins without an id cannot send heartbeats and, if its client gives up, nobody would notice: it is dropped
    /// when its first join has not ended after so long. Not configurable in Kafka either.
    /// </summary>
    public int NewMemberJoinTimeoutMs { get; init; } = 5 * 60_000;

    /// <summary>
    /// Member ids of one group that were given out and not yet used. Ours: the ids cost memory and hold the rebalance up, so they
    /// have a bound.
    /// </summary>
    public int PendingMembersMax { get; init; } = 10_000;

    /// <summary>How long a timer that could not write waits before it tries again.</summary>
    public int RetryMs { get; init; } = 1_000;

    /// <summary>How long a member of this group may be silent.</summary>
    public int ConsumerSessionTimeoutMsOf(string groupId) => OfGroup(groupId, "consumer.session.timeout.ms") ?? ConsumerSessionTimeoutMs;

    /// <summary>How often members of this group are asked to send heartbeats.</summary>
    public int ConsumerHeartbeatIntervalMsOf(string groupId) =>
        OfGroup(groupId, "consumer.heartbeat.interval.ms") ?? ConsumerHeartbeatIntervalMs;
}

/// <summary>Whether live groups may go from one protocol to the other (<c>group.consumer.migration.policy</c>).</summary>
[Flags]
public enum MigrationPolicy
{
    /// <summary>Groups stay what they are until they are empty.</summary>
    Disabled = 0,

    /// <summary>From the classic protocol to the consumer protocol.</summary>
    Upgrade = 1,

    /// <summary>From the consumer protocol to the classic protocol.</summary>
    Downgrade = 2,

    /// <summary>Both.</summary>
    Bidirectional = Upgrade | Downgrade,
}
