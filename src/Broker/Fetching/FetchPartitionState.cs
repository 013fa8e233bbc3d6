using Milena.Common;
using Milena.Protocol;
using Milena.Replication;

namespace Milena.Broker.Fetching;

/// <summary>Names a partition inside a fetch session: by topic id (Fetch v13 and later) or by topic name (before), never both.</summary>
internal readonly record struct FetchKey(Uuid TopicId, string Topic, int Partition);

/// <summary>
/// What is asked of one partition, and what was answered last. It lives as long as its fetch session, or as long as the
/// request where there is no session (KIP-227).
/// </summary>
internal sealed class FetchPartitionState(FetchKey key)
{
    public FetchKey Key { get; } = key;

    public long FetchOffset { get; set; }

    public int MaxBytes { get; set; }

    /// <summary>The leader epoch that the client believes in, or -1 (KIP-320).</summary>
    public int CurrentLeaderEpoch { get; set; } = -1;

    /// <summary>The epoch of the last record that the client has, or -1.</summary>
    public int LastFetchedEpoch { get; set; } = -1;

    /// <summary>The high watermark of the last answer, or -1 so that the next answer is sent whatever it holds.</summary>
    public long AnsweredHighWatermark { get; private set; } = -1;

    /// <summary>The log start offset of the last answer, or -1.</summary>
    public long AnsweredLogStartOffset { get; private set; } = -1;

    /// <summary>Whether an incremental answer must name this partition: it has records, an error, or a moved watermark.</summary>
    public bool MustAnswer(in PartitionRead fetch) =>
        fetch.Error != ErrorCode.None
        || fetch.Bytes > 0
        || fetch.DivergingEpoch >= 0
        || fetch.HighWatermark != AnsweredHighWatermark
        || fetch.LogStartOffset != AnsweredLogStartOffset;

    /// <summary>Remembers what was answered; after an error the next good answer is sent even if nothing moved.</summary>
    public void Answered(in PartitionRead fetch)
    {
        AnsweredHighWatermark = fetch.Error == ErrorCode.None ? fetch.HighWatermark : -1;
        AnsweredLogStartOffset = fetch.Error == ErrorCode.None ? fetch.LogStartOffset : -1;
    }
}
