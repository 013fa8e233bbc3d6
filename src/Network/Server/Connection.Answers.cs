using System.Runtime.CompilerServices;
using Milena.Protocol;

namespace Milena.Network;

/// <summary>
/// How requests become responses. While every response is ready at once, the reading loop has the writer to itself: it collects
/// what leaves together, and holds one entry of the gate for it. As soon as one is not, they all pass through the sender's slots,
/// until none is left.
/// </summary>
public sealed partial class Connection
{
    private const int NoEntry = -1;

    private OrderedSender<RequestSlot>? sender; // made when it is needed first
    private RequestSlot? spareSlot;
    private int heldEntry = NoEntry; // the size of the request whose entry is held, because responses lie unsent in the writer

    /// <summary>Calls the handler, and sends the response if it is there at once and no other is due before it.</summary>
    private ValueTask HandleAsync(InboundFrame frame)
    {
        ValueTask<OutboundFrame?> answering;
        try
        {
            answering = server.Handler.HandleAsync(this, frame);
        }
        catch (Exception e)
        {
            answering = ValueTask.FromException<OutboundFrame?>(e);
        }

        if (answering.IsCompleted && sender is null or { IsIdle: true })
            return AnswerNowAsync(frame, answering);
        sender ??= new OrderedSender<RequestSlot>(writer, OnSent, OnFailed);
        var slot = Interlocked.Exchange(ref spareSlot, null) ?? new RequestSlot(this);
        sender.Enqueue(slot);
        if (heldEntry != NoEntry)
            return AnswerAfterHeldAsync(slot, frame, answering);
        slot.Start(frame, answering);
        return ValueTask.CompletedTask;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AnswerNowAsync(InboundFrame frame, ValueTask<OutboundFrame?> answering)
    {
        var response = TakeResult(answering.GetAwaiter());
        frame.Dispose();
        var keepsEntry = false;
        try
        {
            if (response is null)
                return;
            var flush = !reader.HasMore; // what comes next may have an answer that leaves with this one
            keepsEntry = !flush && heldEntry == NoEntry;
            if (keepsEntry)
                heldEntry = frame.Length;
            responseCount++;
            await writer.WriteAsync(response, flush);
            if (flush)
                LeaveHeldEntry();
        }
        finally
        {
            if (!keepsEntry)
                inFlight.Leave(frame.Length);
        }
    }

    /// <summary>The slot's request is not answered yet, and those before it must not wait for it. The writer is still the loop's.</summary>
    private async ValueTask AnswerAfterHeldAsync(RequestSlot slot, InboundFrame frame, ValueTask<OutboundFrame?> answering)
    {
        try
        {
            await SendHeldAsync();
        }
        finally
        {
            slot.Start(frame, answering);
        }
    }

    /// <summary>Answers never wait for the peer. If they cannot be sent, the read that is under way fails as well.</summary>
    private async ValueTask SendHeldWhileReadingAsync()
    {
        try
        {
            await SendHeldAsync();
        }
        catch (Exception e)
        {
            OnFailed(e);
        }
    }

    private ValueTask SendHeldAsync()
    {
        return heldEntry == NoEntry ? ValueTask.CompletedTask : SendAsync();

        async ValueTask SendAsync()
        {
            await writer.FlushAsync();
            LeaveHeldEntry();
        }
    }

    private void LeaveHeldEntry()
    {
        if (heldEntry != NoEntry)
            inFlight.Leave(heldEntry);
        heldEntry = NoEntry;
    }

    private OutboundFrame? TakeResult(ValueTaskAwaiter<OutboundFrame?> answered)
    {
        try
        {
            return answered.GetResult();
        }
        catch (MalformedMessageException e)
        {
            Close(CloseReason.BadInput, e.Message);
        }
        catch (ConnectionClosingException e)
        {
            Close(CloseReason.Refused, e.Message);
        }
        catch (Exception e)
        {
            // The edge of a request. If the connection is closed already, this is only how the handler gave up.
            Close(CloseReason.Failed, "its request could not be handled", e);
        }

        return null;
    }

    private void OnSent(RequestSlot slot)
    {
        var frameBytes = slot.FrameBytes;
        Volatile.Write(ref spareSlot, slot);
        inFlight.Leave(frameBytes);
    }

    /// <summary>A request whose response is sent in its turn.</summary>
    private sealed class RequestSlot : SendSlot
    {
        private readonly Connection connection;
        private readonly Action onAnswered;
        private InboundFrame? frame;
        private ValueTaskAwaiter<OutboundFrame?> answered;

        public RequestSlot(Connection connection)
        {
            this.connection = connection;
            onAnswered = OnAnswered;
        }

        public int FrameBytes { get; private set; }

        public void Start(InboundFrame frame, ValueTask<OutboundFrame?> answering)
        {
            this.frame = frame;
            FrameBytes = frame.Length;
            answered = answering.GetAwaiter();
            if (answered.IsCompleted)
                OnAnswered();
            else
                answered.UnsafeOnCompleted(onAnswered);
        }

        private void OnAnswered()
        {
            var response = connection.TakeResult(answered);
            if (response is not null)
                Interlocked.Increment(ref connection.responseCount);
            answered = default;
            frame!.Dispose();
            frame = null;
            connection.sender!.Complete(this, response);
        }
    }
}
