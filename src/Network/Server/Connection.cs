using System.Net;
using Microsoft.Extensions.Logging;

namespace Milena.Network;

/// <summary>
/// A client's connection to a <see cref="FrameServer"/>. One loop reads its requests and calls the handler; a response that is
/// ready at once is sent from that loop, others by whoever completes them, in the order of their requests.
/// </summary>
public sealed partial class Connection
{
    /// <summary>How much a connection does before it lets others that wait have its thread: 64 requests or a megabyte.</summary>
    private const int TurnBytes = 1 << 20;
    private const int RequestTurnBytes = TurnBytes / 64;

    private readonly FrameServer server;
    private readonly Transport transport;
    private readonly FrameReader reader;
    private readonly FrameWriter writer;
    private readonly InFlightGate inFlight;
    private CancellationTokenSource? closing;
    private int closeReason;
    private long requestCount; // the reading loop's alone
    private long responseCount; // whoever's turn it is to send
    private volatile bool stopping;
    private long seenProgress; // the sweep's: what had moved when it last came by, and when that was
    private long seenAt;

    internal Connection(FrameServer server, Transport transport, string listenerName, long id, IPAddress? countedAddress)
    {
        this.server = server;
        this.transport = transport;
        ListenerName = listenerName;
        Id = id;
        CountedAddress = countedAddress;
        reader = new FrameReader(transport, server.Budget, server.Options.FrameBytesMax);
        writer = new FrameWriter(transport);
        inFlight = new InFlightGate(server.Options.InFlightMax, server.Options.InFlightBytesMax);
        seenAt = server.Time.GetTimestamp();
    }

    /// <summary>Unique among the connections of the server's life.</summary>
    public long Id { get; }

    /// <summary>The listener it came in on.</summary>
    public string ListenerName { get; }

    /// <summary>The server's end.</summary>
    public EndPoint? LocalEndPoint => transport.LocalEndPoint;

    /// <summary>The client's end.</summary>
    public EndPoint? RemoteEndPoint => transport.RemoteEndPoint;

    /// <summary>Whatever the handler keeps for the connection.</summary>
    public object? State { get; set; }

    /// <summary>What has gone over it so far.</summary>
    internal ListenerTraffic Traffic => new(
        ListenerName, 1, 1, Volatile.Read(ref requestCount), Volatile.Read(ref responseCount), reader.Progress, writer.SentBytes,
        CloseReason == CloseReason.Idle ? 1 : 0);

    /// <summary>Why it ended; <see cref="CloseReason.None"/> while it has not.</summary>
    public CloseReason CloseReason => (CloseReason)Volatile.Read(ref closeReason);

    /// <summary>Fires when the connection is closed, by whom ever, so that a handler that waits gives up.</summary>
    public CancellationToken Closed
    {
        get
        {
            if (closing is { } existing)
                return existing.Token;
            var created = new CancellationTokenSource();
            var source = Interlocked.CompareExchange(ref closing, created, null) ?? created;
            if (CloseReason != CloseReason.None)
                source.Cancel();
            return source.Token;
        }
    }

    /// <summary>The address that counts against <c>max.connections.per.ip</c>; null if none does.</summary>
    internal IPAddress? CountedAddress { get; }

    /// <summary>Closes the connection now. What is in flight is not answered. Any thread, any number of times.</summary>
    /// <param name="reason">For the log.</param>
    public void Abort(string reason) => Close(CloseReason.Refused, reason);

    /// <summary>Completes when nothing of the connection is left.</summary>
    internal Task Ended { get; private set; } = Task.CompletedTask;

    /// <summary>Whether requests are in flight.</summary>
    internal bool IsBusy => inFlight.Count > 0;

    /// <summary>Begins to read.</summary>
    internal void Start() => Ended = RunAsync();

