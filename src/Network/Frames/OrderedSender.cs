using Milena.Protocol;

namespace Milena.Network;

/// <summary>A place in the order in which frames leave a connection.</summary>
internal class SendSlot
{
    /// <summary>What is to be sent; null if nothing is.</summary>
    internal OutboundFrame? Frame;

    /// <summary>Guarded by the sender.</summary>
    internal bool IsReady;
}

/// <summary>
/// Sends frames in the order of their slots, whichever is ready first. Whoever makes the first one ready becomes the one who
/// sends, until nothing is ready; there is no thread that waits for work.
/// </summary>
/// <typeparam name="TSlot">The owner's kind of slot.</typeparam>
/// <param name="writer">Used by the sender while it is not idle, and by the owner while it is.</param>
/// <param name="onSent">Called for each slot when its frame is sent or dropped.</param>
/// <param name="onFailed">Called once, when sending has failed. What comes later is dropped.</param>
internal sealed class OrderedSender<TSlot>(FrameWriter writer, Action<TSlot> onSent, Action<Exception> onFailed)
    where TSlot : SendSlot
{
    private readonly Lock gate = new();
    private readonly Queue<TSlot> slots = [];
    private bool sending;
    private bool failed;

    /// <summary>Whether no slot is taken, and the writer free. Stays so until its reader takes one.</summary>
    public bool IsIdle
    {
        get
        {
            lock (gate)
                return !sending && slots.Count == 0;
        }
    }

    /// <summary>Takes the next place. The slot may have been used before, if it was sent.</summary>
    public void Enqueue(TSlot slot)
    {
        lock (gate)
        {
            slot.IsReady = false;
            slots.Enqueue(slot);
        }
    }

    /// <summary>The slot's frame is known. Sends what has become ready, unless somebody else does so already.</summary>
    public void Complete(TSlot slot, OutboundFrame? frame)
    {
        lock (gate)
        {
            slot.Frame = frame;
            slot.IsReady = true;
            if (sending || slots.Peek() != slot)
                return;
            sending = true;
        }

        _ = SendReadyAsync();
    }

    private async Task SendReadyAsync()
    {
        while (TryTake(out var slot, out var isLast))
        {
            var frame = slot.Frame;
            slot.Frame = null;
            try
            {
                if (failed)
                    frame?.Dispose();
                else if (frame is not null)
                    await writer.WriteAsync(frame, flush: isLast);
                else if (isLast)
                    await writer.FlushAsync();
            }
            catch (Exception e)
            {
                // The edge of a loop: whatever went wrong, the order of responses can no longer be kept.
                failed = true;
                onFailed(e);
            }

            onSent(slot);
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TSlot? slot, out bool isLast)
    {
        lock (gate)
        {
            sending = slots.TryPeek(out slot) && slot.IsReady;
            if (sending)
                slots.Dequeue();
            isLast = !(slots.TryPeek(out var next) && next.IsReady);
            return sending;
        }
    }
}
