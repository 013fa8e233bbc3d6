using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

public class ConsumerGroupDescribeTests : CoordinatorFixture
{
    [Fact]
    public async Task A_group_shows_its_epochs_and_what_its_members_own_and_should_own()
    {
        await ElectAsync();
        await Beat("m1", 0, rack: "r1", regex: "t|u.*");
        var first = await Describe();
        Assert.Equal(("Stable", 1, 1, "uniform"), (first.GroupState, first.GroupEpoch, first.AssignmentEpoch, first.AssignorName));
        var one = Assert.Single(first.Members);
        Assert.Equal(("m1", 1, "client", "/127.0.0.1", "r1"), (one.MemberId, one.MemberEpoch, one.ClientId, one.ClientHost, one.RackId));
        Assert.Equal(("t|u.*", (sbyte)1), (one.SubscribedTopicRegex, one.MemberType));
        Assert.Equal(Text(one.TargetAssignment), Text(one.Assignment));
        Assert.NotEqual("", Text(one.Assignment));

        // The second waits until the first gives up its half.
        await Beat("m2", 0, instance: "i2", names: ["t"], assignor: "range");
        var second = await Describe();
        Assert.Equal(("Reconciling", 2, 2, "range"), (second.GroupState, second.GroupEpoch, second.AssignmentEpoch, second.AssignorName));
        var members = second.Members.ToDictionary(member => member.MemberId);
        Assert.Equal(("i2", "", "t"), (members["m2"].InstanceId, members["m2"].SubscribedTopicRegex, Assert.Single(members["m2"].SubscribedTopicNames)));
        Assert.Equal("", Text(members["m2"].Assignment));
        Assert.NotEqual("", Text(members["m2"].TargetAssignment));
        Assert.NotEqual(Text(members["m1"].TargetAssignment), Text(members["m1"].Assignment));
    }

    [Fact]
    public async Task Groups_of_other_kinds_and_no_groups_are_not_found()
    {
        await ElectAsync();
        Assert.Equal((ErrorCode.GroupIdNotFound, "Group my-group not found."), await ErrorOf());
        await StableMemberAsync();
        Assert.Equal((ErrorCode.GroupIdNotFound, "Group my-group is not a consumer group."), await ErrorOf());
        Assert.Equal(
            ErrorCode.InvalidGroupId, (await Coordinator.ConsumerGroupDescribe(new ConsumerGroupDescribeRequest { GroupIds = [""] })).Groups[0].ErrorCode);

        async Task<(ErrorCode, string?)> ErrorOf() => await Describe() is var group ? (group.ErrorCode, group.ErrorMessage) : default;
    }

    private async Task<ConsumerGroupDescribeResponse.DescribedGroup> Describe() =>
        Assert.Single((await Coordinator.ConsumerGroupDescribe(new ConsumerGroupDescribeRequest { GroupIds = [GroupId] })).Groups);

    private static string Text(ConsumerGroupDescribeResponse.Assignment assignment) => string.Join(
        ' ', assignment.TopicPartitions.Select(topic => $"{topic.TopicName}:{string.Join(',', topic.Partitions)}"));

    private async Task Beat(
        string memberId, int epoch, string? instance = null, string? rack = null, string[]? names = null, string? regex = null, string? assignor = null)
    {
        var response = await Coordinator.ConsumerGroupHeartbeat(
            new ConsumerGroupHeartbeatRequest
            {
                GroupId = GroupId,
                MemberId = memberId,
                MemberEpoch = epoch,
                InstanceId = instance,
                RackId = rack,
                RebalanceTimeoutMs = 60_000,
                SubscribedTopicNames = names,
                SubscribedTopicRegex = regex,
                ServerAssignor = assignor,
                TopicPartitions = [],
            },
            Client, version: 1);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
    }
}
