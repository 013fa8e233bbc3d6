using Milena.Broker.Dispatch;
using Milena.Metadata.Images;
using Milena.Metadata.Topics;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Apis;

/// <summary>DescribeTopicPartitions (75): topics in pages, by name; never creates one (KIP-966).</summary>
internal sealed class DescribeTopicPartitionsApi(MetadataCache metadata, int partitionsMax)
    : IApi<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>
{
    public static VersionRange Versions => new(0, 0);

    public ValueTask<DescribeTopicPartitionsResponse?> Handle(DescribeTopicPartitionsRequest request, RequestContext context)
    {
        RequestLimits.Check(request.Topics.Length);
        var image = metadata.Image;
        var left = Math.Clamp(request.ResponsePartitionLimit, 1, partitionsMax);
        var answers = new List<DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic>();
        DescribeTopicPartitionsResponse.Cursor? next = null;
        foreach (var name in Names(request, image))
        {
            if (!image.Topics.TryGet(name, out var topic))
            {
                answers.Add(new() { Name = name, ErrorCode = Missing(name), TopicAuthorizedOperations = TopicAnswers.OperationsNotAsked });
                continue;
            }

            var first = request.Cursor is { } cursor && cursor.TopicName == name ? Math.Max(cursor.PartitionIndex, 0) : 0;
            var page = topic.Partitions.Where(pair => pair.Key >= first).Take(left + 1).ToArray();
            if (page.Length == 0 || left == 0)
            {
                if (left == 0)
                {
                    next = new() { TopicName = name, PartitionIndex = first };
                    break;
                }

                continue;
            }

            answers.Add(Describe(image, topic, page.Take(left), context));
            if (page.Length > left)
            {
                next = new() { TopicName = name, PartitionIndex = page[left].Key };
                break;
            }

            left -= page.Length;
        }

        return new(new DescribeTopicPartitionsResponse { Topics = [.. answers], NextCursor = next });
    }

    private static IEnumerable<string> Names(DescribeTopicPartitionsRequest request, MetadataImage image)
    {
        var asked = request.Topics.Length > 0 ? request.Topics.Select(topic => topic.Name) : image.Topics.ByName.Keys;
        var from = request.Cursor?.TopicName ?? "";
        return asked.Distinct().Where(name => string.CompareOrdinal(name, from) >= 0).Order(StringComparer.Ordinal);
    }

    private static ErrorCode Missing(string name) =>
        TopicNames.Violation(name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException;

    private static DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic Describe(
        MetadataImage image, TopicImage topic, IEnumerable<KeyValuePair<int, PartitionImage>> page, RequestContext context) => new()
    {
        Name = topic.Name,
        TopicId = topic.Id,
        IsInternal = TopicNames.IsInternal(topic.Name),
        TopicAuthorizedOperations = TopicAnswers.AllTopicOperations,
        Partitions = [.. page.Select(pair => Describe(image, pair.Key, pair.Value, context))],
    };

    private static DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition Describe(
        MetadataImage image, int number, PartitionImage partition, RequestContext context)
    {
        var error = TopicAnswers.LeaderError(image, partition, context.ListenerName, knowsListeners: true);
        return new()
        {
            ErrorCode = error,
            PartitionIndex = number,
            LeaderId = error == ErrorCode.None ? partition.Leader : PartitionImage.NoLeader,
            LeaderEpoch = partition.LeaderEpoch,
            ReplicaNodes = [.. partition.Replicas],
            IsrNodes = [.. partition.Isr],
            EligibleLeaderReplicas = [.. partition.EligibleLeaders],
            LastKnownElr = [.. partition.LastKnownEligibleLeaders],
            OfflineReplicas = TopicAnswers.Offline(image, partition, context.ListenerName),
        };
    }
}
