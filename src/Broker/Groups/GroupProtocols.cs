using Milena.Metadata.Configs;
using Milena.Metadata.Features;

namespace Milena.Broker.Groups;

/// <summary>
/// Which kinds of groups are served: those that <c>group.coordinator.rebalance.protocols</c> names and whose feature the cluster has
/// turned on.
/// </summary>
internal sealed class GroupProtocols(BrokerConfig config, MetadataCache metadata)
{
    private readonly bool isConsumerNamed = config.GetList("group.coordinator.rebalance.protocols").Contains("consumer");

    /// <summary>Groups of KIP-848; others are answered with UNSUPPORTED_VERSION.</summary>
    public bool HasConsumer => isConsumerNamed && metadata.Image.Features.Level(FeatureNames.Group) > 0;
}
