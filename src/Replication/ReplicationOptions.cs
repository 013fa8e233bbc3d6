using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Storage;

namespace Milena.Replication;

/// <summary>What this node's replicas need to know besides the cluster's metadata.</summary>
/// <param name="NodeId">This broker's id.</param>
/// <param name="AckPolicy">Whether an acknowledgement waits for the disk.</param>
/// <param name="LogConfigOf">A topic's configuration as its logs want it.</param>
/// <param name="TopicConfigOf">A topic's configuration, by the image that holds it.</param>
public sealed record ReplicationOptions(
    int NodeId,
    AckPolicy AckPolicy,
    Func<TopicConfig, LogConfig> LogConfigOf,
    Func<MetadataImage, string, TopicConfig> TopicConfigOf);
