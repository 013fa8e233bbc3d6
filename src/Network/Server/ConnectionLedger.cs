using System.Net;

namespace Milena.Network;

/// <summary>Keeps count of the connections of all listeners against <see cref="ConnectionLimits"/>.</summary>
internal sealed class ConnectionLedger(ConnectionLimits limits, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> byAddress = [];
    private readonly Queue<TaskCompletionSource> waiting = [];
    private ConnectionLimits limits = limits;
    private int count;
    private double credit = limits.CreatedPerSecond; // of new connections; grows with time up to a second's worth
    private long creditedAt = time.GetTimestamp();

    /// <summary>The limits, which may change at any time. Connections that exist stay.</summary>
    public ConnectionLimits Limits
    {
        get => Volatile.Read(ref limits);
        set
        {
            lock (gate)
            {
                limits = value;
                credit = Math.Min(credit, value.CreatedPerSecond);
                AdmitWaiting();
            }
        }
    }

    public int Count => Volatile.Read(ref count);

    /// <summary>Whether <c>max.connections</c> is reached.</summary>
    public bool IsFull
    {
        get
        {
            lock (gate)
                return count >= limits.Max;
        }
    }

    /// <summary>Counts a connection of this address, unless it has as many as it may. In-process connections have none.</summary>
    public bool TryTakeAddress(IPAddress? address)
    {
        if (address is null)
            return true;
        lock (gate)
        {
            var had = byAddress.GetValueOrDefault(address);
            if (had >= limits.MaxPerIpOverrides.GetValueOrDefault(address, limits.MaxPerIp))
                return false;
            byAddress[address] = had + 1;
            return true;
        }
    }

    /// <summary>Counts a connection whatever the limit.</summary>
    public void AddPlace()
    {
        lock (gate)
            count++;
    }

    /// <summary>Completes when the connection is counted among <see cref="ConnectionLimits.Max"/>.</summary>
    public Task TakePlaceAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (count < limits.Max && waiting.Count == 0)
            {
                count++;
                return Task.CompletedTask;
            }

            var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(place);
            return WaitAsync(place, cancellationToken);
        }

        static async Task WaitAsync(TaskCompletionSource place, CancellationToken cancellationToken)
        {
            await using var registration = cancellationToken.Register(() => place.TrySetCanceled(cancellationToken));
            await place.Task;
        }
    }

    /// <summary>How long the next connection must wait for its turn; its turn is taken.</summary>
    public TimeSpan TakeTurn()
    {
        lock (gate)
        {
            var rate = limits.CreatedPerSecond;
            if (rate == int.MaxValue)
                return TimeSpan.Zero;
            var now = time.GetTimestamp();
            credit = Math.Min(rate, credit + rate * time.GetElapsedTime(creditedAt, now).TotalSeconds);
            creditedAt = now;
            credit--;
            return credit >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-credit / Math.Max(rate, 0.001));
        }
    }

    public void ReturnAddress(IPAddress? address)
    {
        if (address is null)
            return;
        lock (gate)
        {
            if (--byAddress[address] == 0)
                byAddress.Remove(address);
        }
    }

    public void ReturnPlace()
    {
        lock (gate)
        {
            count--;
            AdmitWaiting();
        }
    }

    private void AdmitWaiting()
    {
        while (count < limits.Max && waiting.TryDequeue(out var place))
        {
            if (place.TrySetResult())
                count++;
        }
    }
}
