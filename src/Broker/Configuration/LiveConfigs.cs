using Microsoft.Extensions.Logging;
using Milena.Broker.LogDirs;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Network;
using Milena.Storage;

namespace Milena.Broker.Configuration;

/// <summary>
/// Puts into force what changes of the broker's own configuration while it runs, and says what is set for topics without effect.
/// What changes of topics' configurations is their replicas' (<see cref="Replication.ReplicaManager"/>).
/// </summary>
internal sealed class LiveConfigs(BrokerConfig config, FrameServer frames, LogManager logs, ReplicaMoves moves, ILogger<LiveConfigs> logger)
{
    private volatile bool verifiesTransactions = config.GetBool("transaction.partition.verification.enable");

    /// <summary><c>transaction.partition.verification.enable</c>.</summary>
    public bool VerifiesTransactions => verifiesTransactions;

    public void Apply(MetadataDelta delta)
    {
        if (delta.ChangedConfigs.Any(resource => resource.Type == ConfigResourceType.Broker))
            Apply(delta.After.ConfigsOf(config));

        var unused = delta.ChangedConfigs
            .Where(resource => resource.Type == ConfigResourceType.Topic)
            .SelectMany(resource => delta.After.Configs.Of(resource).Keys)
            .Where(name => !ConfigSupport.IsActedOnForTopics(name))
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        if (unused.Length > 0)
            Log.UnusedTopicConfigs(logger, string.Join(", ", unused));
    }

    private void Apply(ConfigLayers layers)
    {
        frames.Limits = BrokerOptions.Connections(layers);
        logs.Cleaner.Options = BrokerOptions.Cleaner(layers);
        moves.BytesPerSecond = (long)layers.Value(ConfigSupport.MoveThrottle)!;
        logs.ProducerIdExpirationMs = (int)layers.Value("producer.id.expiration.ms")!;
        verifiesTransactions = (bool)layers.Value("transaction.partition.verification.enable")!;
    }
}
