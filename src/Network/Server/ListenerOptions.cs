using System.Net;

namespace Milena.Network;

/// <summary>One listener: <c>NAME://host:port</c> of <c>listeners</c>, and what its sockets are like.</summary>
/// <param name="Name">The listener's name, for example <c>PLAINTEXT</c>.</param>
/// <param name="Host">An address or a host's name; empty for every address of the machine.</param>
/// <param name="Port">0 for any that is free.</param>
public sealed record ListenerOptions(string Name, string Host, int Port)
{
    /// <summary><c>socket.listen.backlog.size</c>: how many connections may wait to be accepted.</summary>
    public int Backlog { get; init; } = 50;

    /// <summary>What accepted sockets are like.</summary>
    public SocketSettings Sockets { get; init; } = SocketSettings.Default;
}

/// <summary>A listener could not be opened. The message is one line that says which and why.</summary>
public sealed class ListenerException(string message, Exception innerException) : Exception(message, innerException);
