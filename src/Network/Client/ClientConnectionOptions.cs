namespace Milena.Network;

/// <summary>The limits of a <see cref="ClientConnection"/>.</summary>
public sealed record ClientConnectionOptions
{
    /// <summary>How long connecting may take (<c>socket.connection.setup.timeout.ms</c>).</summary>
    public TimeSpan ConnectMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The largest response that is received.</summary>
    public int ResponseBytesMax { get; init; } = 256 << 20;

    /// <summary>How many requests may be in flight; who sends one more waits.</summary>
    public int InFlightMax { get; init; } = 100;

    /// <summary>What the socket is like.</summary>
    public SocketSettings Sockets { get; init; } = SocketSettings.Default;
}

/// <summary>The connection could not be opened, or broke before the response came: whether the request took effect is unknown.</summary>
public sealed class ConnectionBrokenException : IOException
{
    internal ConnectionBrokenException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The same for one more who waits, so that stack traces do not mix.</summary>
    internal ConnectionBrokenException Again() => new(Message, InnerException!);
}
