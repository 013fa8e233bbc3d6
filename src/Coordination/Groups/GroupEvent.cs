using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>One step of the fold that is the state of a partition's groups.</summary>
internal abstract record GroupEvent;

/// <summary>A record of <c>__consumer_offsets</c>, exactly as Apache Kafka writes it.</summary>
/// <param name="Key">What the record is about.</param>
/// <param name="Value">Null is a tombstone.</param>
/// <param name="Version">The version in which the value is written.</param>
/// <param name="ProducerId">The producer whose open transaction the record belongs to; -1 for none.</param>
/// <param name="ProducerEpoch">Its epoch; -1 for none.</param>
internal sealed record GroupRecord(IGroupKey Key, IGroupValue? Value, short Version, long ProducerId = -1, short ProducerEpoch = -1) : GroupEvent
{
    /// <summary>Kafka's GroupMetadataValue version since 2.3: the highest that is not flexible.</summary>
    public const short GroupMetadataVersion = 3;

    public static GroupRecord Of(string groupId, GroupMetadataValue value) =>
        new(new GroupMetadataKey { Group = groupId }, value, GroupMetadataVersion);

    public static GroupRecord Tombstone(IGroupKey key) => new(key, Value: null, Version: 0);

    public static GroupRecord GroupTombstone(string groupId) => Tombstone(new GroupMetadataKey { Group = groupId });
}

/// <summary>The end of a transaction, a marker in the log: what its producer wrote before becomes valid, or void.</summary>
/// <param name="ProducerId">The producer.</param>
/// <param name="IsCommit">Valid, or void.</param>
/// <param name="ProducerEpoch">The epoch of the marker.</param>
/// <param name="CoordinatorEpoch">The epoch of the coordinator that decided it.</param>
internal sealed record TransactionEnded(long ProducerId, bool IsCommit, short ProducerEpoch, int CoordinatorEpoch) : GroupEvent;

/// <summary>
/// A producer wants to write offsets, and the coordinator of its transaction is being asked about it. Applied but never written: the
/// answer is worth something only to those who were here when it was asked for.
/// </summary>
/// <param name="ProducerId">The producer.</param>
/// <param name="Inquiry">Whose answer counts, until the transaction begins or ends here. Null: it was no.</param>
internal sealed record TransactionInquired(long ProducerId, TransactionInquiry? Inquiry) : GroupEvent;

/// <summary>A question to the coordinator of a transaction, shared by those who ask it at the same time; known by its identity.</summary>
internal sealed class TransactionInquiry(short producerEpoch)
{
    public short ProducerEpoch { get; } = producerEpoch;
}

/// <summary>
/// A group has moved in what is volatile. Applied but never written: another coordinator starts from what the group's records say,
/// and the members make themselves heard again.
/// </summary>
internal sealed record GroupChanged(Group Group) : GroupEvent;
