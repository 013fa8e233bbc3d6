using System.Net;

namespace Milena.Network;

/// <summary>The settings of a <see cref="FrameServer"/>, for all its listeners together.</summary>
public sealed record FrameServerOptions
{
    /// <summary><c>queued.max.request.bytes</c> when it is -1: an eighth of a second of input at full speed.</summary>
    public const long QueuedBytesDefault = 128 << 20;

    /// <summary><c>socket.request.max.bytes</c>: the largest frame, without its size prefix.</summary>
    public int FrameBytesMax { get; init; } = 104_857_600;

    /// <summary><c>queued.max.request.bytes</c>: the memory of all frames being received or handled; -1 for the default.</summary>
    public long QueuedBytesMax { get; init; } = -1;

    /// <summary><c>connections.max.idle.ms</c>.</summary>
    public TimeSpan IdleMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many requests of one connection are handled at once; the next is not read before.</summary>
    public int InFlightMax { get; init; } = 16;

    /// <summary>How large those may be together; one may always be.</summary>
    public long InFlightBytesMax { get; init; } = 32 << 20;

    /// <summary>How long an incomplete frame may stand still while others wait for the memory it holds.</summary>
    public TimeSpan StallMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many lines a second each <see cref="CloseReason"/> may write to the log.</summary>
    public int LogLinesPerSecond { get; init; } = 10;

    /// <summary>Who may connect.</summary>
    public ConnectionLimits Connections { get; init; } = new();
}

/// <summary>How many connections there may be.</summary>
public sealed record ConnectionLimits
{
    /// <summary><c>max.connections</c>. Beyond it, a new connection waits unanswered until another one ends.</summary>
    public int Max { get; init; } = int.MaxValue;

    /// <summary><c>max.connections.per.ip</c>. Beyond it, a new connection is closed.</summary>
    public int MaxPerIp { get; init; } = int.MaxValue;

    /// <summary><c>max.connections.per.ip.overrides</c>, by address; an IPv4 address is written as such.</summary>
    public IReadOnlyDictionary<IPAddress, int> MaxPerIpOverrides { get; init; } = new Dictionary<IPAddress, int>();

    /// <summary><c>max.connection.creation.rate</c>: new connections a second. Beyond it they wait.</summary>
    public int CreatedPerSecond { get; init; } = int.MaxValue;
}
