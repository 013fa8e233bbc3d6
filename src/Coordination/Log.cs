using Microsoft.Extensions.Logging;

namespace Milena.Coordination;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Group partition {Partition}: {Groups} groups loaded in {Ms} ms")]
    public static partial void Loaded(ILogger logger, int partition, int groups, long ms);

    [LoggerMessage(2, LogLevel.Error, "Group partition {Partition} cannot be loaded; its groups are not served")]
    public static partial void LoadFailed(ILogger logger, int partition, Exception fault);

    [LoggerMessage(EventId = 3, Message = "Group partition {Partition} is no longer led here; {Calls} waiting calls are told so")]
    public static partial void Lost(ILogger logger, LogLevel level, int partition, int calls);

    [LoggerMessage(10, LogLevel.Information, "Group {Group}: {From} -> {To}, generation {Generation}, {Members} members")]
    public static partial void GroupMoved(ILogger logger, string group, string from, string to, int generation, int members);

    [LoggerMessage(11, LogLevel.Information, "Group {Group}: {Records} records of expired offsets written")]
    public static partial void OffsetsExpired(ILogger logger, string group, int records);

    [LoggerMessage(12, LogLevel.Error, "Group {Group}: what was due could not be done")]
    public static partial void TimerFailed(ILogger logger, string group, Exception fault);
}
