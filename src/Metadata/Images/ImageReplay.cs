using System.Collections.Immutable;
using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>
/// Replays a run of records over an image: what is changed is kept open between records, and it is remembered which partitions
/// and configurations the records touched, so that the difference need not be searched for. Used once.
/// </summary>
internal sealed class ImageReplay
{
    private readonly MetadataImage start;
    private readonly Dictionary<Uuid, SortedSet<int>> touchedTopics = [];
    private readonly HashSet<ConfigResource> touchedConfigs = [];
    private TopicsImage.Builder? topicsBuilder;
    private ImmutableSortedDictionary<int, BrokerImage> brokers;
    private ImmutableSortedDictionary<int, ControllerImage> controllers;
    private FeaturesImage features;
    private ConfigsImage configs;
    private ClientQuotasImage clientQuotas;
    private AclsImage acls;
    private ScramImage scram;
    private DelegationTokensImage tokens;
    private long nextProducerId;
    private MetadataImage? transactionStart;
    private int recordCount;

    public ImageReplay(MetadataImage start)
    {
        this.start = start;
        (brokers, controllers, features, configs) = (start.Brokers, start.Controllers, start.Features, start.Configs);
        (clientQuotas, acls, scram, tokens) = (start.ClientQuotas, start.Acls, start.Scram, start.DelegationTokens);
        (nextProducerId, transactionStart) = (start.NextProducerId, start.TransactionStart);
    }

    private TopicsImage.Builder Topics => topicsBuilder ??= start.Topics.ToBuilder();

    public MetadataImage Build() => new MetadataImage
    {
        Features = features,
        Brokers = brokers,
        Controllers = controllers,
        Topics = topicsBuilder?.Build() ?? start.Topics,
        Configs = configs,
        ClientQuotas = clientQuotas,
        NextProducerId = nextProducerId,
        Acls = acls,
        Scram = scram,
        DelegationTokens = tokens,
        TransactionStart = transactionStart,
    }.At(start.EndOffset + recordCount, start.Epoch);

    public MetadataDelta BuildDelta()
    {
        var image = Build();
        // Across the end of a transaction, records of earlier runs become visible too: then everything is compared.
        return start.IsInTransaction
            ? MetadataDelta.Between(start.Published, image.Published, image)
            : MetadataDelta.Between(start, image.Published, image, touchedTopics.Keys, id => touchedTopics[id], touchedConfigs);
    }

    public void Apply(IMetadataRecord record)
    {
        recordCount++;
        switch (record)
        {
            case TopicRecord topic:
                Require(Topics.Add(topic.Name, topic.TopicId), $"the topic {topic.Name} ({topic.TopicId}) is there already");
                Touch(topic.TopicId);
                break;
            case PartitionRecord partition:
                PartitionsOf(partition.TopicId)[partition.PartitionId] = PartitionImage.From(partition);
                Touch(partition.TopicId).Add(partition.PartitionId);
                break;
            case PartitionChangeRecord change:
                var partitions = PartitionsOf(change.TopicId);
                Require(partitions.TryGetValue(change.PartitionId, out var before), $"no partition {change.PartitionId} of topic {change.TopicId}");
                partitions[change.PartitionId] = before!.With(change);
                Touch(change.TopicId).Add(change.PartitionId);
                break;
            case RemoveTopicRecord removed:
                RemoveTopic(removed.TopicId);
                break;
            case ClearElrRecord cleared:
                ClearEligibleLeaders(cleared.TopicName);
                break;
            case ConfigRecord config:
                var resource = new ConfigResource((ConfigResourceType)config.ResourceType, config.ResourceName);
                configs = configs.With(resource, config.Name, config.Value);
                touchedConfigs.Add(resource);
                break;
            case FeatureLevelRecord feature:
                features = features.With(feature.Name, feature.FeatureLevel);
                break;
            case ProducerIdsRecord producerIds:
                nextProducerId = producerIds.NextProducerId;
                break;
            default:
                if (!ApplyToCluster(record) && !ApplyToSecurity(record))
                    ApplyToLog(record);
                break;
        }
    }

    private bool ApplyToCluster(IMetadataRecord record)
    {
        switch (record)
        {
            case RegisterBrokerRecord registered:
                brokers = brokers.SetItem(registered.BrokerId, BrokerImage.From(registered));
                return true;
            case BrokerRegistrationChangeRecord change:
                Change(change.BrokerId, change.BrokerEpoch, broker => broker.With(change));
                return true;
            case FenceBrokerRecord fenced:
                Change(fenced.Id, fenced.Epoch, broker => broker with { IsFenced = true });
                return true;
            case UnfenceBrokerRecord unfenced:
                Change(unfenced.Id, unfenced.Epoch, broker => broker with { IsFenced = false });
                return true;
            case UnregisterBrokerRecord unregistered:
                Change(unregistered.BrokerId, unregistered.BrokerEpoch, broker => broker);
                brokers = brokers.Remove(unregistered.BrokerId);
                return true;
            case RegisterControllerRecord controller:
                controllers = controllers.SetItem(controller.ControllerId, ControllerImage.From(controller));
                return true;
            default:
                return false;
        }
    }

