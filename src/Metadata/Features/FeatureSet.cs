using System.Collections.Immutable;
using Milena.Protocol;

namespace Milena.Metadata.Features;

/// <summary>
/// The features that this build knows, with their levels, and the levels at which a new cluster starts. Whoever raises a range
/// has made the level work.
/// </summary>
public static class FeatureSet
{
    /// <summary>The levels that a node of this build can work at, as it tells the controller when it registers.</summary>
    public static ImmutableSortedDictionary<string, VersionRange> Supported { get; } = new Dictionary<string, VersionRange>
    {
        [FeatureNames.MetadataVersion] = new(MetadataVersions.Min, MetadataVersions.Latest),
        [FeatureNames.KRaftVersion] = new(0, 1),
        [FeatureNames.EligibleLeaderReplicas] = new(0, 1),
        [FeatureNames.Group] = new(0, 1),
        [FeatureNames.Share] = new(0, 1),
        [FeatureNames.Streams] = new(0, 1),
        [FeatureNames.Transaction] = new(0, 2),
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    // From which metadata.version on a new cluster starts with that level.
    private static readonly (string Name, short Level, short FromMetadataVersion)[] Defaults =
    [
        (FeatureNames.EligibleLeaderReplicas, 1, 26),
        (FeatureNames.Group, 1, 22),
        (FeatureNames.Share, 1, 28),
        (FeatureNames.Streams, 1, 29),
        (FeatureNames.Transaction, 2, 24),
    ];

    /// <summary>The level of each feature, other than metadata.version itself, with which a new cluster starts; 0 is left out.</summary>
    public static ImmutableSortedDictionary<string, short> InitialLevels(short metadataVersion) => Defaults
        .Where(feature => metadataVersion >= feature.FromMetadataVersion)
        .ToImmutableSortedDictionary(feature => feature.Name, feature => feature.Level, StringComparer.Ordinal);
}
