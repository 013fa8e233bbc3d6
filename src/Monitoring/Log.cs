using Microsoft.Extensions.Logging;

namespace Milena.Monitoring;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A scrape of the metrics has failed")]
    public static partial void ScrapeFailed(ILogger logger, Exception fault);
}
