using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Storage;

namespace Milena.Replication;

/// <summary>What this node's replicas need to know besides the cluster's metadata.</summary>
/// <param name="NodeId">This broker's id.</param>
/// <param name="AckPolicy">Whether an acknowledgement waits for the disk.</param>
/// <param name="LogConfigOf">The settings of a topic's logs, by the image that holds its configuration.</param>
/// <param name="TopicConfigOf">The topic's configuration as a whole.</param>
public sealed record ReplicationOptions(
    int NodeId,
    AckPolicy AckPolicy,
    Func<MetadataImage, string, LogConfig> LogConfigOf,
    Func<MetadataImage, string, TopicConfig> TopicConfigOf);
