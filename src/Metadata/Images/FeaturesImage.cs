using System.Collections.Immutable;
using Milena.Metadata.Features;

namespace Milena.Metadata.Images;

/// <summary>The levels of features that the cluster agreed on.</summary>
public sealed record FeaturesImage
{
    /// <summary>Nothing agreed on.</summary>
    public static FeaturesImage Empty { get; } = new();

    /// <summary>Levels by name; what is at level 0 is not there. Includes metadata.version.</summary>
    public ImmutableSortedDictionary<string, short> Finalized { get; private init; } =
        ImmutableSortedDictionary<string, short>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The level of metadata.version; the lowest that there is until the log says another.</summary>
    public short MetadataVersion => Finalized.GetValueOrDefault(FeatureNames.MetadataVersion, MetadataVersions.Min);

    /// <summary>Whether replicas that left the ISR may still be eligible (KIP-966).</summary>
    public bool HasEligibleLeaders => Level(FeatureNames.EligibleLeaderReplicas) > 0;

    /// <summary>The level of a feature, 0 for one that is not used.</summary>
    public short Level(string name) => Finalized.GetValueOrDefault(name);

    internal FeaturesImage With(string name, short level)
    {
        var after = level == 0 ? Finalized.Remove(name) : Finalized.SetItem(name, level);
        return after == Finalized ? this : new FeaturesImage { Finalized = after };
    }
}
