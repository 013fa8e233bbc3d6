using Microsoft.Extensions.Logging;

namespace Milena;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Unknown configurations, without effect: {Names}")]
    public static partial void UnknownNames(ILogger logger, string names);

    [LoggerMessage(2, LogLevel.Warning, "Configurations that are not acted on yet: {Names}")]
    public static partial void UnusedNames(ILogger logger, string names);

    [LoggerMessage(3, LogLevel.Information, "Metrics at {Address}")]
    public static partial void MetricsServed(ILogger logger, Uri address);

    [LoggerMessage(4, LogLevel.Error, "Metrics cannot be served at {Listener}: {Why}")]
    public static partial void MetricsNotServed(ILogger logger, string listener, string why);

    [LoggerMessage(5, LogLevel.Information, "Metrics are sent to {Endpoint}")]
    public static partial void MetricsSent(ILogger logger, string endpoint);
}
