using Milena.Protocol.Messages;
using static Milena.Protocol.Messages.ConsumerGroupDescribeResponse;

namespace Milena.Coordination.Groups;

/// <summary>How ConsumerGroupDescribe shows a group.</summary>
internal sealed partial record ConsumerGroup
{
    private const sbyte ClassicMemberType = 0;
    private const sbyte ConsumerMemberType = 1;

    /// <param name="topics">The names of topics; partitions of topics that are gone are left out.</param>
    /// <param name="defaultAssignor">The one that is in force where no member wishes for any.</param>
    public DescribedGroup Describe(IGroupTopics topics, string defaultAssignor) => new()
    {
        GroupId = Id,
        GroupState = StateName,
        GroupEpoch = Generation,
        AssignmentEpoch = TargetEpoch,
        AssignorName = PreferredAssignor() ?? defaultAssignor,
        Members =
        [
            .. Members.Values.Select(member => new Member
            {
                MemberId = member.Id,
                InstanceId = member.InstanceId,
                RackId = member.RackId,
                MemberEpoch = member.Epoch,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                SubscribedTopicNames = [.. member.TopicNames],
                SubscribedTopicRegex = member.TopicRegex ?? "", // as Kafka has it for those without one
                Assignment = Describe(member.Assigned, topics),
                TargetAssignment = Describe(TargetOf(member.Id), topics),
                MemberType = member.UsesClassicProtocol ? ClassicMemberType : ConsumerMemberType,
            }),
        ],
    };

    private static Assignment Describe(PartitionSet partitions, IGroupTopics topics) => new()
    {
        TopicPartitions =
        [
            .. from topic in partitions.Topics
               let name = topics.TopicName(topic)
               where name is not null
               select new TopicPartitions { TopicId = topic, TopicName = name, Partitions = [.. partitions[topic]] },
        ],
    };
}
