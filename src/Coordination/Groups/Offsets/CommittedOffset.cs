using Milena.Common;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>Which offset: a group's, in a partition. Ordered by group, topic, partition.</summary>
internal readonly record struct OffsetKey(string Group, string Topic, int Partition) : IComparable<OffsetKey>
{
    public static OffsetKey Of(OffsetCommitKey key) => new(key.Group, key.Topic, key.Partition);

    public static OffsetKey Of(LegacyOffsetCommitKey key) => new(key.Group, key.Topic, key.Partition);

    public int CompareTo(OffsetKey other)
    {
        var group = string.CompareOrdinal(Group, other.Group);
        if (group != 0)
            return group;
        var topic = string.CompareOrdinal(Topic, other.Topic);
        return topic != 0 ? topic : Partition.CompareTo(other.Partition);
    }

    public GroupRecord Tombstone() =>
        GroupRecord.Tombstone(new OffsetCommitKey { Group = Group, Topic = Topic, Partition = Partition });
}

/// <summary>How far a group has come in a partition.</summary>
/// <param name="Offset">The next record to read.</param>
/// <param name="LeaderEpoch">Of the last record read; -1 if the client did not say.</param>
/// <param name="Metadata">Whatever the client wishes to remember.</param>
/// <param name="CommitTimestampMs">When it was committed, ms since 1970.</param>
/// <param name="ExpireTimestampMs">When it shall go, ms since 1970, if the client said so (OffsetCommit v2 to v4); -1 if not.</param>
/// <param name="TopicId">The topic it was committed for; zero if unknown.</param>
internal sealed record CommittedOffset(
    long Offset, int LeaderEpoch, string Metadata, long CommitTimestampMs, long ExpireTimestampMs, Uuid TopicId)
{
    /// <summary>When the record was written, counted in offset records of this partition's life here: the later one is valid.</summary>
    public long Sequence { get; init; }

    public static CommittedOffset Of(OffsetCommitValue value) => new(
        value.Offset, value.LeaderEpoch, value.Metadata, value.CommitTimestamp, value.ExpireTimestamp, value.TopicId);

    public static CommittedOffset Of(LegacyOffsetCommitValue value) =>
        new(value.Offset, LeaderEpoch: -1, value.Metadata, value.CommitTimestamp, ExpireTimestampMs: -1, Uuid.Zero);

    /// <summary>
    /// The record of this commit. Only version 1 has an expire timestamp, so it is used for commits that carry one, as Kafka does;
    /// version 4 is the one that keeps the topic's id.
    /// </summary>
    public GroupRecord ToRecord(OffsetKey key) => new(
        new OffsetCommitKey { Group = key.Group, Topic = key.Topic, Partition = key.Partition },
        new OffsetCommitValue
        {
            Offset = Offset,
            LeaderEpoch = LeaderEpoch,
            Metadata = Metadata,
            CommitTimestamp = CommitTimestampMs,
            ExpireTimestamp = ExpireTimestampMs,
            TopicId = TopicId,
        },
        Version: ExpireTimestampMs >= 0 ? (short)1 : (short)4);

    /// <summary>True if it was committed for another topic of the same name, one that has been deleted since.</summary>
    public bool IsOfOtherTopic(Uuid topicId) => topicId != Uuid.Zero && TopicId != Uuid.Zero && topicId != TopicId;
}
