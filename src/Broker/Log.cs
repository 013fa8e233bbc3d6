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

    [LoggerMessage(505, LogLevel.Warning, "The topic {Topic} (and {OtherCount} others) cannot be created: {Error} {Message}")]
    public static partial void TopicNotCreated(ILogger logger, string topic, int otherCount, ErrorCode error, string? message);

    [LoggerMessage(506, LogLevel.Information, "The controller listener {Endpoint} is not opened: the only controller is reached within this process")]
    public static partial void ControllerListenerNotOpened(ILogger logger, string endpoint);

    [LoggerMessage(507, LogLevel.Warning, "Features are lowered to what this version serves: {Features}")]
    public static partial void FeaturesLowered(ILogger logger, string features);

    [LoggerMessage(508, LogLevel.Debug, "Took the metadata snapshot {Name}: {Bytes} bytes in {ElapsedMs} ms")]
    public static partial void SnapshotTaken(ILogger logger, string name, long bytes, long elapsedMs);

    [LoggerMessage(509, LogLevel.Warning, "No metadata snapshot could be taken; the metadata log has everything and grows")]
    public static partial void SnapshotFailed(ILogger logger, Exception exception);

    [LoggerMessage(510, LogLevel.Debug, "Removed the metadata snapshot {Name}; the metadata log begins at {LogStartOffset}")]
    public static partial void SnapshotRemoved(ILogger logger, string name, long logStartOffset);

    [LoggerMessage(511, LogLevel.Warning, "The metadata snapshot {Path} is damaged and not used: {Damage}")]
    public static partial void SnapshotBroken(ILogger logger, string path, string damage);

    [LoggerMessage(512, LogLevel.Warning, "The metadata log in {Directory} ends at offset {EndOffset}, before its snapshot {Snapshot}: it goes on behind that")]
    public static partial void MetadataLogShort(ILogger logger, string directory, long endOffset, string snapshot);

    [LoggerMessage(513, LogLevel.Debug, "Start: {Step} took {ElapsedMs:F1} ms")]
    public static partial void StartStep(ILogger logger, string step, double elapsedMs);

    [LoggerMessage(514, LogLevel.Error, "Committed metadata up to offset {EndOffset} could not be acted on")]
    public static partial void NotActedOn(ILogger logger, long endOffset, Exception exception);

    [LoggerMessage(515, LogLevel.Warning, "Configurations of topics that are not acted on yet: {Names}")]
    public static partial void UnusedTopicConfigs(ILogger logger, string names);

    [LoggerMessage(516, LogLevel.Warning, "The controller was not told in which log directories {Count} partitions lie: {Error}")]
    public static partial void DirectoriesNotAssigned(ILogger logger, int count, ErrorCode error);

    [LoggerMessage(517, LogLevel.Error, "The controller was not told in which log directories {Count} partitions lie")]
    public static partial void DirectoriesNotAssigned(ILogger logger, int count, Exception exception);

    [LoggerMessage(518, LogLevel.Critical, "Committed metadata up to offset {EndOffset} contradict those before them: the node stops")]
    public static partial void MetadataNotUnderstood(ILogger logger, long endOffset, Exception exception);

    [LoggerMessage(519, LogLevel.Error, "A node that did not come up could not be taken down in order")]
    public static partial void NotTakenDown(ILogger logger, Exception exception);

    [LoggerMessage(520, LogLevel.Error, "A heartbeat of broker {BrokerId} failed")]
    public static partial void HeartbeatFailed(ILogger logger, int brokerId, Exception exception);

    [LoggerMessage(521, LogLevel.Warning, "Broker {BrokerId} has not been heard of for a session and is fenced")]
    public static partial void BrokerFenced(ILogger logger, int brokerId);

    [LoggerMessage(522, LogLevel.Error, "The controller's own duties failed; they are taken up again")]
    public static partial void DutiesFailed(ILogger logger, Exception exception);

    [LoggerMessage(523, LogLevel.Warning, "The controller was not told that the leaders of {Count} partitions have recovered: {Error}")]
    public static partial void RecoveryNotTold(ILogger logger, int count, ErrorCode error);

    [LoggerMessage(524, LogLevel.Error, "The controller was not told that the leaders of {Count} partitions have recovered")]
    public static partial void RecoveryNotTold(ILogger logger, int count, Exception exception);

    [LoggerMessage(525, LogLevel.Warning, "Broker {BrokerId} is not registered any more ({Error}), and registers anew")]
    public static partial void RegistersAnew(ILogger logger, int brokerId, ErrorCode error);

    [LoggerMessage(526, LogLevel.Error, "A request for {Api} version {Version} from {Client} could not be handled")]
    public static partial void RequestFailed(ILogger logger, ApiKey api, short version, string? client, Exception exception);

    [LoggerMessage(527, LogLevel.Warning, "{Partition} does not move to {LogDir}: {Error}")]
    public static partial void MoveFailed(ILogger logger, TopicPartition partition, string logDir, ErrorCode error);

    [LoggerMessage(528, LogLevel.Error, "Replicas are not moved to other log directories any more, until somebody asks again")]
    public static partial void MovesFailed(ILogger logger, Exception exception);
}