    /// <summary>The connection's life. One method, because its state is what a silent connection holds.</summary>
    private async Task RunAsync()
    {
        await Task.Yield(); // who has accepted the connection does not handle its first requests
        try
        {
            var turn = 0;
            while (CloseReason == CloseReason.None)
            {
                if (MayBeMuted)
                    await WaitUntilUnmutedAsync();
                var reading = reader.ReadAsync();
                if (!reading.IsCompleted)
                {
                    turn = 0;
                    server.Handler.OnPause(this);
                    await SendHeldWhileReadingAsync();
                }

                if (await reading is not { } frame)
                {
                    Close(CloseReason.PeerGone, "the peer closed it");
                }
                else
                {
                    if (MayBeMuted) // by the answer to a request before it
                        await HoldWhileMutedAsync(frame);
                    if (await EnterAsync(frame))
                    {
                        turn += RequestTurnBytes + frame.Length;
                        requestCount++;
                        var answering = HandleAsync(frame);
                        if (!answering.IsCompleted)
                            server.Handler.OnPause(this); // a peer that does not take its answers holds up nobody else
                        await answering;
                    }
                }

                if (turn < TurnBytes)
                    continue;
                turn = 0;
                server.Handler.OnPause(this);
                if (OthersWait)
                {
                    await SendHeldAsync();
                    await Task.Yield();
                }
            }
        }
        catch (Exception e)
        {
            OnFailed(e);
        }

        server.Handler.OnPause(this);
        LeaveHeldEntry();
        await inFlight.WhenEmpty();
        CleanUp();
    }

    private void CleanUp()
    {
        reader.Release();
        writer.Release();
        try
        {
            server.Handler.OnClosed(this);
        }
        catch (Exception e)
        {
            Log.CleanUpFailed(server.Logger, Id, e);
        }

        server.Remove(this);
    }

    /// <summary>From now on no more requests are read.</summary>
    internal void StopReading()
    {
        stopping = true;
        EndMute();
    }

    /// <summary>Answers what is in flight when no more is read, then tells the peer that nothing more comes.</summary>
    internal async Task EndAsync()
    {
        await inFlight.WhenEmpty();
        transport.EndSend();
    }

    /// <summary>Closes the connection if nothing has moved for too long. Called now and then by the server, one call at a time.</summary>
    internal void Sweep(long now)
    {
        var progress = reader.Progress + writer.SentBytes;
        if (progress != seenProgress)
        {
            seenProgress = progress;
            seenAt = now;
            return;
        }

        var still = server.Time.GetElapsedTime(seenAt, now);
        var waitsForHandler = inFlight.Count > 0 && !writer.IsSending;
        if (still >= server.Options.IdleMax && !waitsForHandler)
            Close(CloseReason.Idle, "nothing moved for connections.max.idle.ms");
        else if (still >= server.Options.StallMax && (reader.HoldsShare || holdsMutedFrame) && server.Budget.IsShort)
            Close(CloseReason.Stalled, "a frame stood still half way, while others waited for its memory");
    }

    internal void Close(CloseReason reason, string why, Exception? exception = null)
    {
        if (Interlocked.CompareExchange(ref closeReason, (int)reason, (int)CloseReason.None) != (int)CloseReason.None)
            return;
        server.LogClosed(this, reason, why, exception);
        transport.Close();
        EndMute();
        try
        {
            Volatile.Read(ref closing)?.Cancel();
        }
        catch (AggregateException e)
        {
            Log.CleanUpFailed(server.Logger, Id, e);
        }
    }

    /// <summary>Whether there is more to do than threads that do it.</summary>
    private static bool OthersWait => ThreadPool.PendingWorkItemCount > 0 || IoThreads.Shared is { AreAllBusy: true };

    private bool IsServing => !stopping && CloseReason == CloseReason.None;

    /// <summary>Waits until one more request may be in flight. False if it comes too late: the server or the connection has stopped.</summary>
    private ValueTask<bool> EnterAsync(InboundFrame frame)
    {
        var entered = inFlight.TryEnter(frame.Length);
        return entered && IsServing ? new(true) : EnterAsync(frame, entered);
    }

    private async ValueTask<bool> EnterAsync(InboundFrame frame, bool entered)
    {
        try
        {
            if (!entered)
            {
                server.Handler.OnPause(this);
                await SendHeldAsync();
                await inFlight.EnterAsync(frame.Length);
            }
        }
        catch
        {
            frame.Dispose();
            throw;
        }

        if (IsServing)
            return true;
        inFlight.Leave(frame.Length);
        frame.Dispose();
        await SendHeldAsync();
        await reader.DiscardAsync();
        Close(CloseReason.PeerGone, "the peer closed it");
        return false;
    }

    /// <summary>Closes the connection for what reading or writing has thrown.</summary>
    private void OnFailed(Exception exception)
    {
        if (exception is BadFrameException)
            Close(CloseReason.BadInput, exception.Message);
        else if (exception is EndOfStreamException)
            Close(CloseReason.Truncated, "the peer closed it in the middle of a request");
        else if (Transport.IsGone(exception))
            Close(CloseReason.PeerGone, exception.Message);
        else
            Close(CloseReason.Failed, "a response could not be sent", exception);
    }
}
