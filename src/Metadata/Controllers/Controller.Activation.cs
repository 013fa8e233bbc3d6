using Milena.Common;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Controllers;

/// <summary>A feature that the log or the format has at a level that this build does not serve.</summary>
/// <param name="Name">Which.</param>
/// <param name="From">The level that it had.</param>
/// <param name="To">The level that it has from now on.</param>
public readonly record struct LoweredFeature(string Name, short From, short To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} from {From} to {To}";
}

/// <summary>What came of becoming active.</summary>
/// <param name="Lowered">Features that are used at a lower level from now on.</param>
/// <param name="Refusal">Why this build cannot be the controller of the cluster, for the user; null if it can.</param>
public sealed record Activation(IReadOnlyList<LoweredFeature> Lowered, string? Refusal = null);

/// <summary>What a controller does before anything else.</summary>
public sealed partial class Controller
{
    /// <summary>
    /// The first decision of an active controller. It aborts a metadata transaction that the one before it left open (KIP-868),
    /// and begins an empty log with the records of formatting. Levels of features that this build does not serve are lowered in the log:
    /// nobody may be told of them, and who reads the log later must not believe that they were in force. Of metadata.version,
    /// which says how the log is written, only levels that this build knows are taken.
    /// </summary>
    /// <param name="image">The newest image.</param>
    /// <param name="bootstrap">What formatting left for an empty log.</param>
    public Decision<Activation, IMetadataRecord> Activate(MetadataImage image, IReadOnlyList<IMetadataRecord> bootstrap)
    {
        var records = new List<IMetadataRecord>();
        if (image.IsInTransaction)
            records.Add(new AbortTransactionRecord { Reason = "the controller that began it is gone" });
        image = image.Published;
        var lowered = new List<LoweredFeature>();
        if (image.Features.Finalized.Count == 0)
            records.AddRange(Begin(bootstrap, lowered));
        else
            records.AddRange(Lower(image, lowered));

        var begun = image.Apply(records.Where(record => record is not AbortTransactionRecord));
        records.AddRange(Log.Bootstrap.ElrSafetyRecords(begun, config.GetInt("min.insync.replicas")));
        var after = begun.Features.MetadataVersion;
        return after is >= MetadataVersions.Min and <= MetadataVersions.Latest
            ? new(new Activation(lowered), [.. records])
            : new(new Activation([], $"metadata.version is {after}, and this build works at {MetadataVersions.Min} to {MetadataVersions.Latest}"));
    }

    private static IEnumerable<IMetadataRecord> Begin(IReadOnlyList<IMetadataRecord> bootstrap, List<LoweredFeature> lowered)
    {
        foreach (var record in bootstrap)
        {
            if (record is not FeatureLevelRecord feature || !IsAbove(feature.Name, feature.FeatureLevel, out var served))
            {
                yield return record;
                continue;
            }

            lowered.Add(new LoweredFeature(feature.Name, feature.FeatureLevel, served));
            if (served > 0)
                yield return new FeatureLevelRecord { Name = feature.Name, FeatureLevel = served };
        }
    }

    private static IEnumerable<IMetadataRecord> Lower(MetadataImage image, List<LoweredFeature> lowered)
    {
        foreach (var (name, level) in image.Features.Finalized)
        {
            if (IsAbove(name, level, out var served))
                lowered.Add(new LoweredFeature(name, level, served));
        }

        return lowered.Select(feature => new FeatureLevelRecord { Name = feature.Name, FeatureLevel = feature.To });
    }

    private static bool IsAbove(string name, short level, out short served)
    {
        served = name == FeatureNames.MetadataVersion ? level : FeatureSet.Served(name, level);
        return served < level;
    }
}
