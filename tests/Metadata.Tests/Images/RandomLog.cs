using Milena.Common;
using Milena.Metadata.Images;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Images;

/// <summary>A log of every kind of record, each of which fits those before it, drawn from a seed.</summary>
internal sealed class RandomLog(int seed)
{
    private readonly Random random = new(seed);
    private readonly Dictionary<Uuid, (string Name, int Count)> topics = [];
    private readonly Dictionary<int, long> brokers = [];
    private long offset;

    public List<IMetadataRecord> Take(int count)
    {
        var records = new List<IMetadataRecord>();
        while (records.Count < count)
        {
            if (Next() is { } record)
                records.Add(record);
            offset++;
        }

        return records;
    }

    private IMetadataRecord? Next()
    {
        switch (random.Next(22))
        {
            case 0:
                var topic = new TopicRecord { Name = $"{Word()}{(random.Next(2) == 0 ? "." : "_")}{offset}", TopicId = Uuid.Next(random) };
                topics.Add(topic.TopicId, (topic.Name, 0));
                return topic;
            case 1 or 2 or 3 when AnyTopic() is { } id:
                topics[id] = (topics[id].Name, topics[id].Count + 1);
                return Partition(id, topics[id].Count - 1);
            case 4 or 5 when AnyTopic() is { } id && topics[id].Count > 0:
                return Change(id, random.Next(topics[id].Count));
            case 6 when random.Next(4) == 0 && AnyTopic() is { } id:
                topics.Remove(id);
                return new RemoveTopicRecord { TopicId = id };
            case 7:
                var name = AnyTopic() is { } some && random.Next(2) == 0 ? topics[some].Name : Word();
                return new ConfigRecord
                {
                    ResourceType = (sbyte)(1 << random.Next(1, 6)),
                    ResourceName = random.Next(5) == 0 ? "" : name,
                    Name = Word(),
                    Value = random.Next(3) == 0 ? null : Word(),
                };
            case 8:
                var broker = random.Next(5);
                brokers[broker] = offset;
                return Registration(broker);
            case 9 when AnyBroker() is { } id:
                return new BrokerRegistrationChangeRecord
                {
                    BrokerId = id,
                    BrokerEpoch = brokers[id],
                    Fenced = (sbyte)random.Next(-1, 2),
                    InControlledShutdown = (sbyte)random.Next(2),
                    LogDirs = random.Next(2) == 0 ? [] : Directories(2),
                };
            case 10 when AnyBroker() is { } id:
                return random.Next(2) == 0
                    ? new FenceBrokerRecord { Id = id, Epoch = brokers[id] }
                    : new UnfenceBrokerRecord { Id = id, Epoch = brokers[id] };
            case 11 when AnyBroker() is { } id && random.Next(4) == 0:
                brokers.Remove(id, out var epoch);
                return new UnregisterBrokerRecord { BrokerId = id, BrokerEpoch = epoch };
            case 12:
                return new RegisterControllerRecord
                {
                    ControllerId = random.Next(3),
                    IncarnationId = Uuid.Next(random),
                    EndPoints = [new() { Name = "CONTROLLER", Host = Word(), Port = 9093 }],
                    Features = [new() { Name = "kraft.version", MaxSupportedVersion = 1 }],
                };
            case 13:
                return random.Next(2) == 0
                    ? new FeatureLevelRecord { Name = "metadata.version", FeatureLevel = 29 }
                    : new FeatureLevelRecord { Name = Word(), FeatureLevel = (short)random.Next(3) };
            case 14:
                return new ProducerIdsRecord { BrokerId = 1, BrokerEpoch = 1, NextProducerId = offset * 1000 };
            case 15:
                return new ClientQuotaRecord
                {
                    Entity = [new() { EntityType = "user", EntityName = random.Next(3) == 0 ? null : Word() }, new() { EntityType = "client-id", EntityName = Word() }],
                    Key = Word(),
                    Value = random.NextDouble(),
                    Remove = random.Next(4) == 0,
                };
            case 16:
                return new AccessControlEntryRecord { Id = new Uuid(7, (ulong)random.Next(9)), ResourceName = Word(), Principal = Word(), Host = "*" };
            case 17:
                return new RemoveAccessControlEntryRecord { Id = new Uuid(7, (ulong)random.Next(9)) };
            case 18:
                return random.Next(3) == 0
                    ? new RemoveUserScramCredentialRecord { Name = Word(), Mechanism = 1 }
                    : new UserScramCredentialRecord { Name = Word(), Mechanism = (sbyte)random.Next(1, 3), Salt = new byte[] { (byte)offset }, Iterations = 4096 };
            case 19:
                return random.Next(3) == 0
                    ? new RemoveDelegationTokenRecord { TokenId = Word() }
                    : new DelegationTokenRecord { TokenId = Word(), Owner = Word(), Requester = Word(), Renewers = [Word()], MaxTimestamp = offset };
            case 20:
                return AnyTopic() is { } cleared && random.Next(2) == 0
                    ? new ClearElrRecord { TopicName = random.Next(3) == 0 ? "" : topics[cleared].Name }
                    : new NoOpRecord();
            default:
                return null;
        }
    }

