using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>
/// TxnOffsetCommit: offsets that become valid with the transaction of their producer. Before the first of a transaction the
/// transaction's own coordinator is asked (<see cref="Inquire"/>), and what it said counts only if no marker has come meanwhile: offsets
/// that no marker will ever end would stay pending for ever (KIP-890).
/// </summary>
internal static class TransactionalCommits
{
    /// <summary>The first version whose clients understand COORDINATOR_LOAD_IN_PROGRESS.</summary>
    private const short FirstVersionWithLoadInProgress = 2;

    /// <summary>The first version whose clients understand TRANSACTION_ABORTABLE.</summary>
    private const short FirstVersionWithAbortable = 4;

    /// <summary>The first version whose clients do not say AddOffsetsToTxn before (transaction version 2).</summary>
    public const short FirstVersionThatAddsToTransaction = 5;

    /// <summary>Null for what is not to be checked; the answer of <see cref="Inquire"/> otherwise.</summary>
    public readonly record struct Inquired(ErrorCode Error, TransactionInquiry? Inquiry = null);

    /// <summary>Whose answer will count; nobody's if the producer's transaction has offsets here already.</summary>
    public static Decision<Inquired, GroupEvent> Inquire(GroupsState state, long producerId, short producerEpoch)
    {
        if (state.Offsets.EpochOf(producerId) == producerEpoch)
            return new(new Inquired(ErrorCode.None));
        var known = state.Offsets.InquiryOf(producerId);
        if (known?.ProducerEpoch == producerEpoch)
            return new(new Inquired(ErrorCode.None, known));
        var inquiry = new Inquired(ErrorCode.None, new TransactionInquiry(producerEpoch));
        return known?.ProducerEpoch > producerEpoch // a zombie, which nobody will say yes to
            ? new(inquiry)
            : new(inquiry, new TransactionInquired(producerId, inquiry.Inquiry));
    }

    /// <summary>
    /// The coordinator has said no, and nothing is kept of the question. If it could not say, others may hear a yes: that is kept until
    /// the transaction ends.
    /// </summary>
    public static Decision<int, GroupEvent> GiveUp(GroupsState state, long producerId, TransactionInquiry inquiry, ErrorCode error) =>
        state.Offsets.InquiryOf(producerId) == inquiry
        && error is not (ErrorCode.ConcurrentTransactions or ErrorCode.CoordinatorLoadInProgress or ErrorCode.CoordinatorNotAvailable
            or ErrorCode.NotCoordinator)
            ? new(0, new TransactionInquired(producerId, null))
            : new(0);

    public static Decision<TxnOffsetCommitResponse, GroupEvent> Decide(
        GroupsState state, TxnOffsetCommitRequest request, Inquired? inquired, IGroupTopics topics, GroupConfig config, GroupTime now)
    {
        var groupError = CheckTransaction(state, request, inquired);
        ConsumerMember? behind = null;
        if (groupError == ErrorCode.None)
            groupError = CheckGroup(state, request, out behind);
        var records = new List<GroupEvent>();
        var response = Answer(request, (topic, partition) =>
        {
            if (partition.PartitionIndex < 0 || partition.PartitionIndex >= topics.PartitionCount(topic.Name))
                return ErrorCode.UnknownTopicOrPartition;
            if (groupError != ErrorCode.None)
                return groupError;
            if (partition.CommittedMetadata?.Length > config.OffsetMetadataMaxBytes)
                return ErrorCode.OffsetMetadataTooLarge;
            if (behind is not null && ConsumerGroup.MayCommit(
                    behind, request.GenerationId, new(topics.TopicId(topic.Name), partition.PartitionIndex)) != ErrorCode.None)
            {
                return ErrorCode.IllegalGeneration;
            }

            var offset = new CommittedOffset(
                partition.CommittedOffset,
                partition.CommittedLeaderEpoch,
                partition.CommittedMetadata ?? "",
                now.UnixMs,
                ExpireTimestampMs: -1,
                topics.TopicId(topic.Name));
            records.Add(offset.ToRecord(new OffsetKey(request.GroupId, topic.Name, partition.PartitionIndex)) with
            {
                ProducerId = request.ProducerId,
                ProducerEpoch = request.ProducerEpoch,
            });
            return ErrorCode.None;
        });
        return new(response, [.. records]);
    }

