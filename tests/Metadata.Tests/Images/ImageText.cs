using System.Text;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Images;

/// <summary>Everything that an image holds, as lines of text, so that two images can be compared and read.</summary>
internal static class ImageText
{
    public static string Of(MetadataImage image)
    {
        var text = new StringBuilder();
        foreach (var (name, level) in image.Features.Finalized)
            text.AppendLine($"feature {name}={level}");
        foreach (var broker in image.Brokers.Values)
        {
            text.AppendLine($"broker {broker.Id} epoch={broker.Epoch} incarnation={broker.IncarnationId} rack={broker.Rack ?? "null"} "
                + $"fenced={broker.IsFenced} shutdown={broker.IsInControlledShutdown} zk={broker.IsMigratingZkBroker} "
                + $"endpoints={string.Join(',', broker.Endpoints.Select(endpoint => $"{endpoint}/{endpoint.Protocol}"))} "
                + $"features={string.Join(',', broker.Features)} dirs={string.Join(',', broker.Directories)}");
        }

        foreach (var controller in image.Controllers.Values)
        {
            text.AppendLine($"controller {controller.Id} incarnation={controller.IncarnationId} zk={controller.IsZkMigrationReady} "
                + $"endpoints={string.Join(',', controller.Endpoints.Select(endpoint => $"{endpoint}/{endpoint.Protocol}"))} "
                + $"features={string.Join(',', controller.Features)}");
        }

        foreach (var topic in image.Topics.ByName.Values.OrderBy(topic => topic.Name, StringComparer.Ordinal))
        {
            Assert.Same(topic, image.Topics.ById[topic.Id]);
            text.AppendLine($"topic {topic.Name} {topic.Id}");
            foreach (var (id, partition) in topic.Partitions)
                text.AppendLine($"  {id}: {Of(partition)}");
        }

        Assert.Equal(image.Topics.ByName.Count, image.Topics.ById.Count);
        foreach (var (resource, values) in image.Configs.ByResource.OrderBy(pair => $"{pair.Key.Type} {pair.Key.Name}", StringComparer.Ordinal))
            text.AppendLine($"config {resource.Type} '{resource.Name}' {string.Join(' ', values.Select(value => $"{value.Key}={value.Value}"))}");
        foreach (var (entity, quotas) in image.ClientQuotas.ByEntity.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
            text.AppendLine($"quota {entity}: {string.Join(' ', quotas.Select(quota => $"{quota.Key}={quota.Value}"))}");
        text.AppendLine($"producer ids from {image.NextProducerId}");
        foreach (var record in image.Acls.ById.OrderBy(pair => pair.Key).Select(pair => (IMetadataRecord)pair.Value)
            .Concat(image.Scram.Credentials.Values).Concat(image.DelegationTokens.ById.Values))
        {
            text.AppendLine(Convert.ToHexString(MetadataRecords.Write(record, 0)));
        }

        return text.ToString();
    }

    public static string Of(PartitionImage partition) =>
        $"replicas={Join(partition.Replicas)} isr={Join(partition.Isr)} leader={partition.Leader} epoch={partition.LeaderEpoch}/{partition.PartitionEpoch} "
        + $"dirs={string.Join(',', partition.Directories)} adding={Join(partition.AddingReplicas)} removing={Join(partition.RemovingReplicas)} "
        + $"elr={Join(partition.EligibleLeaders)} last={Join(partition.LastKnownEligibleLeaders)} {partition.RecoveryState}";

    private static string Join(IEnumerable<int> ids) => string.Join(',', ids);
}
