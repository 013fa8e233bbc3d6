using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Broker;

internal static partial class Log
{
    [LoggerMessage(500, LogLevel.Debug, "Node {NodeId} leads the metadata quorum in epoch {Epoch}; the high watermark is {HighWatermark}")]
    public static partial void Leads(ILogger logger, int nodeId, int epoch, long highWatermark);

    [LoggerMessage(501, LogLevel.Error, "Node {NodeId} leads the metadata quorum no longer, it cannot write epoch {Epoch}: {Error}")]
    public static partial void Resigned(ILogger logger, int nodeId, int epoch, ErrorCode error);

    [LoggerMessage(502, LogLevel.Error, "The groups of {Partition} cannot be loaded")]
    public static partial void GroupsNotLoaded(ILogger logger, TopicPartition partition, Exception exception);

    [LoggerMessage(503, LogLevel.Error, "Log directory {Path} has failed and is offline from now on")]
    public static partial void LogDirFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(504, LogLevel.Critical, "No log directory is left that this node could work with: it stops")]
    public static partial void NoLogDirLeft(ILogger logger);

    [LoggerMessage(505, LogLevel.Warning, "The topic {Topic} cannot be created: {Error} {Message}")]
    public static partial void TopicNotCreated(ILogger logger, string topic, ErrorCode error, string? message);

    [LoggerMessage(506, LogLevel.Information, "The controller listener {Endpoint} is not opened: the only controller is reached within this process")]
    public static partial void ControllerListenerNotOpened(ILogger logger, string endpoint);
}
