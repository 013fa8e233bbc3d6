using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Milena.Network;

/// <summary>
/// Serves framed requests on any number of listeners, and to clients in the same process. Owns its connections, what bounds
/// them together (their number, the memory of frames) and the one timer that looks after all of them.
/// </summary>
public sealed class FrameServer : IAsyncDisposable
{
    /// <summary>How long a peer that has been told that nothing more comes may take to close its side.</summary>
    private static readonly TimeSpan FarewellMax = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan SweepPeriodMax = TimeSpan.FromSeconds(1);

    /// <summary>Unused buffers go after two rounds of this many sweeps.</summary>
    private const int SweepsPerTrim = 5;

    private readonly ConcurrentDictionary<long, Connection> connections = new();
    private readonly List<(FrameListener Listener, Task Loop)> listeners = [];
    private readonly Lock gate = new(); // for what comes while the server stops
    private readonly CancellationTokenSource stopAccepting = new();
    private readonly Dictionary<string, ListenerTraffic> ended = new(StringComparer.Ordinal); // of connections that are gone; under the gate
    private readonly ConnectionLedger ledger;
    private readonly LogLimiter logLimiter;
    private readonly ITimer sweeper;
    private readonly Lock sweeping = new();
    private Task? stopped;
    private int sweeps;
    private long lastId;

    /// <param name="handler">Answers the requests.</param>
    /// <param name="options">The limits.</param>
    /// <param name="time">The clock of idle connections, rates and bounds.</param>
    /// <param name="logger">Where connections that end badly are told.</param>
    public FrameServer(IFrameHandler handler, FrameServerOptions options, TimeProvider time, ILogger<FrameServer> logger)
    {
        Handler = handler;
        Options = options;
        Time = time;
        Logger = logger;
        Budget = new FrameBudget(options.QueuedBytesMax > 0 ? options.QueuedBytesMax : FrameServerOptions.QueuedBytesDefault);
        ledger = new ConnectionLedger(options.Connections, time);
        logLimiter = new LogLimiter(options.LogLinesPerSecond, time);
        var period = TimeSpan.FromTicks(Math.Clamp(
            options.IdleMax.Ticks / 4, TimeSpan.TicksPerMillisecond, SweepPeriodMax.Ticks));
        sweeper = time.CreateTimer(_ => Sweep(), null, period, period);
    }

    /// <summary>The limits on connections; they may be changed while the server runs, and hold for new connections.</summary>
    public ConnectionLimits Limits
    {
        get => ledger.Limits;
        set => ledger.Limits = value;
    }

    /// <summary>
    /// Asked for every connection that comes over a network: zero to serve it, or how long it is kept, unanswered, before it is
    /// closed because its address opens too many. To be set before there are listeners.
    /// </summary>
    public Func<IPAddress, TimeSpan> ConnectionQuota { get; set; } = static _ => TimeSpan.Zero;

    /// <summary>How many connections there are.</summary>
    public int ConnectionCount => connections.Count;

    /// <summary>The memory of all frames that are being received or handled.</summary>
    public long QueuedBytes => Budget.UsedBytes;

    /// <summary>What that may come to.</summary>
    public long QueuedBytesMax => Budget.LimitBytes;

    /// <summary>How many frames wait for memory before they are read.</summary>
    public int WaitingForMemory => Budget.WaitingCount;

    /// <summary>The share of the process's threads for connections that have nothing to do, from 0 to 1.</summary>
    public static double IdleShare => IoThreads.Shared?.IdleShare ?? 1;

    /// <summary>What has gone over each listener so far. It walks over all connections.</summary>
    public IReadOnlyList<ListenerTraffic> Traffic()
    {
        lock (gate)
        {
            var sums = new Dictionary<string, ListenerTraffic>(ended, StringComparer.Ordinal);
            foreach (var (_, connection) in connections)
            {
                var traffic = connection.Traffic;
                sums[traffic.Listener] = sums.TryGetValue(traffic.Listener, out var sum) ? sum.Plus(traffic) : traffic;
            }

            return [.. sums.Values];
        }
    }

    internal IFrameHandler Handler { get; }

