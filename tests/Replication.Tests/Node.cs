using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Common;
using Milena.Metadata.Configs;
using Milena.Metadata.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Protocol.Records;
using Milena.Storage;

namespace Milena.Replication.Tests;

/// <summary>Node 1 of a cluster of two: its logs in a directory of the test's own, and the metadata that the test says there is.</summary>
internal sealed class Node : IAsyncDisposable
{
    public const int Id = 1;
    public const int Other = 2;

    private readonly string directory = Directory.CreateTempSubdirectory("milena-replication-").FullName;

    public Node(AckPolicy policy = AckPolicy.Never)
    {
        Logs = LogManager.Open(
            new LogManagerOptions { LogDirs = [directory], NodeId = Id }, Time, new Random(1), NullLoggerFactory.Instance);
        Logs.LoadLogs(_ => LogConfig.Default);
        Replicas = new ReplicaManager(
            new ReplicationOptions(Id, policy, LogConfigOf, (image, topic) => image.TopicConfigOf(topic, BrokerConfig.Default)),
            Logs,
            NullLogger<ReplicaManager>.Instance);
        Replicas.LeadershipChanged += partition =>
            Events.Add($"{partition.Name} {(partition.Leadership.IsLeader ? "leads" : "follows")} in {partition.Leadership.LeaderEpoch}");
        Replicas.Removed += partition => Events.Add($"{partition.Name} removed");
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public LogManager Logs { get; }

    public ReplicaManager Replicas { get; }

    public List<string> Events { get; } = [];

    public MetadataImage Image { get; private set; } = MetadataImage.Empty;

    public static Uuid TopicId(string name) => new(7, (ulong)name[0] << 8 | 100);

    /// <summary>The metadata log tells this.</summary>
    public void Tell(params IMetadataRecord[] records)
    {
        var delta = Image.Replay(records);
        Image = delta.Latest;
        Replicas.Apply(delta);
    }

    /// <summary>A topic with one partition that this node leads, alone.</summary>
    public Partition Lead(string topic = "t")
    {
        Tell(Topic(topic), Partition(topic));
        return Find(topic);
    }

    public Partition Find(string topic, int number = 0)
    {
        Assert.True(Replicas.TryGet(new TopicPartition(topic, number), out var partition));
        return partition;
    }

    public static TopicRecord Topic(string name) => new() { Name = name, TopicId = TopicId(name) };

    public static PartitionRecord Partition(
        string topic, int number = 0, int leader = Id, int epoch = 0, int[]? replicas = null, int[]? isr = null) => new()
    {
        PartitionId = number,
        TopicId = TopicId(topic),
        Replicas = replicas ?? [Id],
        Isr = isr ?? replicas ?? [Id],
        Leader = leader,
        LeaderEpoch = epoch,
        PartitionEpoch = epoch,
        Directories = [.. (replicas ?? [Id]).Select(_ => Uuid.UnassignedDirectory)],
    };

    public static ConfigRecord Config(string topic, string name, string value) =>
        new() { ResourceType = (sbyte)ConfigResourceType.Topic, ResourceName = topic, Name = name, Value = value };

    /// <summary>A batch with a record of each value, as a client sends it.</summary>
    public static byte[] Batch(params string[] values)
    {
        using var builder = new RecordBatchBuilder();
        foreach (var value in values)
            builder.Append(1_767_000_000_000, NullableSpan.Null, Encoding.UTF8.GetBytes(value));
        return builder.Build().ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await Logs.CloseAsync();
        Directory.Delete(directory, recursive: true);
    }

    private static LogConfig LogConfigOf(TopicConfig config)
    {
        return LogConfig.Default with
        {
            MaxMessageBytes = config.MaxMessageBytes,
            FlushMessages = config.FlushMessages,
            SegmentBytes = config.SegmentBytes,
            CleanupPolicy = config.IsCompacted ? CleanupPolicy.Compact : CleanupPolicy.Delete,
        };
    }
}
