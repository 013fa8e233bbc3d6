using Milena.Protocol.Messages;

namespace Milena.Metadata.Features;

/// <summary>
/// Levels of the feature <c>metadata.version</c>: which records, in which versions, may stand in the metadata log. What the
/// levels brought is in the comments of those that we ask about.
/// </summary>
public static class MetadataVersions
{
    /// <summary>The lowest level that Kafka 4 reads (3.3-IV3).</summary>
    public const short Min = 7;

    /// <summary>The level of Kafka 4.2 (4.2-IV1), the highest whose records we know.</summary>
    public const short Latest = 29;

    private static readonly short[] ChangingRecords = [7, 8, 11, 13, 14, 15, 17, 23, 30, 32, 33];

    private static readonly string[] Names =
    [
        "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2",
        "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0",
        "4.2-IV1",
    ];

    /// <summary>The release that a level is named after, for example <c>4.2-IV1</c>.</summary>
    public static string Name(short level) => level is >= Min and <= Latest ? Names[level - Min] : level.ToString();

    /// <summary>
    /// Whether going from a level to a lower one would leave records in the log that the lower one does not know: a level between them
    /// changed what is written.
    /// </summary>
    public static bool DiffersBelow(short from, short to) => ChangingRecords.Any(level => level > to && level <= from);

    /// <summary>Records of several batches can be one change (3.6-IV1, KIP-868).</summary>
    public static bool HasTransactions(short level) => level >= 13;

    /// <summary>Controllers register like brokers do (3.7-IV0, KIP-919).</summary>
    public static bool HasControllerRegistrations(short level) => level >= 15;

    /// <summary>Replicas know their log directory (3.7-IV2, KIP-858).</summary>
    public static bool HasDirectories(short level) => level >= 17;

    /// <summary>Records about eligible leader replicas may be written (4.0-IV1, KIP-966).</summary>
    public static bool HasEligibleLeaders(short level) => level >= 23;

    /// <summary>
    /// The version in which a record is written at a level. Higher ones would make brokers of that level fail to read the log.
    /// </summary>
    public static short RecordVersion(IMetadataRecord record, short level) => record switch
    {
        RegisterBrokerRecord => level >= 17 ? (short)3 : level >= 8 ? (short)2 : (short)1,
        PartitionRecord or PartitionChangeRecord => level >= 23 ? (short)2 : level >= 17 ? (short)1 : (short)0,
        BrokerRegistrationChangeRecord => level >= 17 ? (short)2 : (short)1,
        _ => 0,
    };
}
