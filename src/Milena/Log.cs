using Microsoft.Extensions.Logging;

namespace Milena;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Unknown configurations, without effect: {Names}")]
    public static partial void UnknownNames(ILogger logger, string names);

    [LoggerMessage(2, LogLevel.Warning, "Configurations that are not acted on yet: {Names}")]
    public static partial void UnusedNames(ILogger logger, string names);
}
