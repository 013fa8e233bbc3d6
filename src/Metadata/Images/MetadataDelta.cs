using Milena.Common;

namespace Milena.Metadata.Images;

/// <summary>A topic that is in both images and is not the same.</summary>
/// <param name="Before">As it was.</param>
/// <param name="After">As it is.</param>
/// <param name="Partitions">The numbers of the partitions that are new or changed, ascending.</param>
public sealed record TopicChange(TopicImage Before, TopicImage After, IReadOnlyList<int> Partitions);

/// <summary>
/// What differs between two images: what a broker has to act on. A topic that was deleted and created again under its name is
/// a deleted one and a created one, since its id differs.
/// </summary>
public sealed class MetadataDelta
{
    private MetadataDelta(MetadataImage before, MetadataImage after, MetadataImage latest)
    {
        (Before, After, Latest) = (before, after, latest);
    }

    /// <summary>What was shown before.</summary>
    public MetadataImage Before { get; }

    /// <summary>What is to be shown.</summary>
    public MetadataImage After { get; }

    /// <summary>The image to replay further records on; another than <see cref="After"/> only within a metadata transaction.</summary>
    public MetadataImage Latest { get; }

    /// <summary>Topics that are new.</summary>
    public IReadOnlyList<TopicImage> CreatedTopics { get; private init; } = [];

    /// <summary>Topics that are gone, as they were.</summary>
    public IReadOnlyList<TopicImage> DeletedTopics { get; private init; } = [];

    /// <summary>Topics with new or changed partitions.</summary>
    public IReadOnlyList<TopicChange> ChangedTopics { get; private init; } = [];

    /// <summary>Resources for which other values are set than before; those of deleted topics too.</summary>
    public IReadOnlyList<ConfigResource> ChangedConfigs { get; private init; } = [];

    /// <summary>The ids of brokers that are new, gone or changed, ascending.</summary>
    public IReadOnlyList<int> ChangedBrokers { get; private init; } = [];

    /// <summary>Whether a controller is new or changed.</summary>
    public bool ControllersChanged => Before.Controllers != After.Controllers;

    /// <summary>Whether a feature has another level.</summary>
    public bool FeaturesChanged => Before.Features != After.Features;

    /// <summary>Whether producer ids were given to a broker.</summary>
    public bool ProducerIdsChanged => Before.NextProducerId != After.NextProducerId;

    /// <summary>Whether a client quota changed.</summary>
    public bool ClientQuotasChanged => Before.ClientQuotas != After.ClientQuotas;

    /// <summary>Whether an access control entry is new or gone.</summary>
    public bool AclsChanged => Before.Acls != After.Acls;

    /// <summary>Whether a credential is new, changed or gone.</summary>
    public bool ScramChanged => Before.Scram != After.Scram;

    /// <summary>Whether a delegation token is new, changed or gone.</summary>
    public bool DelegationTokensChanged => Before.DelegationTokens != After.DelegationTokens;

    /// <summary>Whether nothing of topics changed.</summary>
    public bool TopicsAreSame => CreatedTopics.Count + DeletedTopics.Count + ChangedTopics.Count == 0;

    /// <summary>
    /// Everything that differs between two images, however they came about: after a snapshot was loaded, for example. Costs
    /// what the topics and configurations cost of which there are other values; see <see cref="MetadataImage.Replay"/>.
    /// </summary>
    public static MetadataDelta Between(MetadataImage before, MetadataImage after) => Between(before, after, after);

    internal static MetadataDelta Between(MetadataImage before, MetadataImage after, MetadataImage latest)
    {
        IEnumerable<Uuid> topics = before.Topics == after.Topics ? [] : before.Topics.ById.Keys.Union(after.Topics.ById.Keys);
        IEnumerable<ConfigResource> configs = before.Configs == after.Configs
            ? []
            : before.Configs.ByResource.Keys.Union(after.Configs.ByResource.Keys);
        return Between(before, after, latest, topics, id => after.Topics.ById[id].Partitions.Keys, configs);
    }

    /// <param name="before">What was shown before.</param>
    /// <param name="after">What is to be shown.</param>
    /// <param name="latest">See <see cref="Latest"/>.</param>
    /// <param name="topics">No other topics differ.</param>
    /// <param name="partitions">Of a topic that is in both images: no other partitions differ. Ascending.</param>
    /// <param name="configs">No other configurations differ.</param>
    internal static MetadataDelta Between(
        MetadataImage before,
        MetadataImage after,
        MetadataImage latest,
        IEnumerable<Uuid> topics,
        Func<Uuid, IEnumerable<int>> partitions,
        IEnumerable<ConfigResource> configs)
    {
        var (created, deleted, changed) = (new List<TopicImage>(), new List<TopicImage>(), new List<TopicChange>());
        foreach (var id in topics)
        {
            before.Topics.TryGet(id, out var topicBefore);
            after.Topics.TryGet(id, out var topicAfter);
            if (topicBefore is null && topicAfter is not null)
                created.Add(topicAfter);
            else if (topicBefore is not null && topicAfter is null)
                deleted.Add(topicBefore);
            else if (topicBefore?.Partitions != topicAfter?.Partitions && ChangedPartitions(topicBefore!, topicAfter!, partitions(id)) is [_, ..] differing)
                changed.Add(new TopicChange(topicBefore!, topicAfter!, differing));
        }

        return new MetadataDelta(before, after, latest)
        {
            CreatedTopics = created,
            DeletedTopics = deleted,
            ChangedTopics = changed,
            ChangedConfigs = [.. configs.Where(resource => !AreSame(before.Configs.Of(resource), after.Configs.Of(resource)))],
            ChangedBrokers = [.. FindChangedBrokers(before, after)],
        };
    }

    // A touched partition need not be in the later image: a transaction that is still open may have created it.
    private static List<int> ChangedPartitions(TopicImage before, TopicImage after, IEnumerable<int> candidates)
    {
        var changed = new List<int>();
        foreach (var id in candidates)
        {
            var isThere = after.TryGetPartition(id, out var partition);
            if (isThere && (!before.TryGetPartition(id, out var previous) || previous != partition))
                changed.Add(id);
        }

        return changed;
    }

    private static IEnumerable<int> FindChangedBrokers(MetadataImage before, MetadataImage after) => before.Brokers == after.Brokers
        ? []
        : before.Brokers.Keys.Union(after.Brokers.Keys).Order()
            .Where(id => before.Brokers.GetValueOrDefault(id) != after.Brokers.GetValueOrDefault(id));

    private static bool AreSame(
        IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> after) =>
        ReferenceEquals(before, after) || before.Count == after.Count && before.SequenceEqual(after);
}
