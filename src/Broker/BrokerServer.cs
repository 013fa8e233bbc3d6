using Microsoft.Extensions.Logging;
using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.Quorum;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Log;
using Milena.Network;
using Milena.Protocol.Messages;
using Milena.Raft;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker;

/// <summary>
/// A node that is broker and controller at once: owns its logs, its quorum, its listeners, and the order in which they come
/// up and go down. Started once and stopped once.
/// </summary>
public sealed class BrokerServer : IAsyncDisposable
{
    /// <summary>How long requests in flight may take to be answered when the node stops.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(10);

    private readonly BrokerConfig config;
    private readonly ILoggerFactory loggers;
    private readonly ILogger<BrokerServer> logger;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly BrokerFrameHandler handler = new();
    private readonly TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LogManager? logs;
    private FrameServer? frames;
    private GroupCoordinator? groups;
    private ControllerService? controller;
    private BrokerLife? life;
    private Task? stopped;

    /// <param name="config">The node's static configuration.</param>
    /// <param name="loggers">Where messages go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Ids, jitter and placement; safe to use from several threads.</param>
    public BrokerServer(BrokerConfig config, ILoggerFactory loggers, TimeProvider time, Random random)
    {
        this.config = config;
        this.loggers = loggers;
        this.time = time;
        this.random = random;
        logger = loggers.CreateLogger<BrokerServer>();
    }

    /// <summary>The cluster's id; empty before <see cref="StartAsync"/>.</summary>
    public string ClusterId => logs?.ClusterId ?? "";

    /// <summary>Where the listeners are bound, with their real ports; empty before <see cref="StartAsync"/>.</summary>
    public IReadOnlyList<Endpoint> Bound { get; private set; } = [];

    /// <summary>The log directories, as full paths.</summary>
    public IReadOnlyList<string> LogDirs => logs is null ? [] : [.. logs.LogDirs.Select(dir => dir.Path)];

    /// <summary>Completes if the node cannot go on: no log directory is left that it could work with.</summary>
    public Task Failed => failed.Task;

    /// <summary>
    /// Comes up; when this returns, the node serves. Throws <see cref="LogDirectoryException"/> or <see cref="ListenerException"/>
    /// with a line for the user, and <see cref="IOException"/> if a disk refuses.
    /// </summary>
    public async Task StartAsync()
    {
        logs = LogManager.Open(BrokerOptions.LogManager(config), time, random, loggers);
        logs.LogDirFailed += OnLogDirFailed;

        // Listening begins before anything is loaded: clients that come early wait for the answer instead of being refused.
        frames = new FrameServer(handler, BrokerOptions.Frames(config), time, loggers.CreateLogger<FrameServer>());
        var ports = new Dictionary<string, int>();
        foreach (var endpoint in config.Listeners.BoundForBrokers)
            ports[endpoint.Name] = frames.Listen(BrokerOptions.Listener(config, endpoint)).EndPoint.Port;
        foreach (var endpoint in config.Listeners.BoundForControllers)
            Log.ControllerListenerNotOpened(logger, endpoint.ToString());
        Bound = [.. config.Listeners.BoundForBrokers.Select(endpoint => endpoint with { Port = ports[endpoint.Name] })];

        var metadata = new MetadataCache();
        var replicas = new ReplicaManager(BrokerOptions.Replication(config), logs, loggers.CreateLogger<ReplicaManager>());
        groups = new GroupCoordinator(
            BrokerOptions.Groups(config), new Groups.GroupTopics(metadata), time, random, loggers.CreateLogger<GroupCoordinator>());
        var publisher = new MetadataPublisher(metadata, replicas, groups);
        var image = await StartController(publisher);
        publisher.Load(image);
        await Bootstrapping.Run(controller!, image, config, logs, time);

        logs.LoadLogs(topic => LogConfigs.From(metadata.Image.TopicConfigOf(topic, config)));
        logs.MoveStrays((partition, topicId) => IsHere(metadata, partition, topicId));
        life = new BrokerLife(controller!, metadata, config, logs, Uuid.Next(random));
        await life.Begin(AdvertisedEndpoints.Resolve(config, ports), time);
        publisher.Activate();

        handler.Serve(BrokerApis.Create(new BrokerParts(
            config,
            logs,
            replicas,
            metadata,
            controller!,
            new TopicAutoCreation(controller!, config, time, loggers.CreateLogger<TopicAutoCreation>()),
            new ProducerIds(controller!, config, () => life.Epoch),
            groups,
            time,
            random)));
    }

    /// <summary>A connection from within the process, over the transport that carries the same bytes as a socket.</summary>
    public Transport Connect(string listenerName) =>
        (frames ?? throw new InvalidOperationException("the node has not been started")).Connect(listenerName);

    /// <summary>
    /// Stops: answers what is in flight, tells everyone who waits to go elsewhere, syncs the logs and leaves the mark of a clean
    /// shutdown. Any number of times.
    /// </summary>
    public Task StopAsync()
    {
        lock (failed)
            return stopped ??= StopOnceAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<Metadata.Images.MetadataImage> StartController(MetadataPublisher publisher)
    {
        var log = logs!.OpenMetadataLog(LogConfig.Default with
        {
            CleanupPolicy = CleanupPolicy.None,
            MaxMessageBytes = MetadataBatches.BatchBytesMax,
        });
        var self = new VoterKey(config.NodeId, log.DirectoryId);
        var quorum = new QuorumDriver(
            new QuorumConfig(self, [self]),
            log,
            new QuorumStateStore(Path.Combine(log.LogDir, Bootstrap.LogDirectory, "quorum-state")),
            publisher.Publish,
            time,
            loggers.CreateLogger<QuorumDriver>());
        await quorum.Start();
        controller = new ControllerService(new Controller(config, logs.ClusterId), quorum, random, time);
        return await controller.Open();
    }

    private async Task StopOnceAsync()
    {
        await Task.Yield(); // out of the lock
        life?.Dispose();
        groups?.Close(); // whoever waits for a rebalance is answered, and the connections are free
        if (frames is not null)
            await frames.StopAsync(AnswerMax);
        controller?.Close();
        if (logs is not null)
            await logs.CloseAsync(life?.Epoch ?? -1);
    }

    private static bool IsHere(MetadataCache metadata, TopicPartition partition, Uuid? topicId) =>
        metadata.Image.Topics.TryGet(partition.Topic, out var topic)
        && (topicId is null || topic.Id == topicId)
        && topic.TryGetPartition(partition.Partition, out _);

    private void OnLogDirFailed(LogDirInfo dir, IOException failure)
    {
        Log.LogDirFailed(logger, dir.Path, failure);
        var isMetadata = dir.Path == Path.GetFullPath(config.MetadataLogDir);
        if (isMetadata || logs!.LogDirs.All(other => other.IsOffline))
        {
            Log.NoLogDirLeft(logger);
            failed.TrySetResult();
            return;
        }

        _ = life?.Heartbeat().AsTask(); // says at once which directory is gone
    }
}
