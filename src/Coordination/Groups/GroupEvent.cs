using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>One step of the fold that is the state of a partition's groups.</summary>
internal abstract record GroupEvent;

/// <summary>A record of <c>__consumer_offsets</c>, exactly as Apache Kafka writes it.</summary>
/// <param name="Key">What the record is about.</param>
/// <param name="Value">Null is a tombstone.</param>
/// <param name="Version">The version in which the value is written.</param>
/// <param name="ProducerId">The producer whose open transaction the record belongs to; -1 for none.</param>
internal sealed record GroupRecord(IGroupKey Key, IGroupValue? Value, short Version, long ProducerId = -1) : GroupEvent
{
    /// <summary>Kafka's GroupMetadataValue version since 2.3: the highest that is not flexible.</summary>
    public const short GroupMetadataVersion = 3;

    public static GroupRecord Of(string groupId, GroupMetadataValue value) =>
        new(new GroupMetadataKey { Group = groupId }, value, GroupMetadataVersion);

    public static GroupRecord Tombstone(IGroupKey key) => new(key, Value: null, Version: 0);

    public static GroupRecord GroupTombstone(string groupId) => Tombstone(new GroupMetadataKey { Group = groupId });
}

/// <summary>The end of a transaction: what its producer wrote before becomes valid, or void.</summary>
internal sealed record TransactionEnded(long ProducerId, bool IsCommit) : GroupEvent;

/// <summary>
/// A classic group has moved within a rebalance. Applied but never written: another coordinator starts from what the group's
/// last record says, and the members join again.
/// </summary>
internal sealed record ClassicGroupChanged(ClassicGroup Group) : GroupEvent;
