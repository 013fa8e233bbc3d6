using Milena.Protocol;
using Milena.Protocol.Messages;
using Milena.Replication;

namespace Milena.Broker.Fetching;

/// <summary>One fetch request being served: what it asks for, what was found, and the answer made of it.</summary>
internal sealed class Fetch(FetchSession? session, bool isIncremental, FetchPartitionState[] asked)
{
    private const short MessageSetsUpTo = 3;
    private readonly PartitionRead[] reads = new PartitionRead[asked.Length];
    private long bytes;
    private bool answersAtOnce;
    private bool hasError;

    /// <summary>The partitions, in the order in which they are read.</summary>
    public ReadOnlySpan<FetchPartitionState> Asked => asked;

    /// <summary>The session that it belongs to; 0 for none.</summary>
    public int SessionId => session?.Id ?? 0;

    /// <summary>Whether the answer names only what the client does not know.</summary>
    public bool IsIncremental => isIncremental;

    /// <summary>Bytes found so far.</summary>
    public long Bytes => bytes;

    /// <summary>Whether a partition could not be read.</summary>
    public bool HasError => hasError;

    public void Found(int index, in PartitionRead read)
    {
        bytes += read.Bytes - reads[index].Bytes;
        reads[index] = read;
        answersAtOnce |= read.AnswersAtOnce;
        hasError |= read.Error != ErrorCode.None;
    }

    public ref readonly PartitionRead Read(int index) => ref reads[index];

    /// <summary>Whether the answer need not wait.</summary>
    public bool IsSatisfied(FetchRequest request) =>
        request.MaxWaitMs <= 0 || asked.Length == 0 || answersAtOnce || bytes >= request.MinBytes;

    /// <summary>The response; in a session, it names only what the client does not know yet, and remembers what it says.</summary>
    public FetchResponse Answer(short version)
    {
        if (session is null)
            return new FetchResponse { Responses = Topics(version) };
        lock (session.Gate)
            return new FetchResponse { SessionId = session.Id, Responses = Topics(version) };
    }

    /// <summary>Partitions that follow one another under their topic; the order is the one that the client's fairness rests on.</summary>
    private FetchResponse.FetchableTopicResponse[] Topics(short version)
    {
        var end = session is null ? asked.Length : KeepNews(session);
        var count = 0;
        for (var i = 0; i < end; i = EndOfTopic(i, end))
            count++;
        var topics = new FetchResponse.FetchableTopicResponse[count];
        var next = 0;
        for (var t = 0; t < count; t++)
        {
            var key = asked[next].Key;
            var partitions = new FetchResponse.PartitionData[EndOfTopic(next, end) - next];
            for (var p = 0; p < partitions.Length; p++, next++)
                partitions[p] = Data(asked[next], reads[next], version);
            topics[t] = new() { Topic = key.Topic, TopicId = key.TopicId, Partitions = partitions };
        }

        return topics;
    }

    private int EndOfTopic(int index, int end)
    {
        var key = asked[index].Key;
        while (index < end && asked[index].Key.TopicId == key.TopicId && asked[index].Key.Topic == key.Topic)
            index++;
        return index;
    }

    /// <summary>Moves to the front what the client does not know yet, and remembers what it is told. Returns how much that is.</summary>
    private int KeepNews(FetchSession session)
    {
        var count = 0;
        for (var i = 0; i < asked.Length; i++)
        {
            var (state, read) = (asked[i], reads[i]);
            var isNews = !isIncremental || state.MustAnswer(read);
            state.Answered(read);
            if (read.Bytes > 0)
                session.MoveToEnd(state.Key);
            if (isNews)
                (asked[count], reads[count++]) = (state, read);
        }

        return count;
    }

    private static FetchResponse.PartitionData Data(FetchPartitionState state, in PartitionRead read, short version)
    {
        var data = new FetchResponse.PartitionData
        {
            PartitionIndex = state.Key.Partition,
            ErrorCode = read.Error,
            HighWatermark = read.HighWatermark,
            LastStableOffset = read.LastStableOffset,
            LogStartOffset = read.LogStartOffset,
            Records = read.Records.IsNull ? RecordBytes.Empty : read.Records,
        };
        if (read.AbortedTransactions is { } aborted)
        {
            data.AbortedTransactions = [.. aborted.Select(transaction => new FetchResponse.AbortedTransaction
            {
                ProducerId = transaction.ProducerId,
                FirstOffset = transaction.FirstOffset,
            })];
        }
        else
        {
            data.AbortedTransactions = null;
        }

        if (read.DivergingEpoch >= 0)
            data.DivergingEpoch = new() { Epoch = read.DivergingEpoch, EndOffset = read.DivergingEndOffset };
        if (version <= MessageSetsUpTo && read.Bytes > 0)
            LegacyFetch.Convert(data, version, state.FetchOffset);
        return data;
    }
}
