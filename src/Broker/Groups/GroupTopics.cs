using Milena.Common;
using Milena.Coordination.Groups;

namespace Milena.Broker.Groups;

/// <summary>What groups need to know of topics, from the committed image.</summary>
internal sealed class GroupTopics(MetadataCache metadata) : IGroupTopics
{
    public int PartitionCount(string topic) => metadata.Image.Topics.TryGet(topic, out var found) ? found.Partitions.Count : 0;

    public Uuid TopicId(string topic) => metadata.Image.Topics.TryGet(topic, out var found) ? found.Id : Uuid.Zero;

    public string? TopicName(Uuid topicId) => metadata.Image.Topics.TryGet(topicId, out var found) ? found.Name : null;

    public IEnumerable<string> Names => metadata.Image.Topics.ByName.Keys;

    public object Stamp => metadata.Image.Topics;
}
