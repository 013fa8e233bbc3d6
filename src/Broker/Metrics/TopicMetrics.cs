using System.Collections.Concurrent;
using Milena.Metrics;
using Milena.Protocol;
using Milena.Replication;
using Milena.Storage;

namespace Milena.Broker.Metrics;

/// <summary>What is counted for each topic and for all together (<c>BrokerTopicMetrics</c>).</summary>
internal enum TopicEvent
{
    MessagesIn,
    BytesIn,
    BytesOut,
    BytesRejected,
    FailedProduceRequests,
    FailedFetchRequests,
    TotalProduceRequests,
    TotalFetchRequests,
    ProduceMessageConversions,
    FetchMessageConversions,
    NoKeyCompactedTopicRecords,
    InvalidMagicNumberRecords,
    InvalidMessageCrcRecords,
    InvalidOffsetOrSequenceRecords,
}

/// <summary>
/// Counts what goes into topics and out of them. A topic's counts are made when there is something to count, hang on its partitions, so
/// that nothing is looked up, and go when this node holds none of them any more.
/// </summary>
internal sealed class TopicMetrics
{
    /// <summary>How many topics are counted for themselves; those beyond are counted among all only.</summary>
    public const int TopicsMax = 20_000;

    private const string Domain = "kafka.server";
    private const string Type = "BrokerTopicMetrics";

    private static readonly (TopicEvent Event, string EventType, string Description)[] Events =
    [
        (TopicEvent.MessagesIn, "messages", "records appended for producers"),
        (TopicEvent.BytesIn, "bytes", "bytes of record batches appended for producers"),
        (TopicEvent.BytesOut, "bytes", "bytes of record batches read by consumers"),
        (TopicEvent.BytesRejected, "bytes", "bytes of record batches that were too large"),
        (TopicEvent.FailedProduceRequests, "requests", "appends that failed in a way that no client can help"),
        (TopicEvent.FailedFetchRequests, "requests", "reads that failed in such a way"),
        (TopicEvent.TotalProduceRequests, "requests", "appends asked for, one for each partition of a request"),
        (TopicEvent.TotalFetchRequests, "requests", "reads, one for each partition of a request and each time that it looks"),
        (TopicEvent.ProduceMessageConversions, "messages", "records that were converted, from an old format or to another codec"),
        (TopicEvent.FetchMessageConversions, "requests", "batches that were converted for old clients"),
        (TopicEvent.NoKeyCompactedTopicRecords, "messages", "records without a key that a compacted topic refused"),
        (TopicEvent.InvalidMagicNumberRecords, "messages", "batches refused for their format"),
        (TopicEvent.InvalidMessageCrcRecords, "messages", "batches refused for their CRC"),
        (TopicEvent.InvalidOffsetOrSequenceRecords, "messages", "batches refused for their offsets or sequence numbers"),
    ];

    private readonly TimeProvider time;
    private readonly Meter[] all;
    private readonly ConcurrentDictionary<string, TopicMeters> topics = new(StringComparer.Ordinal);
    private readonly TopicMeters uncounted; // of the topics beyond the limit; shown to nobody

    public TopicMetrics(MetricRegistry registry)
    {
        time = registry.Time;
        uncounted = new(time, "");
        uncounted.TryAttach(); // it never goes
        all = Array.ConvertAll(Events, item => new Meter(time, item.EventType));
        foreach (var (item, _, description) in Events)
        {
            registry.Add(new(Domain, Type, $"{item}PerSec", MetricKind.Meter, description, (family, visitor) => Visit(item, family, visitor))
            {
                TagNames = ["topic"],
            });
        }
    }

    /// <summary>How many topics are counted for themselves.</summary>
    public int TopicCount => topics.Count;

    /// <summary>What is counted, in the plural.</summary>
    public static string EventTypeOf(TopicEvent item) => Events[(int)item].EventType;

    /// <summary>Counts something for all topics, and for that of the partition where there is one.</summary>
    public void Count(TopicEvent item, Partition? partition, long count = 1)
    {
        all[(int)item].Mark(count);
        if (partition is not null)
            CountForTopic(item, partition, count);
    }

    /// <summary>Counts something for all topics, that has been counted for each with <see cref="CountForTopic"/>.</summary>
    public void CountForAll(TopicEvent item, long count) => all[(int)item].Mark(count);

    /// <summary>Counts something for the partition's topic alone.</summary>
    public void CountForTopic(TopicEvent item, Partition partition, long count = 1) =>
        ((partition.Counts as TopicMeters) ?? Attach(partition)).Mark(item, count);

