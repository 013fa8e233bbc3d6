using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Log;

/// <summary>An image as the records that make it, in the order in which Apache Kafka writes snapshots.</summary>
public static class SnapshotRecords
{
    /// <summary>The records, replayed over <see cref="MetadataImage.Empty"/>, give the image. They are made one by one, as they are asked for.</summary>
    public static IEnumerable<IMetadataRecord> Of(MetadataImage image) =>
        ((IEnumerable<IMetadataRecord>[])
        [
            Features(image.Features),
            image.Brokers.Values.Select(broker => broker.ToRecord(image.Features.MetadataVersion)),
            Controllers(image),
            image.Topics.ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal).SelectMany(topic => Topic(topic, image)),
            Configs(image.Configs),
            image.ClientQuotas.ToRecords(),
            ProducerIds(image),
            image.Acls.ById.OrderBy(entry => entry.Key).Select(entry => entry.Value),
            image.Scram.Credentials.Values,
            image.DelegationTokens.ById.Values,
        ]).SelectMany(static records => records);

    // metadata.version goes first: it says how the rest is written.
    private static IEnumerable<IMetadataRecord> Features(FeaturesImage features) => features.Finalized
        .OrderByDescending(feature => feature.Key == FeatureNames.MetadataVersion)
        .Select(feature => new FeatureLevelRecord { Name = feature.Key, FeatureLevel = feature.Value });

    private static IEnumerable<IMetadataRecord> Controllers(MetadataImage image) =>
        MetadataVersions.HasControllerRegistrations(image.Features.MetadataVersion)
            ? image.Controllers.Values.Select(controller => controller.ToRecord())
            : [];

    private static IEnumerable<IMetadataRecord> Topic(TopicImage topic, MetadataImage image)
    {
        yield return new TopicRecord { Name = topic.Name, TopicId = topic.Id };
        foreach (var (id, partition) in topic.Partitions)
            yield return partition.ToRecord(topic.Id, id, image.Features.MetadataVersion);
    }

    private static IEnumerable<IMetadataRecord> Configs(ConfigsImage configs) =>
        from resource in configs.ByResource.OrderBy(resource => resource.Key.Type).ThenBy(resource => resource.Key.Name, StringComparer.Ordinal)
        from config in resource.Value
        select new ConfigRecord
        {
            ResourceType = (sbyte)resource.Key.Type,
            ResourceName = resource.Key.Name,
            Name = config.Key,
            Value = config.Value,
        };

    private static IEnumerable<IMetadataRecord> ProducerIds(MetadataImage image)
    {
        if (image.NextProducerId > 0)
            yield return new ProducerIdsRecord { BrokerId = -1, BrokerEpoch = -1, NextProducerId = image.NextProducerId };
    }
}
