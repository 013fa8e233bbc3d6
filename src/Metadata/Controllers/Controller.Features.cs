using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.UpdateFeaturesRequest;

namespace Milena.Metadata.Controllers;

/// <summary>UpdateFeatures (57).</summary>
public sealed partial class Controller
{
    private const sbyte Upgrade = 1;
    private const sbyte SafeDowngrade = 2;
    private const sbyte UnsafeDowngrade = 3;
    private const short PerFeatureUntil = 1;
    private const short UpgradeTypesFrom = 1;

    /// <summary>
    /// UpdateFeatures (57): sets the levels of features, all of them or none. v0 says only whether a level may fall, v1 how far (KIP-778) and
    /// whether it is to be tried only; up to v1 each feature is named in the answer, from v2 on not.
    /// </summary>
    /// <param name="image">The newest image.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="kraftVersion">The level of kraft.version, which is not in the image.</param>
    /// <param name="context">The version of the request.</param>
    public Decision<UpdateFeaturesResponse, IMetadataRecord> UpdateFeatures(
        MetadataImage image, UpdateFeaturesRequest request, short kraftVersion, ControllerContext context)
    {
        var records = new List<IMetadataRecord>();
        var error = request.FeatureUpdates.DistinctBy(update => update.Feature).Count() < request.FeatureUpdates.Length
            ? new ApiError(ErrorCode.InvalidRequest, "A feature is named more than once.")
            : ApiError.None;
        foreach (var update in request.FeatureUpdates)
        {
            if (context.Version < UpgradeTypesFrom)
                update.UpgradeType = update.AllowDowngrade ? SafeDowngrade : Upgrade;
            if (!error.IsError)
                error = Update(image, update, kraftVersion, records);
        }

        var after = image.Apply(records);
        if (!error.IsError)
            error = CheckDependencies(after.Features);
        if (error.IsError)
        {
            return new(new UpdateFeaturesResponse
            {
                ErrorCode = error.Code,
                ErrorMessage = $"The update failed for all features since the following feature had an error: {error.Message}",
            });
        }

        records.AddRange(ChangesAround(image, after.Features));
        var response = new UpdateFeaturesResponse
        {
            ErrorMessage = null,
            Results = context.Version > PerFeatureUntil
                ? []
                : [.. request.FeatureUpdates.Select(update => new UpdateFeaturesResponse.UpdatableFeatureResult { Feature = update.Feature, ErrorMessage = null })],
        };
        return request.ValidateOnly ? new(response) : new(response, [.. records]);
    }

    private ApiError Update(MetadataImage image, FeatureUpdateKey update, short kraftVersion, List<IMetadataRecord> records)
    {
        var (name, level) = (update.Feature, update.MaxVersionLevel);
        var current = name switch
        {
            FeatureNames.KRaftVersion => kraftVersion,
            FeatureNames.MetadataVersion => image.Features.MetadataVersion,
            _ => image.Features.Level(name),
        };
        if (Refusal(image, update, current) is { } refusal)
            return new ApiError(ErrorCode.InvalidUpdateVersion, $"Invalid update version {level} for feature {name}. {refusal}");
        if (level != current)
            records.Add(new FeatureLevelRecord { Name = name, FeatureLevel = level });
        return ApiError.None;
    }

    private string? Refusal(MetadataImage image, FeatureUpdateKey update, short current)
    {
        var (name, level) = (update.Feature, update.MaxVersionLevel);
        if (update.UpgradeType is < Upgrade or > UnsafeDowngrade)
            return "The controller does not support the given upgrade type.";
        if (level < 0)
            return "A feature version cannot be less than 0.";
        if (Unsupported(image, name, level) is { } unsupported)
            return unsupported;
        if (level < current && update.UpgradeType == Upgrade)
            return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.";
        if (level > current && update.UpgradeType != Upgrade)
            return "Can't downgrade to a newer version.";
        return name switch
        {
            // The voters would have to move from the configuration into the log, which only formatting does here.
            FeatureNames.KRaftVersion when level > current => "The voters of this quorum are configured, and stay so: format with voters in the log.",
            FeatureNames.KRaftVersion when level < current => "Can't downgrade the version of this feature.",
            FeatureNames.MetadataVersion when level < current && MetadataVersions.DiffersBelow(current, level) =>
                update.UpgradeType == UnsafeDowngrade
                    ? "Unsafe metadata downgrade is not supported in this version."
                    : "Refusing to perform the requested downgrade because it might delete metadata information.",
            _ => null,
        };
    }