    /// <summary>A produce request has had a batch appended, or not.</summary>
    /// <param name="partition">The partition; null if it is not here.</param>
    /// <param name="batchBytes">What the client sent.</param>
    /// <param name="result">What became of it.</param>
    public void CountAppend(Partition? partition, int batchBytes, in AppendResult result)
    {
        Count(TopicEvent.TotalProduceRequests, partition);
        if (result.Error != ErrorCode.None)
        {
            CountRefusal(partition, batchBytes, result);
            return;
        }

        var records = result.LastOffset - result.BaseOffset + 1;
        Count(TopicEvent.MessagesIn, partition, records);
        Count(TopicEvent.BytesIn, partition, batchBytes);
        if (result.IsConverted)
            Count(TopicEvent.ProduceMessageConversions, partition, records);
    }

    /// <summary>A partition is gone from this node, and what was counted for its topic if it was the last of it.</summary>
    public void OnRemoved(Partition partition)
    {
        if (partition.Counts is TopicMeters meters && meters.Detach())
            topics.TryRemove(KeyValuePair.Create(partition.Name.Topic, meters));
    }

    // As Kafka sorts them: what a client can help is not a failure of the broker.
    private void CountRefusal(Partition? partition, int batchBytes, in AppendResult result)
    {
        switch (result.Error)
        {
            case ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge:
                Count(TopicEvent.BytesRejected, partition, batchBytes);
                break;
            case ErrorCode.CorruptMessage:
                Count(TopicEvent.InvalidMessageCrcRecords, partition);
                break;
            case ErrorCode.UnsupportedForMessageFormat:
                Count(TopicEvent.InvalidMagicNumberRecords, partition);
                break;
            case ErrorCode.InvalidRecord when result.RecordFaults.Count > 0:
                Count(TopicEvent.FailedProduceRequests, partition);
                Count(TopicEvent.NoKeyCompactedTopicRecords, partition, result.RecordFaults.Count);
                break;
            case ErrorCode.InvalidRecord or ErrorCode.OutOfOrderSequenceNumber:
                Count(TopicEvent.FailedProduceRequests, partition);
                Count(TopicEvent.InvalidOffsetOrSequenceRecords, partition);
                break;
            case ErrorCode.UnknownTopicOrPartition or ErrorCode.UnknownTopicId or ErrorCode.NotLeaderOrFollower or ErrorCode.KafkaStorageError:
                break;
            default:
                Count(TopicEvent.FailedProduceRequests, partition);
                break;
        }
    }

    private TopicMeters Attach(Partition partition)
    {
        while (true)
        {
            var topic = partition.Name.Topic;
            var meters = topics.Count >= TopicsMax && !topics.ContainsKey(topic)
                ? uncounted
                : topics.GetOrAdd(topic, static (name, time) => new(time, name), time);
            if (!meters.TryAttach())
                continue; // the last partition has just gone, and the topic's counts with it
            if (partition.AttachCounts(meters) is not TopicMeters attached || attached == meters)
                return meters;
            meters.Detach(); // somebody else was quicker
            return attached;
        }
    }

    private void Visit(TopicEvent item, MetricFamily family, IMetricVisitor visitor)
    {
        visitor.OnMeter(family, [], all[(int)item]);
        foreach (var (_, topic) in topics)
        {
            if (topic.Find(item) is { } meter)
                visitor.OnMeter(family, topic.Tags, meter);
        }
    }
}

/// <summary>What is counted for one topic, by as many as hold one of its partitions.</summary>
internal sealed class TopicMeters(TimeProvider time, string topic)
{
    private readonly Meter?[] meters = new Meter?[Enum.GetValues<TopicEvent>().Length];
    private int partitions; // -1 when the last one has gone

    /// <summary>The topic.</summary>
    public MetricTag[] Tags { get; } = [new("topic", topic)];

    public Meter? Find(TopicEvent item) => Volatile.Read(ref meters[(int)item]);

    public void Mark(TopicEvent item, long count) => (Find(item) ?? Make(item)).Mark(count);

    /// <summary>One more partition counts here; false if it is too late.</summary>
    public bool TryAttach()
    {
        for (var known = Volatile.Read(ref partitions); known >= 0;)
        {
            var seen = Interlocked.CompareExchange(ref partitions, known + 1, known);
            if (seen == known)
                return true;
            known = seen;
        }

        return false;
    }

    /// <summary>One partition less; true if it was the last.</summary>
    public bool Detach() => Interlocked.Decrement(ref partitions) == 0 && Interlocked.CompareExchange(ref partitions, -1, 0) == 0;

    private Meter Make(TopicEvent item)
    {
        var made = new Meter(time, TopicMetrics.EventTypeOf(item));
        return Interlocked.CompareExchange(ref meters[(int)item], made, null) ?? made;
    }
}
