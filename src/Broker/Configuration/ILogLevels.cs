using Microsoft.Extensions.Logging;

namespace Milena.Broker;

/// <summary>
/// The levels of the process's loggers, which can be changed while it runs. A broker whose logger factory is one of these shows and
/// changes them as configurations of type BROKER_LOGGER; any other's levels are its owner's.
/// </summary>
public interface ILogLevels
{
    /// <summary>The logger that all others take their level from.</summary>
    const string Root = "root";

    /// <summary>Every logger that there is, <see cref="Root"/> among them, with the least level that it writes.</summary>
    IReadOnlyDictionary<string, LogLevel> Levels { get; }

    /// <summary>
    /// Sets the level of a logger, and of those below it (whose names begin with its own and a dot) that have none; null takes it away,
    /// so that the logger has the level of the one above. Holds at once, and until the process ends.
    /// </summary>
    void Set(string logger, LogLevel? level);
}
