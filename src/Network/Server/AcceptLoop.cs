using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Milena.Network;

/// <summary>Accepts the connections of one listener, as fast and as many as the limits allow.</summary>
/// <param name="listenerName">For the log, and for the connections.</param>
/// <param name="accept">The next connection; throws <see cref="SocketException"/>.</param>
/// <param name="quota">How long a new connection of the address is kept and then closed, because there were too many; zero to serve it.</param>
/// <param name="admit">Takes an accepted connection over, and the address that it counts for.</param>
internal sealed class AcceptLoop(
    string listenerName,
    Func<CancellationToken, ValueTask<Transport>> accept,
    Func<IPAddress, TimeSpan> quota,
    Action<Transport, IPAddress?> admit,
    ConnectionLedger ledger,
    TimeProvider time,
    ILogger logger,
    Action<Transport> tellTooMany)
{
    /// <summary>How long to wait before the next try when there are no file descriptors or no memory left.</summary>
    internal static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>How many refused connections may be kept at once; more are closed right away.</summary>
    private const int KeptMax = 1000;

    private bool inTrouble;
    private int kept;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (await AcceptAsync(cancellationToken) is { } transport)
                    await AdmitAsync(transport, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops.
        }
        catch (Exception e)
        {
            Log.ListenerFailed(logger, listenerName, e);
        }
    }

    private async ValueTask<Transport?> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            var transport = await accept(cancellationToken);
            if (inTrouble)
                Log.AcceptsAgain(logger, listenerName);
            inTrouble = false;
            return transport;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            return null; // the client gave up before its turn came
        }
        catch (SocketException e) when (!cancellationToken.IsCancellationRequested)
        {
            if (!inTrouble)
                Log.CannotAccept(logger, listenerName, e.Message);
            inTrouble = true;
            await Task.Delay(RetryAfter, time, cancellationToken);
            return null;
        }
    }

    private async ValueTask AdmitAsync(Transport transport, CancellationToken cancellationToken)
    {
        var address = AddressOf(transport);
        if (address is not null && quota(address) is var keep && keep > TimeSpan.Zero)
        {
            _ = CloseLaterAsync(transport, keep, cancellationToken); // throws nothing
            return;
        }

        if (!ledger.TryTakeAddress(address))
        {
            tellTooMany(transport);
            transport.Close();
            return;
        }

        try
        {
            if (ledger.TakeTurn() is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, time, cancellationToken);
            if (ledger.IsFull)
                Log.NoPlace(logger, ledger.Count);
            await ledger.TakePlaceAsync(cancellationToken);
        }
        catch
        {
            ledger.ReturnAddress(address);
            transport.Close();
            throw;
        }

        admit(transport, address);
    }

    /// <summary>A client whose connection is closed at once would only try again at once.</summary>
    private async Task CloseLaterAsync(Transport transport, TimeSpan keep, CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref kept) <= KeptMax)
                await Task.Delay(keep, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The server stops: then they go too.
        }
        finally
        {
            Interlocked.Decrement(ref kept);
            transport.Close();
        }
    }

    private static IPAddress? AddressOf(Transport transport) =>
        (transport.RemoteEndPoint as IPEndPoint)?.Address is not { } address ? null
        : address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : address;
}