    private PartitionRecord Partition(Uuid topicId, int id)
    {
        var replicas = Ids(random.Next(1, 4));
        return new PartitionRecord
        {
            TopicId = topicId,
            PartitionId = id,
            Replicas = replicas,
            Isr = replicas[..1],
            RemovingReplicas = Ids(random.Next(2)),
            AddingReplicas = Ids(random.Next(2)),
            Leader = random.Next(4) == 0 ? -1 : replicas[0],
            LeaderRecoveryState = (sbyte)random.Next(2),
            LeaderEpoch = random.Next(9),
            PartitionEpoch = random.Next(9),
            Directories = Directories(replicas.Length),
            EligibleLeaderReplicas = random.Next(2) == 0 ? null : Ids(1),
            LastKnownElr = random.Next(2) == 0 ? null : Ids(1),
        };
    }

    private PartitionChangeRecord Change(Uuid topicId, int id)
    {
        var replicas = Ids(random.Next(1, 4));
        return new PartitionChangeRecord
        {
            TopicId = topicId,
            PartitionId = id,
            Isr = random.Next(2) == 0 ? null : Ids(random.Next(3)),
            Leader = random.Next(-2, 3),
            Replicas = random.Next(2) == 0 ? null : replicas,
            RemovingReplicas = random.Next(2) == 0 ? null : Ids(random.Next(2)),
            AddingReplicas = random.Next(2) == 0 ? null : Ids(random.Next(2)),
            LeaderRecoveryState = (sbyte)random.Next(-1, 2),
            Directories = random.Next(2) == 0 ? null : Directories(replicas.Length),
            EligibleLeaderReplicas = random.Next(2) == 0 ? null : Ids(random.Next(2)),
            LastKnownElr = random.Next(2) == 0 ? null : Ids(random.Next(2)),
        };
    }

    private RegisterBrokerRecord Registration(int id) => new()
    {
        BrokerId = id,
        BrokerEpoch = offset,
        IncarnationId = Uuid.Next(random),
        IsMigratingZkBroker = random.Next(9) == 0,
        EndPoints = [new() { Name = "PLAINTEXT", Host = Word(), Port = 9092 }, new() { Name = "SSL", Host = Word(), Port = 65535, SecurityProtocol = 1 }],
        Features = [new() { Name = "metadata.version", MinSupportedVersion = 7, MaxSupportedVersion = 29 }],
        Rack = random.Next(2) == 0 ? null : Word(),
        Fenced = random.Next(2) == 0,
        InControlledShutdown = random.Next(2) == 0,
        LogDirs = Directories(random.Next(3)),
    };

    private Uuid? AnyTopic() => topics.Count == 0 ? null : topics.Keys.ElementAt(random.Next(topics.Count));

    private int? AnyBroker() => brokers.Count == 0 ? null : brokers.Keys.ElementAt(random.Next(brokers.Count));

    private string Word() => ((char)('a' + random.Next(8))).ToString();

    private int[] Ids(int count) => [.. Enumerable.Range(0, 5).OrderBy(_ => random.Next()).Take(count)];

    private Uuid[] Directories(int count) => [.. Enumerable.Range(0, count).Select(_ => Uuid.Next(random))];
}
