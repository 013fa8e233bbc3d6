using Milena.Common;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Groups;

/// <summary>OffsetCommit: checks in Kafka's order, one record for each partition that passes.</summary>
internal static class OffsetCommits
{
    /// <summary>The first version whose clients understand GROUP_ID_NOT_FOUND.</summary>
    private const short FirstVersionWithGroupIdNotFound = 9;

    /// <summary>The first version that names topics by their ids.</summary>
    private const short FirstVersionWithTopicIds = 10;

    public static Decision<OffsetCommitResponse, GroupEvent> Decide(
        GroupsState state, OffsetCommitRequest request, short version, IGroupTopics topics, GroupConfig config, GroupTime now)
    {
        var groupError = CheckGroup(state, request, version, now, out var behind);
        var records = new List<GroupEvent>();
        var response = Answer(request, (topic, partition) =>
        {
            var byId = version >= FirstVersionWithTopicIds;
            var name = byId ? topics.TopicName(topic.TopicId) : topic.Name;
            if (name is null)
                return ErrorCode.UnknownTopicId;
            if (partition.PartitionIndex < 0 || partition.PartitionIndex >= topics.PartitionCount(name))
                return ErrorCode.UnknownTopicOrPartition;
            if (groupError != ErrorCode.None)
                return groupError;
            if (partition.CommittedMetadata?.Length > config.OffsetMetadataMaxBytes)
                return ErrorCode.OffsetMetadataTooLarge;
            var topicId = byId ? topic.TopicId : topics.TopicId(name);
            if (behind is not null
                && ConsumerGroup.MayCommit(behind, request.GenerationIdOrMemberEpoch, new(topicId, partition.PartitionIndex)) is not ErrorCode.None and var stale)
            {
                return stale;
            }

            var key = new OffsetKey(request.GroupId, name, partition.PartitionIndex);
            records.Add(Committed(request, partition, topicId, now).ToRecord(key));
            return ErrorCode.None;
        });
        return new(response, [.. records]);
    }

    /// <summary>The answer with this error for every partition.</summary>
    public static OffsetCommitResponse Refuse(OffsetCommitRequest request, ErrorCode error) => Answer(request, (_, _) => error);

    private static ErrorCode CheckGroup(
        GroupsState state, OffsetCommitRequest request, short version, GroupTime now, out ConsumerMember? behind)
    {
        behind = null;
        var generation = request.GenerationIdOrMemberEpoch;
        switch (state.Find(request.GroupId))
        {
            case ClassicGroup group:
                var error = group.CheckCommit(request.MemberId, request.GroupInstanceId, generation, isTransactional: false);
                if (error == ErrorCode.None)
                    group.KeepSession(request.MemberId, now.Ms);
                return error;
            case ConsumerGroup group:
                return group.CheckCommit(request.MemberId, request.GroupInstanceId, generation, version, isTransactional: false, out behind);
            // Whoever does not take part in groups makes one by committing; a member of a group that is not there is mistaken.
            case null when generation < 0:
                return ErrorCode.None;
            case null:
                return version >= FirstVersionWithGroupIdNotFound ? ErrorCode.GroupIdNotFound : ErrorCode.IllegalGeneration;
            default:
                throw new InvariantViolation($"offsets of a group of type {state.Find(request.GroupId)!.Type}");
        }
    }

    private static CommittedOffset Committed(
        OffsetCommitRequest request, OffsetCommitRequest.OffsetCommitRequestPartition partition, Uuid topicId, GroupTime now) => new(
        partition.CommittedOffset,
        partition.CommittedLeaderEpoch,
        partition.CommittedMetadata ?? "",
        // Version 1 brings its own timestamp, versions 2 to 4 how long the offset shall be kept.
        partition.CommitTimestamp >= 0 ? partition.CommitTimestamp : now.UnixMs,
        request.RetentionTimeMs >= 0 ? now.UnixMs + Math.Min(request.RetentionTimeMs, long.MaxValue - now.UnixMs) : -1,
        topicId);

    private static OffsetCommitResponse Answer(
        OffsetCommitRequest request,
        Func<OffsetCommitRequest.OffsetCommitRequestTopic, OffsetCommitRequest.OffsetCommitRequestPartition, ErrorCode> commit) => new()
        {
            Topics = Array.ConvertAll(request.Topics, topic => new OffsetCommitResponse.OffsetCommitResponseTopic
            {
                Name = topic.Name,
                TopicId = topic.TopicId,
                Partitions = Array.ConvertAll(topic.Partitions, partition =>
                    new OffsetCommitResponse.OffsetCommitResponsePartition
                    {
                        PartitionIndex = partition.PartitionIndex,
                        ErrorCode = commit(topic, partition),
                    }),
            }),
        };
}