    // A level is used when everybody can: this node, and all that are registered.
    private string? Unsupported(MetadataImage image, string name, short level)
    {
        var own = FeatureSet.Supported.TryGetValue(name, out var range) ? range : default;
        var others = image.Controllers.Values.Select(controller => ($"Controller {controller.Id}", controller.Features))
            .Concat(image.Brokers.Values.Select(broker => ($"Broker {broker.Id}", broker.Features)));
        var ranges = others.Where(other => level != 0 || other.Features.ContainsKey(name))
            .Select(other => (other.Item1, other.Features.TryGetValue(name, out var supported) ? supported : default))
            .Prepend(($"Local controller {config.NodeId}", own));
        foreach (var (who, supported) in ranges)
        {
            if (!supported.Contains(level))
                return supported.Max == 0 ? $"{who} does not support this feature." : $"{who} only supports versions {supported.Min}-{supported.Max}";
        }

        return FeatureSet.Supported.ContainsKey(name) ? null : $"Local controller {config.NodeId} does not support this feature.";
    }

    private static ApiError CheckDependencies(FeaturesImage features)
    {
        foreach (var (name, level) in features.Finalized)
        {
            if (FeatureSet.Dependency(name, level) is var (other, least) && features.Level(other) < least)
            {
                return new ApiError(
                    ErrorCode.InvalidUpdateVersion,
                    $"Invalid update version {level} for feature {name}. {name} could not be set to {level} because it depends on {other} level {least}");
            }
        }

        return ApiError.None;
    }

    // What has to be in the log besides the levels, when eligible leaders (KIP-966) come into use or go out of it.
    private IEnumerable<IMetadataRecord> ChangesAround(MetadataImage image, FeaturesImage after)
    {
        const string Name = "min.insync.replicas";
        if (image.Features.HasEligibleLeaders == after.HasEligibleLeaders)
            return [];
        if (!after.HasEligibleLeaders)
            return WithoutEligibleLeaders(image);
        var own = image.Configs.ByResource.Where(pair => pair.Key.Type == ConfigResourceType.Broker && pair.Key.Name != "" && pair.Value.ContainsKey(Name));
        var enabled = image.Apply(new FeatureLevelRecord { Name = FeatureNames.EligibleLeaderReplicas, FeatureLevel = after.Level(FeatureNames.EligibleLeaderReplicas) });
        return
        [
            .. Bootstrap.ElrSafetyRecords(enabled, config.GetInt(Name)),
            .. own.Select(pair => ConfigChange(pair.Key, Name, value: null)),
        ];
    }

    // Who was eligible has every committed record, which is what being in sync means where there are no eligible leaders. Of a
    // partition that has neither, the last leader knows most: without KIP-966 it would never have left the ISR.
    private static IEnumerable<IMetadataRecord> WithoutEligibleLeaders(MetadataImage image)
    {
        foreach (var topic in image.Topics.ById.Values)
        {
            foreach (var (id, partition) in topic.Partitions)
            {
                if (partition.EligibleLeaders.IsEmpty && partition.LastKnownEligibleLeaders.IsEmpty)
                    continue;
                var inSync = partition.EligibleLeaders.IsEmpty ? partition.LastKnownEligibleLeaders : partition.EligibleLeaders;
                yield return new PartitionChangeRecord
                {
                    TopicId = topic.Id,
                    PartitionId = id,
                    Isr = partition.Isr.IsEmpty ? [.. inSync] : null,
                    EligibleLeaderReplicas = partition.EligibleLeaders.IsEmpty ? null : [],
                    LastKnownElr = partition.LastKnownEligibleLeaders.IsEmpty ? null : [],
                };
            }
        }
    }
}