    internal FrameServerOptions Options { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    internal FrameBudget Budget { get; }

    /// <summary>Opens a port and accepts from it. Throws <see cref="ListenerException"/> with one line that says what is wrong.</summary>
    public FrameListener Listen(ListenerOptions options)
    {
        var listener = FrameListener.Open(options);
        var loop = new AcceptLoop(
            options.Name, AcceptAsync, address => ConnectionQuota(address), (transport, address) => Run(transport, options.Name, address), ledger, Time, Logger, LogTooMany);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(stopped is not null, this);
            listeners.Add((listener, loop.RunAsync(stopAccepting.Token)));
            ended.TryAdd(options.Name, default(ListenerTraffic) with { Listener = options.Name });
        }

        Log.Listening(Logger, options.Name, listener.EndPoint);
        return listener;

        async ValueTask<Transport> AcceptAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(cancellationToken);
                try
                {
                    return SocketTransport.Over(socket, options.Sockets);
                }
                catch (SocketException)
                {
                    socket.Dispose(); // the client is gone already
                }
            }
        }
    }

    /// <summary>A connection from within the process: the client's end of it. It counts against no limit.</summary>
    public Transport Connect(string listenerName)
    {
        var (client, server) = InMemoryTransport.CreatePair();
        Accept(server, listenerName);
        return client;
    }

    /// <summary>Serves a connection that was made elsewhere. It counts against no limit.</summary>
    internal void Accept(Transport transport, string listenerName)
    {
        ledger.AddPlace();
        Run(transport, listenerName, countedAddress: null);
    }

    /// <summary>
    /// Stops: accepts nothing and reads no requests any more, lets those in flight be answered for so long, and closes
    /// everything. Handlers that still wait then see <see cref="Connection.Closed"/>.
    /// </summary>
    public Task StopAsync(TimeSpan answerMax)
    {
        lock (gate)
            return stopped ??= StopOnceAsync(answerMax);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero);

    internal void LogClosed(Connection connection, CloseReason reason, string why, Exception? exception)
    {
        if (reason is CloseReason.PeerGone or CloseReason.Stopping)
        {
            Log.Ended(Logger, connection.Id, connection.RemoteEndPoint, why);
            return;
        }

        if (!logLimiter.Allows(reason))
            return;
        if (reason == CloseReason.Failed)
            Log.Failed(Logger, connection.Id, connection.RemoteEndPoint, why, exception);
        else if (reason is CloseReason.Idle or CloseReason.Truncated)
            Log.Closed(Logger, connection.Id, connection.RemoteEndPoint, why);
        else
            Log.Refused(Logger, connection.Id, connection.RemoteEndPoint, why);
    }

    internal void Remove(Connection connection)
    {
        lock (gate)
        {
            connections.TryRemove(connection.Id, out _);
            var last = connection.Traffic with { Open = 0 };
            ended[last.Listener] = ended.TryGetValue(last.Listener, out var sum) ? sum.Plus(last) : last;
        }

        ledger.ReturnAddress(connection.CountedAddress);
        ledger.ReturnPlace();
    }

    private void Run(Transport transport, string listenerName, IPAddress? countedAddress)
    {
        var connection = new Connection(this, transport, listenerName, Interlocked.Increment(ref lastId), countedAddress);
        Log.Accepted(Logger, connection.Id, connection.RemoteEndPoint, listenerName);
        lock (gate)
        {
            connections[connection.Id] = connection;
            connection.Start();
            if (stopped is not null)
                connection.Close(CloseReason.Stopping, "the server stops");
        }
    }

    private async Task StopOnceAsync(TimeSpan answerMax)
    {
        await Task.Yield(); // out of the lock
        await stopAccepting.CancelAsync();
        foreach (var (listener, _) in listeners)
            listener.Close();
        await Task.WhenAll(listeners.Select(listener => listener.Loop));

        var open = connections.Values.ToArray();
        var ended = Task.WhenAll(open.Select(connection => connection.Ended));
        foreach (var connection in open)
            connection.StopReading(); // all of them, before the first peer is told
        if (await CompletesWithin(Task.WhenAll(open.Select(connection => connection.EndAsync())), answerMax))
            await CompletesWithin(ended, FarewellMax);
        else
            Log.CutOff(Logger, open.Count(connection => connection.IsBusy));
        foreach (var connection in open)
            connection.Close(CloseReason.Stopping, "the server stops");
        await CompletesWithin(ended, FarewellMax);
        await sweeper.DisposeAsync();
        Sweep(); // tells what the log has left out
        stopAccepting.Dispose();
    }

    private async Task<bool> CompletesWithin(Task task, TimeSpan bound)
    {
        try
        {
            await task.WaitAsync(bound, Time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void Sweep()
    {
        if (!sweeping.TryEnter())
            return; // the last one takes its time
        try
        {
            var now = Time.GetTimestamp();
            foreach (var (_, connection) in connections)
                connection.Sweep(now);
            foreach (var (reason, count) in logLimiter.Renew())
                Log.Suppressed(Logger, count, reason);
            if (++sweeps % SweepsPerTrim == 0)
                FramePool.Shared.Trim();
        }
        finally
        {
            sweeping.Exit();
        }
    }

    private void LogTooMany(Transport transport)
    {
        if (logLimiter.Allows(CloseReason.TooMany))
            Log.TooMany(Logger, transport.RemoteEndPoint);
    }
}
