using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>
/// A controller and its log, in memory: decisions are applied at once and can be read back. Time stands still unless it is moved;
/// everything random comes from one seed.
/// </summary>
internal sealed class Cluster
{
    public const string Id = "MkU3OEVBNTcwNTJENDM2Qg";

    private readonly Random random = new(1);

    // What brokers of Apache Kafka 4.2 support: the clusters of these tests are theirs as well as ours.
    private static readonly BrokerRegistrationRequest.Feature[] Features =
    [
        .. FeatureSet.KafkaLevels(29).Where(feature => !FeatureSet.Supported.ContainsKey(feature.Key)).Select(feature => new BrokerRegistrationRequest.Feature { Name = feature.Key, MaxSupportedVersion = feature.Value }),
        .. FeatureSet.Supported.Select(feature => new BrokerRegistrationRequest.Feature
        {
            Name = feature.Key, MinSupportedVersion = feature.Value.Min, MaxSupportedVersion = feature.Value.Max,
        }),
    ];

    public Cluster(string properties = "", bool withEligibleLeaders = true)
    {
        var reading = BrokerConfigReader.Read(new ConfigInput { File = PropertiesText.Read(properties) });
        Assert.Empty(reading.Errors);
        Config = reading.Config!;
        Controller = new Controller(Config, Id);
        var level = withEligibleLeaders ? (short)29 : (short)25;
        Image = MetadataImage.Empty.Apply(Bootstrap.Records(level, levels: FeatureSet.KafkaLevels(level)));
        Image = Image.Apply(Bootstrap.ElrSafetyRecords(Image, Config.GetInt("min.insync.replicas")));
    }

    public BrokerConfig Config { get; }

    public Controller Controller { get; private set; }

    public MetadataImage Image { get; private set; }

    public long NowMs { get; set; } = 1_000_000;

    /// <summary>The records of the last decision.</summary>
    public IReadOnlyList<IMetadataRecord> Records { get; private set; } = [];

    public ControllerContext Context => new(NowMs, random);

    public TResponse Do<TResponse>(Decision<TResponse, IMetadataRecord> decision)
    {
        Records = decision.Records;
        foreach (var record in Records)
            Image = Image.Apply(record);
        return decision.Response;
    }

    /// <summary>Another controller takes over: it knows the log and nothing else.</summary>
    public void FailOver()
    {
        Controller = new Controller(Config, Id);
        Image = MetadataImage.Empty.Apply(SnapshotRecords.Of(Image)).At(Image.EndOffset, Image.Epoch);
    }

    /// <summary>Registers brokers and unfences them.</summary>
    public Cluster WithBrokers(params int[] ids)
    {
        foreach (var id in ids)
        {
            var epoch = Register(id).BrokerEpoch;
            Assert.False(Heartbeat(id, epoch, Image.EndOffset).IsFenced);
        }

        return this;
    }

    public BrokerRegistrationResponse Register(int id, Action<BrokerRegistrationRequest>? change = null, int incarnation = 1)
    {
        var request = Registration(id, incarnation);
        change?.Invoke(request);
        return Do(Controller.RegisterBroker(Image, request, Context));
    }

    public BrokerRegistrationRequest Registration(int id, int incarnation = 1) => new()
    {
        BrokerId = id,
        ClusterId = Id,
        IncarnationId = new Uuid(1, (ulong)(id * 1000 + incarnation)),
        Listeners = [new() { Name = "PLAINTEXT", Host = $"host{id}", Port = 9092 }],
        Features = [.. Features.Select(feature => new BrokerRegistrationRequest.Feature
        {
            Name = feature.Name, MinSupportedVersion = feature.MinSupportedVersion, MaxSupportedVersion = feature.MaxSupportedVersion,
        })],
        Rack = null,
        LogDirs = [Directory(id)],
        PreviousBrokerEpoch = -1,
    };

    public BrokerHeartbeatResponse Heartbeat(int id, long? epoch = null, long? offset = null, bool wantFence = false, bool wantShutDown = false, params Uuid[] offline)
    {
        var request = new BrokerHeartbeatRequest
        {
            BrokerId = id,
            BrokerEpoch = epoch ?? Image.Brokers[id].Epoch,
            CurrentMetadataOffset = offset ?? Image.EndOffset,
            WantFence = wantFence,
            WantShutDown = wantShutDown,
            OfflineLogDirs = offline,
        };
        return Do(Controller.Heartbeat(Image, request, Context));
    }

    public CreateTopicsResponse.CreatableTopicResult CreateTopic(string name, int partitions = 1, int replicas = 1, params (string Name, string? Value)[] configs) =>
        Assert.Single(Create(Topic(name, partitions, replicas, configs)).Topics);

    public CreateTopicsResponse Create(params CreateTopicsRequest.CreatableTopic[] topics) =>
        Do(Controller.CreateTopics(Image, new CreateTopicsRequest { Topics = topics }, Context));

    public PartitionImage Partition(string topic, int id = 0) => Image.Topics.ByName[topic].Partitions[id];

    public static CreateTopicsRequest.CreatableTopic Topic(string name, int partitions = 1, int replicas = 1, params (string Name, string? Value)[] configs) => new()
    {
        Name = name,
        NumPartitions = partitions,
        ReplicationFactor = (short)replicas,
        Configs = [.. configs.Select(pair => new CreateTopicsRequest.CreatableTopicConfig { Name = pair.Name, Value = pair.Value })],
    };

    public static CreateTopicsRequest.CreatableTopic Assigned(string name, params (int Id, int[] Replicas)[] assignments) => new()
    {
        Name = name,
        NumPartitions = -1,
        ReplicationFactor = -1,
        Assignments = [.. assignments.Select(pair => new CreateTopicsRequest.CreatableReplicaAssignment { PartitionIndex = pair.Id, BrokerIds = pair.Replicas })],
    };

    public static Uuid Directory(int brokerId, int number = 0) => new(9, (ulong)(brokerId * 10 + number + 1));
}
