using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Network;

/// <summary>
/// A connection to a broker: sends requests, any number of them in flight, and gives each its response by correlation id. Any
/// thread may send. Once broken it stays broken, and everything that waits fails with <see cref="ConnectionBrokenException"/>.
/// </summary>
public sealed class ClientConnection : IAsyncDisposable
{
    /// <summary>Where a request's correlation id stands: behind the size, the API key and its version.</summary>
    private const int CorrelationIdPosition = 8;

    private readonly Transport transport;
    private readonly FrameReader reader;
    private readonly FrameWriter writer;
    private readonly OrderedSender<Pending> sender;
    private readonly SemaphoreSlim room;
    private readonly Lock gate = new();
    private readonly Dictionary<int, Pending?> pending = []; // null: nobody waits for it any more
    private readonly Task receiving;
    private ConnectionBrokenException? broken;
    private int lastCorrelationId;

    /// <param name="transport">Connected; this connection owns it.</param>
    /// <param name="options">The limits.</param>
    public ClientConnection(Transport transport, ClientConnectionOptions options)
    {
        this.transport = transport;
        reader = new FrameReader(transport, FrameBudget.Unlimited, options.ResponseBytesMax);
        writer = new FrameWriter(transport);
        sender = new OrderedSender<Pending>(writer, sent => sent.OnSent(), Break);
        room = new SemaphoreSlim(options.InFlightMax);
        receiving = ReceiveAsync();
    }

    /// <summary>Whether nothing can be sent any more.</summary>
    public bool IsBroken => Volatile.Read(ref broken) is not null;

    /// <summary>Completes when the connection is broken or closed, and never fails.</summary>
    public Task Ended => receiving;

    /// <summary>
    /// Connects over TCP. Throws <see cref="ConnectionBrokenException"/> if nobody answers within
    /// <see cref="ClientConnectionOptions.ConnectMax"/>.
    /// </summary>
    public static async Task<ClientConnection> ConnectAsync(
        string host, int port, ClientConnectionOptions options, CancellationToken cancellationToken = default)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bound.CancelAfter(options.ConnectMax);
        try
        {
            return new ClientConnection(await SocketTransport.ConnectAsync(host, port, options.Sockets, bound.Token), options);
        }
        catch (SocketException e)
        {
            throw new ConnectionBrokenException($"cannot connect to {host}:{port}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ConnectionBrokenException($"{host}:{port} did not answer within {options.ConnectMax.TotalMilliseconds} ms", e);
        }
    }

    /// <summary>The id for the header of the next request, unique among those in flight.</summary>
    public int NextCorrelationId() => Interlocked.Increment(ref lastCorrelationId) & int.MaxValue;

    /// <summary>
    /// Sends a request and returns its response, header included. The request's header carries an id from
    /// <see cref="NextCorrelationId"/>. Throws <see cref="ConnectionBrokenException"/>.
    /// </summary>
    /// <param name="request">Size prefix included; this method disposes it.</param>
    /// <param name="cancellationToken">Gives up waiting; the connection stays usable, and a late response is dropped.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<InboundFrame> SendAsync(OutboundFrame request, CancellationToken cancellationToken = default)
    {
        var waiting = await EnqueueAsync(request, isAnswered: true, cancellationToken);
        if (!cancellationToken.CanBeCanceled)
            return (await waiting.Response)!;
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((Pending)state!).Connection.GiveUp((Pending)state, token), waiting);
        return (await waiting.Response)!;
    }

    /// <summary>Sends a request that has no response (acks=0). Completes when its bytes are handed to the transport.</summary>
    public async ValueTask SendOneWayAsync(OutboundFrame request, CancellationToken cancellationToken = default)
    {
        var waiting = await EnqueueAsync(request, isAnswered: false, cancellationToken);
        await waiting.Response;
    }

    /// <summary>Closes the connection; what waits fails.</summary>
    public async ValueTask DisposeAsync()
    {
        Break(new TransportClosedException());
        await receiving;
    }

    private async ValueTask<Pending> EnqueueAsync(OutboundFrame request, bool isAnswered, CancellationToken cancellationToken)
    {
        try
        {
            await room.WaitAsync(cancellationToken);
        }
        catch
        {
            request.Dispose();
            throw;
        }

        var waiting = new Pending(this, ReadCorrelationId(request), isAnswered);
        ConnectionBrokenException? reason;
        lock (gate)
        {
            reason = broken;
            if (reason is null)
            {
                Invariant.Holds(!isAnswered || pending.TryAdd(waiting.CorrelationId, waiting));
                sender.Enqueue(waiting);
            }
        }

        if (reason is not null)
        {
            request.Dispose();
            room.Release();
            throw reason.Again();
        }

        sender.Complete(waiting, request);
        return waiting;
    }

    private static int ReadCorrelationId(OutboundFrame request)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        var copied = request.CopyTo(CorrelationIdPosition, bytes);
        Invariant.Holds(copied == bytes.Length);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (await reader.ReadAsync() is { } frame)
                Deliver(frame);
            Break(new EndOfStreamException("the peer closed it"));
        }
        catch (Exception e)
        {
            Break(e);
        }

        reader.Release();
    }

    private void Deliver(InboundFrame response)
    {
        Pending? waiting = null;
        var known = false;
        lock (gate)
        {
            if (response.Length >= sizeof(int))
                known = pending.Remove(BinaryPrimitives.ReadInt32BigEndian(response.Bytes.Span), out waiting);
        }

        if (!known)
        {
            response.Dispose();
            throw new BadFrameException("a response came that nobody has asked for");
        }

        room.Release();
        if (waiting is null)
            response.Dispose();
        else
            waiting.SetResult(response);
    }

    private void GiveUp(Pending waiting, CancellationToken token)
    {
        lock (gate)
        {
            if (!pending.TryGetValue(waiting.CorrelationId, out var current) || current != waiting)
                return; // it has come just now
            pending[waiting.CorrelationId] = null;
        }

        waiting.SetException(new OperationCanceledException(token));
    }

    private void Break(Exception exception)
    {
        Pending?[] waiting;
        lock (gate)
        {
            if (broken is not null)
                return;
            broken = new($"the connection to {transport.RemoteEndPoint} is broken: {exception.Message}", exception);
            waiting = [.. pending.Values];
            pending.Clear();
        }

        transport.Close();
        foreach (var one in waiting)
        {
            room.Release();
            one?.SetException(broken.Again());
        }
    }

    /// <summary>A request on its way, and the wait for its response. Its continuation runs on the thread pool.</summary>
    private sealed class Pending(ClientConnection connection, int correlationId, bool isAnswered)
        : SendSlot, IValueTaskSource<InboundFrame?>
    {
        private ManualResetValueTaskSourceCore<InboundFrame?> core = new() { RunContinuationsAsynchronously = true };

        public ClientConnection Connection => connection;

        public int CorrelationId => correlationId;

        /// <summary>Awaited once. Null for a request without a response, once it is sent.</summary>
        public ValueTask<InboundFrame?> Response => new(this, core.Version);

        public void SetResult(InboundFrame? response) => core.SetResult(response);

        public void SetException(Exception exception) => core.SetException(exception);

        public void OnSent()
        {
            if (isAnswered)
                return;
            connection.room.Release();
            if (connection.broken is { } reason)
                SetException(reason.Again());
            else
                SetResult(null);
        }

        public InboundFrame? GetResult(short token) => core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => core.GetStatus(token);

        public void OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            core.OnCompleted(continuation, state, token, flags);
    }
}
