using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Coordination;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Group partition {Partition}: {Groups} groups loaded in {Ms} ms")]
    public static partial void Loaded(ILogger logger, int partition, int groups, long ms);

    [LoggerMessage(2, LogLevel.Error, "Group partition {Partition} cannot be loaded; its groups are not served")]
    public static partial void LoadFailed(ILogger logger, int partition, Exception fault);

    [LoggerMessage(EventId = 3, Message = "Group partition {Partition} is no longer led here; {Calls} waiting calls are told so")]
    public static partial void Lost(ILogger logger, LogLevel level, int partition, int calls);

    [LoggerMessage(10, LogLevel.Information, "Group {Group} ({Type}): {From} -> {To}, generation {Generation}, {Members} members")]
    public static partial void GroupMoved(ILogger logger, string group, string type, string from, string to, int generation, int members);

    [LoggerMessage(11, LogLevel.Information, "Group {Group}: {Records} records of expired offsets written")]
    public static partial void OffsetsExpired(ILogger logger, string group, int records);

    [LoggerMessage(12, LogLevel.Error, "Group {Group}: what was due could not be done")]
    public static partial void TimerFailed(ILogger logger, string group, Exception fault);

    [LoggerMessage(20, LogLevel.Debug, "Transaction partition {Partition}: {Ids} transactional ids loaded in {Ms} ms")]
    public static partial void TransactionsLoaded(ILogger logger, int partition, int ids, long ms);

    [LoggerMessage(21, LogLevel.Error, "Transaction partition {Partition} cannot be loaded; its transactional ids are not served")]
    public static partial void TransactionsNotLoaded(ILogger logger, int partition, Exception fault);

    [LoggerMessage(22, LogLevel.Debug, "Transaction partition {Partition} is no longer led here")]
    public static partial void TransactionsLost(ILogger logger, int partition);

    [LoggerMessage(23, LogLevel.Information, "The transaction of {TransactionalId} has taken more than {TimeoutMs} ms: it is aborted, and its producer fenced")]
    public static partial void TransactionTimedOut(ILogger logger, string transactionalId, int timeoutMs);

    [LoggerMessage(24, LogLevel.Information, "Transaction partition {Partition}: {Ids} transactional ids have expired")]
    public static partial void TransactionalIdsExpired(ILogger logger, int partition, int ids);

    [LoggerMessage(25, LogLevel.Information, "{TransactionalId}: its marker cannot be written to {Topic} yet: {Error}")]
    public static partial void MarkerWaits(ILogger logger, string transactionalId, TopicPartition topic, ErrorCode error);

    [LoggerMessage(26, LogLevel.Error, "{TransactionalId}: its marker could not be written to {Topic}; it is tried again")]
    public static partial void MarkerFailed(ILogger logger, string transactionalId, TopicPartition topic, Exception fault);

    [LoggerMessage(27, LogLevel.Warning, "{TransactionalId}: its marker was refused by {Topic} ({Error}); no more of them are sent")]
    public static partial void MarkersFenced(ILogger logger, string transactionalId, TopicPartition topic, ErrorCode error);

    [LoggerMessage(28, LogLevel.Error, "{TransactionalId}: that its transaction is complete could not be written; it is tried again")]
    public static partial void NotCompleted(ILogger logger, string transactionalId, Exception fault);

    [LoggerMessage(29, LogLevel.Error, "Transaction partition {Partition}: what was due could not be done")]
    public static partial void UpkeepFailed(ILogger logger, int partition, Exception fault);
}
