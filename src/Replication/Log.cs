using Microsoft.Extensions.Logging;
using Milena.Common;
using Milena.Protocol;

namespace Milena.Replication;

internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Error, "{Partition} cannot be opened here: {Error}")]
    public static partial void CannotOpen(ILogger logger, TopicPartition partition, ErrorCode error);
}
