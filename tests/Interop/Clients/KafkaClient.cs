using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>A client that others wrote, behind what all of them can do.</summary>
internal abstract class KafkaClient
{
    public abstract string Name { get; }

    /// <summary>The name in letters that a topic's name may have.</summary>
    public string PlainName => Name.Replace('@', '_').Replace('/', '_');

    /// <summary>The codecs it writes and reads.</summary>
    public IReadOnlyList<string> Codecs { get; init; } = Codec.All;

    /// <summary>Snappy comes bare or in the frames of snappy-java; whether this client writes the latter.</summary>
    public bool FramesSnappy { get; init; }

    /// <summary>Whether it reads Snappy in frames too. A broker hands on what was stored and cannot help.</summary>
    public bool ReadsFramedSnappy { get; init; } = true;

    /// <summary>Whether it can read what <paramref name="writer"/> writes in this codec.</summary>
    public bool CanRead(KafkaClient writer, string codec) =>
        Codecs.Contains(codec) && (codec != Codec.Snappy || !writer.FramesSnappy || ReadsFramedSnappy);

    /// <summary>Whether it can read partitions of its own choice, without a group.</summary>
    public bool ReadsWithoutGroup { get; init; } = true;

    /// <summary>Whether keys and values may hold any byte and be null.</summary>
    public bool IsBinary { get; init; } = true;

    /// <summary>Whether it has an idempotent producer.</summary>
    public bool IsIdempotent { get; init; } = true;

    /// <summary>
    /// Whether, when partitions come back to it, it may go on from where it was before it lost them. A client that does so
    /// has a fault of its own: it has read the committed offsets by then.
    /// </summary>
    public bool ReadsAgainAfterRebalance { get; init; }

    /// <summary>Sends all records, in order, to each topic with acks=all, and returns once all are acknowledged.</summary>
    public abstract Task Produce(
        string bootstrap, IReadOnlyList<Record> records, IReadOnlyList<(string Topic, string Codec)> targets, bool isIdempotent = false);

    /// <summary>
    /// Reads topics from their start, or from what <paramref name="group"/> has committed, until <paramref name="count"/>
    /// records have come or it is stopped.
    /// </summary>
    public abstract Consumption Consume(string bootstrap, IReadOnlyList<string> topics, string? group = null, int? count = null);

    /// <summary>Reads exactly <paramref name="countEach"/> records for each topic together, and commits them if in a group.</summary>
    public virtual async Task<IReadOnlyList<Consumed>> Read(
        string bootstrap, IReadOnlyList<string> topics, int countEach, string? group = null, TimeSpan? within = null)
    {
        await using var consumption = Consume(bootstrap, topics, group, countEach * topics.Count);
        await consumption.Ended(within ?? Deadline.Default);
        return consumption.Records;
    }

    /// <summary>Sends records to one topic.</summary>
    public Task Produce(string bootstrap, string topic, IReadOnlyList<Record> records, string codec = Codec.None) =>
        Produce(bootstrap, records, [(topic, codec)]);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
