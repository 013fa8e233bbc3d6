using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Milena.Broker.Configuration;
using Milena.Broker.Controllers;
using Milena.Broker.Dispatch;
using Milena.Broker.LogDirs;
using Milena.Broker.Metrics;
using Milena.Broker.Quotas;
using Milena.Broker.Quorum;
using Milena.Broker.Transactions;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Coordination.Transactions;
using Milena.Metadata.Configs;
using Milena.Metadata.Controllers;
using Milena.Metadata.Features;
using Milena.Metadata.Images;
using Milena.Metadata.Log;
using Milena.Metrics;
using Milena.Network;
using Milena.Protocol;
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
    private readonly IFileSystem files;
    private readonly BrokerMetrics metrics;
    private readonly BrokerFrameHandler handler;
    private readonly TaskCompletionSource failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private LogManager? logs;
    private FrameServer? frames;
    private GroupCoordinator? groups;
    private TransactionCoordinator? transactions;
    private ReplicaManager? replicas;
    private MetadataSnapshots? snapshots;
    private ControllerService? controller;
    private QuorumDriver? quorum;
    private DirectoryAssignments? assignments;
    private ReplicaMoves? moves;
    private BrokerLife? life;
    private ControllerDuties? duties;
    private bool serves;
    private volatile BrokerState state = BrokerState.NotRunning;
    private Task? started;
    private Task? stopped;

    /// <param name="config">The node's static configuration.</param>
    /// <param name="loggers">Where messages go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Ids, jitter and placement; safe to use from several threads.</param>
    public BrokerServer(BrokerConfig config, ILoggerFactory loggers, TimeProvider time, Random random)
        : this(config, loggers, time, random, LocalFileSystem.Instance)
    {
    }

    internal BrokerServer(BrokerConfig config, ILoggerFactory loggers, TimeProvider time, Random random, IFileSystem files)
    {
        this.config = config;
        this.loggers = loggers;
        this.time = time;
        this.random = random;
        this.files = files;
        metrics = new(time);
        ServerMetrics.Register(metrics.Registry, () => state, () => ClusterId);
        handler = new(metrics.Requests);
        logger = loggers.CreateLogger<BrokerServer>();
    }

    /// <summary>The cluster's id; empty before <see cref="StartAsync"/>.</summary>
    public string ClusterId => logs?.ClusterId ?? "";

    /// <summary>Where the listeners are bound, with their real ports; empty before <see cref="StartAsync"/>.</summary>
    public IReadOnlyList<Endpoint> Bound { get; private set; } = [];

    /// <summary>The log directories, as full paths.</summary>
    public IReadOnlyList<string> LogDirs => logs is null ? [] : [.. logs.LogDirs.Select(dir => dir.Path)];

    /// <summary>What is measured.</summary>
    public MetricRegistry Metrics => metrics.Registry;

    /// <summary>What answers the requests of all connections.</summary>
    internal IFrameHandler Handler => handler;

    /// <summary>The memory of all requests that are being received or handled.</summary>
    internal long QueuedBytes => frames?.QueuedBytes ?? 0;

    /// <summary>The partitions that this node holds; null before <see cref="StartAsync"/>.</summary>
    internal ReplicaManager? Replicas => replicas;

    /// <summary>The metadata snapshot that is being written, for tests; completed if none is.</summary>
    internal Task SnapshotWriting => snapshots?.Writing ?? Task.CompletedTask;

    /// <summary>How many fetches wait for records, for tests; one that waits on several partitions counts for each.</summary>
    internal int WaitingFetches => replicas?.Partitions.Sum(partition => partition.WaitingCount) ?? 0;

    /// <summary>Completes if the node cannot go on: no log directory is left that it could work with.</summary>
    public Task Failed => failed.Task;

    /// <summary>
    /// Comes up; when this returns, the node serves. Throws <see cref="BrokerStartException"/>, <see cref="LogDirectoryException"/> or
    /// <see cref="ListenerException"/> with a line for the user, <see cref="IOException"/> if a disk refuses, and
    /// <see cref="OperationCanceledException"/> if it is stopped meanwhile. Whatever it throws, nothing is left behind: another
    /// node can be started on the same directories and ports.
    /// </summary>
    public Task StartAsync()
    {
        lock (gate)
        {
            Invariant.Holds(started is null);
            return started = StartOnceAsync();
        }
    }

    /// <summary>A connection from within the process, over the transport that carries the same bytes as a socket.</summary>
    public Transport Connect(string listenerName) =>
        (frames ?? throw new InvalidOperationException("the node has not been started")).Connect(listenerName);

    /// <summary>
    /// Stops: answers what is in flight, tells everyone who waits to go elsewhere, syncs the logs and leaves the mark of a clean
    /// shutdown. Any number of times, and also while the node comes up.
    /// </summary>
    public Task StopAsync()
    {
        lock (gate)
            return stopped ??= StopOnceAsync(started ?? Task.CompletedTask);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartOnceAsync()
    {
        try
        {
            await Task.Yield(); // out of the lock
            await ComeUpAsync();
        }
        catch
        {
            try
            {
                await GoDownAsync();
            }
            catch (Exception failure) // what is told is why the node did not come up
            {
                Log.NotTakenDown(logger, failure);
            }

            throw;
        }
    }

    private async Task ComeUpAsync()
    {
        var steps = new StartSteps(logger, time);
        state = BrokerState.Starting;
        if (!config.IsBroker || !config.IsController)
            throw new BrokerStartException("a node is broker and controller at once so far: process.roles must be broker,controller");
        if (config.Listeners.BoundForBrokers.FirstOrDefault(endpoint => endpoint.Protocol != SecurityProtocol.Plaintext) is { } unprotected)
        {
            // Opened all the same, it would serve everyone who finds it.
            throw new BrokerStartException(
                $"the listener {unprotected} asks for {unprotected.Protocol.Name()}, which is not served yet: only PLAINTEXT is");
        }

        logs = LogManager.Open(BrokerOptions.LogManager(config), time, random, loggers, files);
        logs.LogDirFailed += OnLogDirFailed;
        LogMetrics.Register(metrics.Registry, logs);
        steps.Done("taking the log directories");

        // Listening begins before anything is loaded: clients that come early wait for the answer instead of being refused.
        var quotas = BrokerOptions.Quotas(config, time);
        frames = new FrameServer(handler, BrokerOptions.Frames(config), time, loggers.CreateLogger<FrameServer>())
        {
            ConnectionQuota = quotas.Connected,
        };
        var ports = new Dictionary<string, int>();
        foreach (var endpoint in config.Listeners.BoundForBrokers)
            ports[endpoint.Name] = frames.Listen(BrokerOptions.Listener(config, endpoint)).EndPoint.Port;
        foreach (var endpoint in config.Listeners.BoundForControllers)
            Log.ControllerListenerNotOpened(logger, endpoint.ToString());
        Bound = [.. config.Listeners.BoundForBrokers.Select(endpoint => endpoint with { Port = ports[endpoint.Name] })];
        NetworkMetrics.Register(metrics.Registry, frames);
        steps.Done("opening the listeners");

        var metadata = new MetadataCache();
        replicas = new ReplicaManager(BrokerOptions.Replication(config), logs, loggers.CreateLogger<ReplicaManager>());
        replicas.Removed += metrics.Topics.OnRemoved;
        var replicaMetrics = new ReplicaMetrics(metrics.Registry, replicas, metadata, config.NodeId);
        var topics = new Groups.GroupTopics(metadata);
        groups = new GroupCoordinator(BrokerOptions.Groups(config, metadata), topics, time, random, loggers.CreateLogger<GroupCoordinator>());
        var markers = new TransactionMarkers(new PartitionDirectory(replicas, metadata), groups, time);
        var producerIds = new Lazy<ProducerIds>(() => new ProducerIds(controller!, config, () => life!.Epoch));
        transactions = new TransactionCoordinator(
            BrokerOptions.Transactions(config),
            topics,
            markers,
            () => producerIds.Value.Next(),
            () => metadata.Image.Features.Level(FeatureNames.Transaction),
            time,
            loggers.CreateLogger<TransactionCoordinator>());
        moves = new ReplicaMoves(logs, partition => assignments!.Tell(partition), time, loggers.CreateLogger<ReplicaMoves>());
        var live = new LiveConfigs(config, frames, logs, moves, loggers.CreateLogger<LiveConfigs>());
        var publisher = new MetadataPublisher(
            metadata,
            replicas,
            groups,
            transactions,
            live,
            loggers.CreateLogger<MetadataPublisher>());
        GroupMetrics.Register(metrics.Registry, groups);
        GroupMetrics.Register(metrics.Registry, transactions);
        var quorumMetrics = new QuorumMetrics(metrics.Registry);
        quorumMetrics.Add(publisher, metadata);
        await StartController(publisher, metadata, quorumMetrics);
        var controllerMetrics = new ControllerMetrics(metrics.Registry, metadata, controller!);
        steps.Done("the metadata log");
        ThrowIfOver();

        var settings = new ConcurrentDictionary<string, LogConfig>(StringComparer.Ordinal);
        logs.LoadLogs(topic => settings.GetOrAdd(topic, name => LogConfigs.From(metadata.Image.TopicConfigOf(name, config))));
        logs.MoveStrays((partition, topicId) => IsHere(metadata, partition, topicId));
        steps.Done("loading the logs");
        ThrowIfOver();

        life = new BrokerLife(controller!, metadata, config, logs, Uuid.Next(random), loggers.CreateLogger<BrokerLife>());
        await life.Begin(AdvertisedEndpoints.Resolve(config, ports), time);
        steps.Done("registering");
        publisher.Acted += delta =>
        {
            if (delta.ClientQuotasChanged)
                quotas.Apply(delta.After.ClientQuotas);
        };
        assignments = new DirectoryAssignments(
            controller!, replicas, config.NodeId, () => life.Epoch, loggers.CreateLogger<DirectoryAssignments>());
        publisher.Acted += assignments.OnActed;
        publisher.Acted += new LeaderRecovery(controller!, config.NodeId, () => life.Epoch, loggers.CreateLogger<LeaderRecovery>()).OnActed;
        publisher.Acted += replicaMetrics.OnActed;
        publisher.Acted += controllerMetrics.OnActed;
        publisher.Activate();
        moves.Wake();
        steps.Done("taking up the partitions");
        ThrowIfOver();

        handler.Serve(BrokerApis.Create(new BrokerParts(
            config,
            logs,
            replicas,
            metadata,
            controller!,
            quorum!,
            new TopicAutoCreation(controller!, config, time, loggers.CreateLogger<TopicAutoCreation>()),
            producerIds.Value,
            groups,
            transactions,
            markers,
            live,
            life,
            moves,
            metrics,
            quotas,
            time,
            random,
            loggers)));
        serves = true;
        state = BrokerState.Running;
        metrics.Registry.Start();
        duties = new ControllerDuties(controller!, life, config, time, loggers.CreateLogger<ControllerDuties>());
    }

    private void ThrowIfOver()
    {
        stopping.Token.ThrowIfCancellationRequested();
        if (MustStop())
            throw new LogDirectoryException($"the log directory {Path.GetFullPath(config.MetadataLogDir)} has failed while the node came up");
    }

    private async Task StartController(MetadataPublisher publisher, MetadataCache metadata, QuorumMetrics quorumMetrics)
    {
        var log = logs!.OpenMetadataLog(BrokerOptions.MetadataLog(config));
        try
        {
            var directory = Path.Combine(log.LogDir, Bootstrap.LogDirectory);
            var store = new SnapshotStore(files, directory, loggers.CreateLogger<SnapshotStore>());
            var start = QuorumStart.Load(log, store, logger);
            var taking = snapshots = new MetadataSnapshots(
                BrokerOptions.Snapshots(config), store, log, start, time, loggers.CreateLogger<MetadataSnapshots>());
            quorum = new QuorumDriver(
                start.Quorum(new VoterKey(config.NodeId, log.DirectoryId), BrokerOptions.Voters(config)),
                log,
                start,
                new QuorumStateStore(files, directory, start.KRaftVersion),
                run => OnCommitted(publisher, taking, run),
                time,
                loggers.CreateLogger<QuorumDriver>());
            quorumMetrics.Add(quorum);
            quorumMetrics.Add(taking);
            await quorum.Start();
            controller = new ControllerService(new Controller(config, logs.ClusterId), quorum, random, time);
            var image = await controller.Open();
            metadata.KRaftVersion = start.KRaftVersion;
            publisher.Load(image, isFromSnapshot: start.Snapshot is not null);
            var bootstrap = image.Features.Finalized.Count == 0 ? Bootstrapping.ReadOrWrite(files, log.LogDir, start, NowMs) : [];
            await Bootstrapping.Activate(controller, bootstrap, log, logger);
        }
        catch (MalformedMessageException damage)
        {
            throw new BrokerStartException($"the metadata log in {log.LogDir} cannot be read: {damage.Message}", damage);
        }
    }

    private void OnCommitted(MetadataPublisher publisher, MetadataSnapshots taking, CommittedRun run)
    {
        try
        {
            publisher.Publish(run);
            taking.OnCommitted(publisher.Latest, run);
        }
        catch (Exception fault)
        {
            Log.MetadataNotUnderstood(logger, run.EndOffset, fault); // what this node believes of the cluster is wrong from here on
            failed.TrySetResult();
            throw;
        }
    }

    private async Task StopOnceAsync(Task starting)
    {
        await Task.Yield(); // out of the lock
        await stopping.CancelAsync();
        try
        {
            await starting;
        }
        catch (Exception)
        {
            return; // whoever started the node was told why it did not come up; nothing of it is left
        }

        await GoDownAsync();
    }

    private async Task GoDownAsync()
    {
        state = BrokerState.ShuttingDown;
        metrics.Dispose();
        duties?.Dispose();
        life?.Dispose();
        groups?.Close(); // whoever waits for a rebalance is answered, and the connections are free
        transactions?.Close();
        if (frames is not null)
        {
            // Before the node serves, requests wait for it to come up, which it will not.
            var answered = frames.StopAsync(serves ? AnswerMax : TimeSpan.Zero);
            replicas?.Resign(); // and whoever waits for records
            await answered;
        }

        if (moves is not null)
            await moves.DisposeAsync();
        controller?.Close();
        if (snapshots is not null)
            await snapshots.DisposeAsync();
        if (logs is not null)
            await logs.CloseAsync(life is { Epoch: >= 0 } ? life.Epoch : logs.PreviousBrokerEpoch);
    }

    private static bool IsHere(MetadataCache metadata, TopicPartition partition, Uuid? topicId) =>
        metadata.Image.Topics.TryGet(partition.Topic, out var topic)
        && (topicId is null || topic.Id == topicId)
        && topic.TryGetPartition(partition.Partition, out _);

    private void OnLogDirFailed(LogDirInfo dir, IOException failure)
    {
        Log.LogDirFailed(logger, dir.Path, failure);
        if (MustStop())
        {
            Log.NoLogDirLeft(logger);
            failed.TrySetResult();
            return;
        }

        _ = life?.Beat(); // says at once which directory is gone
    }

    // Without its metadata log a node can do nothing, and without a directory for topics next to nothing.
    private bool MustStop()
    {
        var online = logs!.LogDirs.Where(dir => !dir.IsOffline).Select(dir => dir.Path).ToHashSet();
        return !online.Contains(Path.GetFullPath(config.MetadataLogDir)) || !config.LogDirs.Any(path => online.Contains(Path.GetFullPath(path)));
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
