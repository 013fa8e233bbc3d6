using System.Collections.Immutable;
using Milena.Protocol;

namespace Milena.Metadata.Features;

/// <summary>
/// The features that this build knows, with their levels, and the levels at which a new cluster starts. Whoever raises a range
/// has made the level work.
/// </summary>
public static class FeatureSet
{
    /// <summary>
    /// The levels that a node of this build can work at, as it tells the controller when it registers and clients that ask. A
    /// feature that is not here is served at level 0, which is to say not at all.
    /// </summary>
    public static ImmutableSortedDictionary<string, VersionRange> Supported { get; } = new Dictionary<string, VersionRange>
    {
        [FeatureNames.MetadataVersion] = new(MetadataVersions.Min, MetadataVersions.Latest),
        [FeatureNames.KRaftVersion] = new(0, 1),
        [FeatureNames.Group] = new(0, 1),
        [FeatureNames.Transaction] = new(0, 2),
        [FeatureNames.EligibleLeaderReplicas] = new(0, 1),

        // To be added, a line each, with what they stand for: share.version 1 with share groups, streams.version 1 with streams groups. New clusters
        // then start with them.
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    // From which metadata.version on Apache Kafka starts a new cluster with that level.
    private static readonly (string Name, short Level, short FromMetadataVersion)[] Defaults =
    [
        (FeatureNames.EligibleLeaderReplicas, 1, 26),
        (FeatureNames.Group, 1, 22),
        (FeatureNames.Share, 1, 28),
        (FeatureNames.Streams, 1, 29),
        (FeatureNames.Transaction, 2, 24),
    ];

    /// <summary>
    /// What another feature must be at for a feature to work at a level, or null if it depends on none. Only Kafka's own dependencies
    /// are here: that levels of metadata.version come first is checked for all of them.
    /// </summary>
    public static (string Name, short Level)? Dependency(string name, short level) => (name, level) switch
    {
        (FeatureNames.EligibleLeaderReplicas, >= 1) => (FeatureNames.MetadataVersion, 23), // its records: 4.0-IV1
        _ => null,
    };

    /// <summary>The highest level at which this build serves a feature that somebody wants at <paramref name="level"/>.</summary>
    public static short Served(string name, short level) =>
        Supported.TryGetValue(name, out var range) ? Math.Min(level, range.Max) : (short)0;

    /// <summary>
    /// The level of each feature, other than metadata.version itself, with which a new cluster starts; 0 is left out. Eligible leaders
    /// are served, and worth something only where there are other replicas: who has those turns them on.
    /// </summary>
    public static ImmutableSortedDictionary<string, short> InitialLevels(short metadataVersion) => KafkaLevels(metadataVersion)
        .Where(feature => feature.Key != FeatureNames.EligibleLeaderReplicas)
        .Select(feature => KeyValuePair.Create(feature.Key, Served(feature.Key, feature.Value)))
        .Where(feature => feature.Value > 0)
        .ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The same for a cluster that Apache Kafka formats.</summary>
    public static ImmutableSortedDictionary<string, short> KafkaLevels(short metadataVersion) => Defaults
        .Where(feature => metadataVersion >= feature.FromMetadataVersion)
        .ToImmutableSortedDictionary(feature => feature.Name, feature => feature.Level, StringComparer.Ordinal);
}
