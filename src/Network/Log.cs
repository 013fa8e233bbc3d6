using System.Net;
using Microsoft.Extensions.Logging;

namespace Milena.Network;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Listener {Listener} listens on {EndPoint}")]
    public static partial void Listening(ILogger logger, string listener, EndPoint? endPoint);

    [LoggerMessage(2, LogLevel.Warning, "Listener {Listener} cannot accept connections just now ({Error}); it goes on trying")]
    public static partial void CannotAccept(ILogger logger, string listener, string error);

    [LoggerMessage(3, LogLevel.Information, "Listener {Listener} accepts connections again")]
    public static partial void AcceptsAgain(ILogger logger, string listener);

    [LoggerMessage(4, LogLevel.Warning, "There are {Count} connections, as many as max.connections allows; new ones wait")]
    public static partial void NoPlace(ILogger logger, int count);

    [LoggerMessage(5, LogLevel.Error, "Listener {Listener} has failed")]
    public static partial void ListenerFailed(ILogger logger, string listener, Exception exception);

    [LoggerMessage(10, LogLevel.Debug, "Connection {Id} from {Peer} accepted on {Listener}")]
    public static partial void Accepted(ILogger logger, long id, EndPoint? peer, string listener);

    [LoggerMessage(11, LogLevel.Debug, "Connection {Id} from {Peer} ended: {Why}")]
    public static partial void Ended(ILogger logger, long id, EndPoint? peer, string why);

    [LoggerMessage(12, LogLevel.Information, "Connection {Id} from {Peer} closed: {Why}")]
    public static partial void Closed(ILogger logger, long id, EndPoint? peer, string why);

    [LoggerMessage(13, LogLevel.Warning, "Connection {Id} from {Peer} closed: {Why}")]
    public static partial void Refused(ILogger logger, long id, EndPoint? peer, string why);

    [LoggerMessage(14, LogLevel.Error, "Connection {Id} from {Peer} closed: {Why}")]
    public static partial void Failed(ILogger logger, long id, EndPoint? peer, string why, Exception? exception);

    [LoggerMessage(15, LogLevel.Warning, "{Count} more connections were closed like this ({Reason}) within a second")]
    public static partial void Suppressed(ILogger logger, int count, CloseReason reason);

    [LoggerMessage(16, LogLevel.Warning, "A connection from {Peer} was closed: its address has as many as max.connections.per.ip allows")]
    public static partial void TooMany(ILogger logger, EndPoint? peer);

    [LoggerMessage(17, LogLevel.Error, "Cleaning up after connection {Id} has failed")]
    public static partial void CleanUpFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(18, LogLevel.Warning, "{Count} connections were cut off at shutdown: they were not answered in time")]
    public static partial void CutOff(ILogger logger, int count);
}
