namespace Milena.Network;

/// <summary>
/// A client that uses more than its quota is answered at once and not listened to for a while (KIP-219). Nothing is read meanwhile, so
/// that what it sends all the same stays in its own buffers and the network's.
/// </summary>
public sealed partial class Connection
{
    private long mutedUntil; // a timestamp; 0 for a connection that was never muted
    private TaskCompletionSource? unmuted; // whoever waits for the end of it
    private volatile bool holdsMutedFrame;

    /// <summary>Handles no further request before the time is over; a longer one that holds already counts. Any thread.</summary>
    public void Mute(TimeSpan time)
    {
        if (time <= TimeSpan.Zero)
            return;
        var until = server.Time.GetTimestamp() + (long)(time.TotalSeconds * server.Time.TimestampFrequency);
        long before;
        do
            before = Volatile.Read(ref mutedUntil);
        while (before < until && Interlocked.CompareExchange(ref mutedUntil, until, before) != before);
    }

    /// <summary>Whether the connection is muted, or was and nobody has looked since.</summary>
    private bool MayBeMuted => Volatile.Read(ref mutedUntil) != 0;

    /// <summary>Completes when the connection is not muted any more, or is not served any more.</summary>
    private async ValueTask WaitUntilUnmutedAsync()
    {
        server.Handler.OnPause(this);
        await SendHeldAsync();
        while (IsServing)
        {
            var until = Volatile.Read(ref mutedUntil);
            var now = server.Time.GetTimestamp();
            if (until <= now)
            {
                // Somebody may mute it again at this moment; then that counts.
                Interlocked.CompareExchange(ref mutedUntil, 0, until);
                return;
            }

            var wait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref unmuted, wait);
            if (IsServing) // else who ends it may not have seen that there is somebody to tell
            {
                var left = server.Time.GetElapsedTime(now, until) + TimeSpan.FromTicks(1); // rounded down, it would come too early
                await using var timer = server.Time.CreateTimer(
                    static state => ((TaskCompletionSource)state!).TrySetResult(), wait, left, Timeout.InfiniteTimeSpan);
                await wait.Task;
            }
        }
    }

    /// <summary>Waits with a frame that was read before the connection was muted. If others want its memory, the sweep ends that.</summary>
    private async ValueTask HoldWhileMutedAsync(InboundFrame frame)
    {
        holdsMutedFrame = true;
        try
        {
            await WaitUntilUnmutedAsync();
        }
        catch
        {
            frame.Dispose();
            throw;
        }
        finally
        {
            holdsMutedFrame = false;
        }
    }

    /// <summary>The connection is closed or the server stops: nobody waits any longer.</summary>
    private void EndMute()
    {
        Interlocked.MemoryBarrier(); // what says so must be seen before it is looked who waits
        Volatile.Read(ref unmuted)?.TrySetResult();
    }
}
