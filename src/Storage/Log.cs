using Microsoft.Extensions.Logging;
using Milena.Common;

namespace Milena.Storage;

/// <summary>What the logs say about themselves. Event ids from 2000.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Error, "log directory {Path} has failed and is offline from now on: {Reason}")]
    public static partial void DirectoryFailed(ILogger logger, string path, string reason);

    [LoggerMessage(2001, LogLevel.Warning, "{Partition}: cut the log from {OldSize} to {NewSize} bytes of segment {BaseOffset}, which ended in an unfinished or damaged batch")]
    public static partial void TailCut(ILogger logger, TopicPartition partition, long baseOffset, int oldSize, int newSize);

    [LoggerMessage(2002, LogLevel.Warning, "{Partition}: removed segment {BaseOffset} behind a damaged one")]
    public static partial void SegmentBehindDamageRemoved(ILogger logger, TopicPartition partition, long baseOffset);

    [LoggerMessage(2003, LogLevel.Information, "{Partition}: rebuilt the indexes of segment {BaseOffset}: {Reason}")]
    public static partial void IndexesRebuilt(ILogger logger, TopicPartition partition, long baseOffset, string reason);

    [LoggerMessage(2004, LogLevel.Warning, "{Partition}: passed over producer snapshot {Offset}, which is damaged")]
    public static partial void SnapshotDamaged(ILogger logger, TopicPartition partition, long offset);

    [LoggerMessage(2005, LogLevel.Warning, "{Partition}: the log ended at {LogEndOffset}, before its start offset {LogStartOffset}; it goes on empty from there")]
    public static partial void EndBelowStart(ILogger logger, TopicPartition partition, long logEndOffset, long logStartOffset);

    [LoggerMessage(2006, LogLevel.Debug, "{Partition}: rolled a segment at {BaseOffset}")]
    public static partial void Rolled(ILogger logger, TopicPartition partition, long baseOffset);

    [LoggerMessage(2007, LogLevel.Information, "{Partition}: removed segment {BaseOffset} ({Bytes} bytes): {Reason}")]
    public static partial void SegmentRemoved(ILogger logger, TopicPartition partition, long baseOffset, int bytes, string reason);

    [LoggerMessage(2008, LogLevel.Information, "{Partition}: log start offset is {Offset}: {Reason}")]
    public static partial void LogStartMoved(ILogger logger, TopicPartition partition, long offset, string reason);

    [LoggerMessage(2009, LogLevel.Warning, "{Partition}: truncated to {Offset}")]
    public static partial void Truncated(ILogger logger, TopicPartition partition, long offset);

    [LoggerMessage(2010, LogLevel.Error, "{Partition}: segment {BaseOffset} is damaged at byte {Position}")]
    public static partial void SegmentDamaged(ILogger logger, TopicPartition partition, long baseOffset, int position);

    [LoggerMessage(2011, LogLevel.Warning, "{Path} does not belong to a log and is left alone")]
    public static partial void UnknownDirectory(ILogger logger, string path);

    [LoggerMessage(2012, LogLevel.Information, "{Partition}: renamed to {Path}, as it does not belong to this node")]
    public static partial void StrayMoved(ILogger logger, TopicPartition partition, string path);

    [LoggerMessage(2013, LogLevel.Information, "{Path}: {Count} logs loaded in {ElapsedMs} ms, {Recovered} of them recovered")]
    public static partial void DirectoryLoaded(ILogger logger, string path, int count, long elapsedMs, int recovered);

    [LoggerMessage(2014, LogLevel.Error, "{Task} failed and is tried again at its next turn")]
    public static partial void BackgroundTaskFailed(ILogger logger, Exception cause, string task);

    [LoggerMessage(2015, LogLevel.Information, "{Partition}: compacted up to offset {EndOffset} in {ElapsedMs} ms: kept {WrittenBytes} of {ReadBytes} bytes")]
    public static partial void Compacted(ILogger logger, TopicPartition partition, long endOffset, long elapsedMs, long writtenBytes, long readBytes);

    [LoggerMessage(2016, LogLevel.Error, "{Partition}: cannot be compacted, and is not looked at again before the next start: {Reason}")]
    public static partial void Uncleanable(ILogger logger, Exception? cause, TopicPartition partition, string reason);

    [LoggerMessage(2017, LogLevel.Warning, "{Partition}: is compacted from its start on, as the checkpoint's offset {CleanedTo} is not within the log")]
    public static partial void CleanedToReset(ILogger logger, TopicPartition partition, long cleanedTo);

    [LoggerMessage(2018, LogLevel.Critical, "a thread that compacts logs has died")]
    public static partial void CleanerDied(ILogger logger, Exception cause);

    [LoggerMessage(2019, LogLevel.Information, "{Partition}: moves from {From} to {To}")]
    public static partial void MoveBegun(ILogger logger, TopicPartition partition, string from, string to);

    [LoggerMessage(2020, LogLevel.Information, "{Partition}: has moved from {From} to {To}")]
    public static partial void Moved(ILogger logger, TopicPartition partition, string from, string to);

    [LoggerMessage(2021, LogLevel.Information, "{Partition}: does not move to {To} any more, and stays in {Directory}")]
    public static partial void MoveGivenUp(ILogger logger, TopicPartition partition, string to, string directory);

    [LoggerMessage(2022, LogLevel.Warning, "{Partition}: was in two directories when the process ended; it goes on in {Directory}, and the other is {Path} now")]
    public static partial void LeftBehind(ILogger logger, TopicPartition partition, string directory, string path);
}
