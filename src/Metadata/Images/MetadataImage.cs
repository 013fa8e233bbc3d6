using System.Collections.Immutable;
using Milena.Metadata.Configs;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Images;

/// <summary>
/// The cluster's metadata at one offset of the metadata log: a value that never changes. Replaying records is the only way to
/// another one, for the controller that decides on it, for every broker that follows, and after a restart.
/// </summary>
public sealed class MetadataImage
{
    internal MetadataImage()
    {
    }

    /// <summary>The image of an empty log.</summary>
    public static MetadataImage Empty { get; } = new();

    /// <summary>The levels of features.</summary>
    public FeaturesImage Features { get; internal init; } = FeaturesImage.Empty;

    /// <summary>Registered brokers by id.</summary>
    public ImmutableSortedDictionary<int, BrokerImage> Brokers { get; internal init; } = ImmutableSortedDictionary<int, BrokerImage>.Empty;

    /// <summary>Registered controllers by id.</summary>
    public ImmutableSortedDictionary<int, ControllerImage> Controllers { get; internal init; } = ImmutableSortedDictionary<int, ControllerImage>.Empty;

    /// <summary>Topics and their partitions.</summary>
    public TopicsImage Topics { get; internal init; } = TopicsImage.Empty;

    /// <summary>Dynamic configurations.</summary>
    public ConfigsImage Configs { get; internal init; } = ConfigsImage.Empty;

    /// <summary>Client quotas.</summary>
    public ClientQuotasImage ClientQuotas { get; internal init; } = ClientQuotasImage.Empty;

    /// <summary>The first producer id that no broker has been given yet.</summary>
    public long NextProducerId { get; internal init; }

    /// <summary>Access control entries.</summary>
    public AclsImage Acls { get; internal init; } = AclsImage.Empty;

    /// <summary>SCRAM credentials.</summary>
    public ScramImage Scram { get; internal init; } = ScramImage.Empty;

    /// <summary>Delegation tokens.</summary>
    public DelegationTokensImage DelegationTokens { get; internal init; } = DelegationTokensImage.Empty;

    /// <summary>
    /// The end of the part of the log that this image tells, exclusive. Every record that is replayed moves it by one; where
    /// something else lies in the log (control records), <see cref="At"/> does.
    /// </summary>
    public long EndOffset { get; private init; }

    /// <summary>The epoch of the last record of that part, as <see cref="At"/> set it.</summary>
    public int Epoch { get; private init; }

    /// <summary>
    /// What may be shown: a metadata transaction (KIP-868) is shown whole or not at all, so while one is open this is the image
    /// before it began.
    /// </summary>
    public MetadataImage Published => TransactionStart ?? this;

    /// <summary>Whether a metadata transaction is open.</summary>
    public bool IsInTransaction => TransactionStart is not null;

    internal MetadataImage? TransactionStart { get; init; }

    /// <summary>
    /// The image after a record. Throws <see cref="MalformedMessageException"/> if the record contradicts what is before it.
    /// </summary>
    public MetadataImage Apply(IMetadataRecord record) => Apply([record]);

    /// <summary>The image after records; quicker than one at a time. Throws as <see cref="Apply(IMetadataRecord)"/>.</summary>
    public MetadataImage Apply(IEnumerable<IMetadataRecord> records)
    {
        var replay = new ImageReplay(this);
        foreach (var record in records)
            replay.Apply(record);
        return replay.Build();
    }

    /// <summary>
    /// The image after records, and what they changed of what may be shown. Costs what the records cost, however large the image.
    /// </summary>
    public MetadataDelta Replay(IEnumerable<IMetadataRecord> records)
    {
        var replay = new ImageReplay(this);
        foreach (var record in records)
            replay.Apply(record);
        return replay.BuildDelta();
    }

    /// <summary>The same image, told to tell the log up to <paramref name="endOffset"/> (exclusive).</summary>
    public MetadataImage At(long endOffset, int epoch) => new()
    {
        Features = Features,
        Brokers = Brokers,
        Controllers = Controllers,
        Topics = Topics,
        Configs = Configs,
        ClientQuotas = ClientQuotas,
        NextProducerId = NextProducerId,
        Acls = Acls,
        Scram = Scram,
        DelegationTokens = DelegationTokens,
        TransactionStart = TransactionStart,
        EndOffset = endOffset,
        Epoch = epoch,
    };

    /// <summary>The configuration of a broker: what is set for it and for all brokers, over its static configuration.</summary>
    public ConfigLayers ConfigsOf(BrokerConfig config) => new(config)
    {
        ForBroker = Configs.Of(ConfigResource.Broker(config.NodeId)),
        ForAllBrokers = Configs.Of(ConfigResource.AllBrokers),
    };

    /// <summary>The configuration of a topic on the broker of that static configuration.</summary>
    public TopicConfig TopicConfigOf(string topic, BrokerConfig config) =>
        TopicConfig.Resolve(Configs.Of(ConfigResource.Topic(topic)), ConfigsOf(config));
}