    /// <summary>The answer with this error for every partition, as the version can say it.</summary>
    public static TxnOffsetCommitResponse Refuse(TxnOffsetCommitRequest request, short version, ErrorCode error)
    {
        var told = Translate(error, version);
        return Answer(request, (_, _) => told);
    }

    // Before version 5 CONCURRENT_TRANSACTIONS is not what clients expect here, and some give the transaction up: they are told to wait.
    private static ErrorCode Translate(ErrorCode error, short version) => error switch
    {
        ErrorCode.ProducerFenced => ErrorCode.InvalidProducerEpoch,
        ErrorCode.TransactionAbortable when version < FirstVersionWithAbortable => ErrorCode.InvalidTxnState,
        ErrorCode.CoordinatorLoadInProgress when version < FirstVersionWithLoadInProgress => ErrorCode.CoordinatorNotAvailable,
        ErrorCode.ConcurrentTransactions when version < FirstVersionWithLoadInProgress => ErrorCode.CoordinatorNotAvailable,
        ErrorCode.ConcurrentTransactions when version < FirstVersionThatAddsToTransaction => ErrorCode.CoordinatorLoadInProgress,
        _ => error,
    };

    /// <summary>
    /// The end of a transaction, written into the offsets topic by the transaction's coordinator. The log knows which markers come too
    /// late; but not those that share an append with the offsets that they must not end.
    /// </summary>
    public static Decision<ErrorCode, GroupEvent> End(GroupsState state, TransactionEnded end, bool bumpsEpochs) =>
        bumpsEpochs && state.Offsets.EpochOf(end.ProducerId) >= end.ProducerEpoch
            ? new(ErrorCode.InvalidProducerEpoch)
            : new(ErrorCode.None, end);

    private static ErrorCode CheckTransaction(GroupsState state, TxnOffsetCommitRequest request, Inquired? inquired)
    {
        var open = state.Offsets.EpochOf(request.ProducerId);
        if (open > request.ProducerEpoch)
            return ErrorCode.InvalidProducerEpoch;
        if (inquired is not { } told || open == request.ProducerEpoch)
            return ErrorCode.None;
        return told.Inquiry is not null && told.Inquiry == state.Offsets.InquiryOf(request.ProducerId) ? ErrorCode.None : ErrorCode.InvalidTxnState;
    }

    private static ErrorCode CheckGroup(GroupsState state, TxnOffsetCommitRequest request, out ConsumerMember? behind)
    {
        behind = null;
        switch (state.Find(request.GroupId))
        {
            case ClassicGroup group:
                return group.CheckCommit(request.MemberId, request.GroupInstanceId, request.GenerationId, isTransactional: true);
            case ConsumerGroup group:
                var error = group.CheckCommit(
                    request.MemberId, request.GroupInstanceId, request.GenerationId, version: 0, isTransactional: true, out behind);
                // The versions that are served have no word for it.
                return error == ErrorCode.StaleMemberEpoch ? ErrorCode.IllegalGeneration : error;
            // Whoever does not take part in groups makes one by committing; a member of a group that is not there is mistaken.
            case null:
                return request.GenerationId < 0 ? ErrorCode.None : ErrorCode.IllegalGeneration;
            case var group:
                throw new InvariantViolation($"offsets of a group of type {group.Type}");
        }
    }

    private static TxnOffsetCommitResponse Answer(
        TxnOffsetCommitRequest request,
        Func<TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic, TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition, ErrorCode> commit) => new()
        {
            Topics = Array.ConvertAll(request.Topics, topic => new TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic
            {
                Name = topic.Name,
                Partitions = Array.ConvertAll(topic.Partitions, partition => new TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    ErrorCode = commit(topic, partition),
                }),
            }),
        };
}