    private bool ApplyToSecurity(IMetadataRecord record)
    {
        switch (record)
        {
            case ClientQuotaRecord quota:
                clientQuotas = clientQuotas.With(quota);
                return true;
            case AccessControlEntryRecord entry:
                acls = acls with { ById = acls.ById.SetItem(entry.Id, entry) };
                return true;
            case RemoveAccessControlEntryRecord removed:
                acls = acls with { ById = acls.ById.Remove(removed.Id) };
                return true;
            case UserScramCredentialRecord credential:
                var key = new ScramKey(credential.Mechanism, credential.Name);
                scram = scram with { Credentials = scram.Credentials.SetItem(key, Detached(credential)) };
                return true;
            case RemoveUserScramCredentialRecord removed:
                scram = scram with { Credentials = scram.Credentials.Remove(new ScramKey(removed.Mechanism, removed.Name)) };
                return true;
            case DelegationTokenRecord token:
                tokens = tokens with { ById = tokens.ById.SetItem(token.TokenId, token) };
                return true;
            case RemoveDelegationTokenRecord removed:
                tokens = tokens with { ById = tokens.ById.Remove(removed.TokenId) };
                return true;
            default:
                return false;
        }
    }

    private void ApplyToLog(IMetadataRecord record)
    {
        switch (record)
        {
            case BeginTransactionRecord:
                Require(transactionStart is null, "a metadata transaction begins within another");
                transactionStart = Build();
                break;
            case EndTransactionRecord:
                Require(transactionStart is not null, "a metadata transaction ends that has not begun");
                transactionStart = null;
                break;
            case AbortTransactionRecord:
                Require(transactionStart is not null, "a metadata transaction is aborted that has not begun");
                Return(transactionStart!);
                break;
            case NoOpRecord or ZkMigrationStateRecord:
                break; // the one only moves the log's end; the other tells of a migration that ended before Kafka 4
            default:
                throw new MalformedMessageException($"no meaning for a metadata record of type {record.Type}");
        }
    }

    private void Return(MetadataImage image)
    {
        topicsBuilder = image.Topics.ToBuilder();
        (brokers, controllers, features, configs) = (image.Brokers, image.Controllers, image.Features, image.Configs);
        (clientQuotas, acls, scram, tokens) = (image.ClientQuotas, image.Acls, image.Scram, image.DelegationTokens);
        (nextProducerId, transactionStart) = (image.NextProducerId, null);
    }

    private ImmutableSortedDictionary<int, PartitionImage>.Builder PartitionsOf(Uuid topicId) =>
        Topics.Partitions(topicId) ?? throw new MalformedMessageException($"no topic with id {topicId}");

    private SortedSet<int> Touch(Uuid topicId)
    {
        if (!touchedTopics.TryGetValue(topicId, out var partitions))
            touchedTopics[topicId] = partitions = [];
        return partitions;
    }

    private void RemoveTopic(Uuid topicId)
    {
        var topic = Topics.Remove(topicId);
        Require(topic is not null, $"no topic with id {topicId}");
        Touch(topicId);
        var resource = ConfigResource.Topic(topic!.Name);
        configs = configs.Without(resource);
        touchedConfigs.Add(resource);
    }

    // An empty name means all topics.
    private void ClearEligibleLeaders(string topicName)
    {
        TopicImage[] topics = topicName == "" ? [.. Topics.All] : Topics.Find(topicName) is { } one ? [one] : [];
        foreach (var topic in topics)
        {
            foreach (var (id, partition) in topic.Partitions)
            {
                if (partition.EligibleLeaders.IsEmpty && partition.LastKnownEligibleLeaders.IsEmpty)
                    continue;
                PartitionsOf(topic.Id)[id] = partition.WithoutEligibleLeaders();
                Touch(topic.Id).Add(id);
            }
        }
    }

    private void Change(int brokerId, long epoch, Func<BrokerImage, BrokerImage> change)
    {
        Require(brokers.TryGetValue(brokerId, out var broker), $"no broker {brokerId}");
        Require(broker!.Epoch == epoch, $"broker {brokerId} has the epoch {broker.Epoch}, not {epoch}");
        brokers = brokers.SetItem(brokerId, change(broker));
    }

    // The record's bytes may lie in a buffer that is used again.
    private static UserScramCredentialRecord Detached(UserScramCredentialRecord record) => new()
    {
        Name = record.Name,
        Mechanism = record.Mechanism,
        Salt = record.Salt.ToArray(),
        StoredKey = record.StoredKey.ToArray(),
        ServerKey = record.ServerKey.ToArray(),
        Iterations = record.Iterations,
    };

    private static void Require(bool claim, string otherwise)
    {
        if (!claim)
            throw new MalformedMessageException($"a metadata record contradicts those before it: {otherwise}");
    }
}
