namespace Milena.Metadata.Features;

/// <summary>The features whose levels a cluster agrees on (KIP-584, KIP-1022).</summary>
public static class FeatureNames
{
    /// <summary>Which records the metadata log holds.</summary>
    public const string MetadataVersion = "metadata.version";

    /// <summary>Whether the voters are in the log (KIP-853). Lives in control records, not in the image.</summary>
    public const string KRaftVersion = "kraft.version";

    /// <summary>Whether replicas that left the in-sync replicas may still lead (KIP-966).</summary>
    public const string EligibleLeaderReplicas = "eligible.leader.replicas.version";

    /// <summary>Whether groups may use the consumer protocol (KIP-848).</summary>
    public const string Group = "group.version";

    /// <summary>Whether there are share groups (KIP-932).</summary>
    public const string Share = "share.version";

    /// <summary>Whether there are streams groups (KIP-1071).</summary>
    public const string Streams = "streams.version";

    /// <summary>Flexible transaction records, and transactions of the second kind (KIP-890).</summary>
    public const string Transaction = "transaction.version";
}
