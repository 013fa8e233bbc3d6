using Milena.Common;

namespace Milena.Coordination.Groups;

/// <summary>What groups need to know about the cluster's topics. The broker answers from its metadata image.</summary>
public interface IGroupTopics
{
    /// <summary>The partitions of a topic; 0 if there is no such topic.</summary>
    int PartitionCount(string topic);

    /// <summary>The id of a topic; <see cref="Uuid.Zero"/> if there is no such topic.</summary>
    Uuid TopicId(string topic);

    /// <summary>The name of a topic; null if no topic has the id.</summary>
    string? TopicName(Uuid topicId);

    /// <summary>The names of all topics.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>
    /// Stands for the topics as they are: another object when a topic has come, gone or grown. It may be another one without that.
    /// </summary>
    object Stamp { get; }
}

/// <summary>Who sends a request.</summary>
/// <param name="ClientId">The client id of the request's header.</param>
/// <param name="Host">Where the client is, as Kafka shows it: <c>/127.0.0.1</c>.</param>
public readonly record struct GroupClient(string ClientId, string Host);

/// <summary>The time of a step: a clock that never jumps, for deadlines, and the calendar's, for what is written down.</summary>
internal readonly record struct GroupTime(long Ms, long UnixMs)
{
    /// <summary>No deadline.</summary>
    public const long Never = long.MaxValue;
}
