using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

public class CoordinatorOffsetsTests : CoordinatorFixture
{
    [Fact]
    public async Task What_was_committed_is_fetched()
    {
        await ElectAsync();
        await Commit(1, 42, metadata: "here");

        var fetched = (await Fetch(1)).Topics[0].Partitions[0];

        Assert.Equal((42, 3, "here", ErrorCode.None), (fetched.CommittedOffset, fetched.CommittedLeaderEpoch, fetched.Metadata, fetched.ErrorCode));
    }

    [Fact]
    public async Task Nothing_committed_is_no_error()
    {
        await ElectAsync();

        var fetched = (await Fetch(1)).Topics[0].Partitions[0];

        Assert.Equal((-1, -1, "", ErrorCode.None), (fetched.CommittedOffset, fetched.CommittedLeaderEpoch, fetched.Metadata, fetched.ErrorCode));
    }

    [Fact]
    public async Task All_topics_are_fetched_when_none_is_named()
    {
        await ElectAsync();
        await Commit(3, 30);
        await Commit(1, 10);

        var response = await Coordinator.OffsetFetch(
            new OffsetFetchRequest { Groups = [new() { GroupId = GroupId, Topics = null }, new() { GroupId = "elsewhere", Topics = null }] }, version: 9);

        Assert.Equal(["my-group", "elsewhere"], response.Groups.Select(group => group.GroupId));
        Assert.Equal([(1, 10), (3, 30L)], response.Groups[0].Topics[0].Partitions.Select(partition => (partition.PartitionIndex, partition.CommittedOffset)));
        Assert.Equal(ErrorCode.NotCoordinator, response.Groups[1].ErrorCode);
    }

    [Fact]
    public async Task Topics_are_named_by_id_from_version_10_on()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.None, ErrorOf(await Commit(0, 7, version: 10)));

        var response = await Coordinator.OffsetFetch(
            new OffsetFetchRequest
            {
                Groups =
                [
                    new()
                    {
                        GroupId = GroupId,
                        Topics =
                        [
                            new() { TopicId = OneTopic.Id, PartitionIndexes = [0] },
                            new() { TopicId = new Common.Uuid(1, 1_000), PartitionIndexes = [0] },
                        ],
                    },
                ],
            },
            version: 10);

        Assert.Equal(7, response.Groups[0].Topics[0].Partitions[0].CommittedOffset);
        Assert.Equal(ErrorCode.UnknownTopicId, response.Groups[0].Topics[1].Partitions[0].ErrorCode);
        var all = await Coordinator.OffsetFetch(new OffsetFetchRequest { Groups = [new() { GroupId = GroupId, Topics = null }] }, version: 10);
        Assert.Equal(OneTopic.Id, all.Groups[0].Topics[0].TopicId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task An_old_version_gets_the_error_where_it_looks_for_it(short version)
    {
        var response = await Fetch(1, version);

        Assert.Equal(ErrorCode.NotCoordinator, version < 2 ? response.Topics[0].Partitions[0].ErrorCode : response.ErrorCode);
    }

    [Fact]
    public async Task Commits_are_checked_for_each_partition()
    {
        await ElectAsync();

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, ErrorOf(await Commit(0, 1, topic: "nowhere")));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, ErrorOf(await Commit(4, 1)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, ErrorOf(await Commit(-1, 1)));
        Assert.Equal(ErrorCode.OffsetMetadataTooLarge, ErrorOf(await Commit(0, 1, metadata: new string('x', 4_097))));
        Assert.Equal(ErrorCode.None, ErrorOf(await Commit(0, 1, metadata: new string('x', 4_096))));
        Assert.Equal(1, Log.Appends);
    }

    [Theory]
    [InlineData(8, ErrorCode.IllegalGeneration)]
    [InlineData(9, ErrorCode.GroupIdNotFound)]
    public async Task A_member_cannot_commit_to_a_group_that_is_not_there(short version, ErrorCode error)
    {
        await ElectAsync();

        Assert.Equal(error, ErrorOf(await Commit(0, 1, version, member: new JoinGroupResponse { MemberId = "a", GenerationId = 1 })));
        Assert.Equal(0, Log.Appends);
    }

    [Fact]
    public async Task Committing_without_membership_makes_a_group_without_a_kind()
    {
        await ElectAsync();
        await Commit(0, 1);

        var listed = Assert.Single((await Coordinator.ListGroups(new ListGroupsRequest())).Groups);
        Assert.Equal((GroupId, "", "Empty", "classic"), (listed.GroupId, listed.ProtocolType, listed.GroupState, listed.GroupType));
    }

    [Fact]
    public async Task A_refused_commit_leaves_what_was_there()
    {
        await ElectAsync();
        await Commit(0, 1);
        Log.Refusal = ErrorCode.KafkaStorageError;

        Assert.Equal(ErrorCode.NotCoordinator, ErrorOf(await Commit(0, 2)));

        Assert.Equal(1, (await Fetch(0)).Topics[0].Partitions[0].CommittedOffset);
    }

    [Fact]
    public async Task Offsets_go_with_their_topic()
    {
        await ElectAsync();
        await Commit(0, 1);
        await Commit(1, 2);

        Assert.Equal(0, await Coordinator.OnTopicsDeleted([("t", new Common.Uuid(9, 9_000)), ("u", OneTopic.Id)]));
        Assert.Equal(2, await Coordinator.OnTopicsDeleted([("t", OneTopic.Id)]));

        Assert.Equal([-1, -1], (await Fetch(0, 1)).Topics[0].Partitions.Select(partition => partition.CommittedOffset));
    }

    [Fact]
    public async Task Offsets_that_nobody_uses_can_be_deleted()
    {
        await ElectAsync();
        await Commit(0, 1);
        await Commit(1, 2);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await Delete("nobody's")).ErrorCode);

        var response = await Delete(GroupId, ("t", 0), ("t", 3), ("nowhere", 0));

        Assert.Equal(
            [ErrorCode.None, ErrorCode.None, ErrorCode.UnknownTopicOrPartition],
            response.Topics.Select(topic => topic.Partitions[0].ErrorCode));
        Assert.Equal([-1, 2], (await Fetch(0, 1)).Topics[0].Partitions.Select(partition => partition.CommittedOffset));
    }

    [Fact]
    public async Task Offsets_of_a_topic_that_is_subscribed_to_cannot_be_deleted()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        await Commit(0, 1, member: member);

        Assert.Equal(ErrorCode.GroupSubscribedToTopic, (await Delete(GroupId, ("t", 0))).Topics[0].Partitions[0].ErrorCode);
    }

    [Fact]
    public async Task A_group_is_deleted_with_all_it_has_if_nobody_is_in_it()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        await Commit(0, 1, member: member);
        Assert.Equal([ErrorCode.NonEmptyGroup, ErrorCode.NotCoordinator], await DeleteGroups(GroupId, "elsewhere"));

        await Coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = GroupId, Members = [new() { MemberId = member.MemberId }] }, 5);

        Assert.Equal([ErrorCode.None], await DeleteGroups(GroupId));
        Assert.Equal([ErrorCode.GroupIdNotFound], await DeleteGroups(GroupId));
        Assert.Equal(-1, (await Fetch(0)).Topics[0].Partitions[0].CommittedOffset);
        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 1, Log));
        Assert.Empty((await next.ListGroups(new ListGroupsRequest())).Groups);
    }

    [Fact]
    public async Task Groups_are_listed_by_state_and_kind()
    {
        await ElectAsync();
        await StableMemberAsync();

        Assert.Single((await Coordinator.ListGroups(new ListGroupsRequest { StatesFilter = ["stable"] })).Groups);
        Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest { StatesFilter = ["Empty", "Dead"] })).Groups);
        Assert.Single((await Coordinator.ListGroups(new ListGroupsRequest { TypesFilter = ["Classic"] })).Groups);
        Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest { TypesFilter = ["consumer"] })).Groups);
    }

    [Fact]
    public async Task A_stable_group_is_described_with_what_its_members_have()
    {
        await ElectAsync();
        var member = await StableMemberAsync();

        var group = (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, 6)).Groups[0];

        Assert.Equal(("Stable", "consumer", "range"), (group.GroupState, group.ProtocolType, group.ProtocolData));
        var described = Assert.Single(group.Members);
        Assert.Equal((member.MemberId, "client", "/127.0.0.1"), (described.MemberId, described.ClientId, described.ClientHost));
        Assert.Equal(SubscriptionTo("t"), described.MemberMetadata.ToArray());
        Assert.Equal(GroupWorld.Bytes($"for {member.MemberId}"), described.MemberAssignment.ToArray());

        _ = Join(member.MemberId);
        described = (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, 6)).Groups[0].Members[0];
        Assert.Equal((0, 0), (described.MemberMetadata.Length, described.MemberAssignment.Length));
    }

    [Theory]
    [InlineData(5, ErrorCode.None)]
    [InlineData(6, ErrorCode.GroupIdNotFound)]
    public async Task A_group_that_is_not_there_is_dead(short version, ErrorCode error)
    {
        await ElectAsync();

        var group = (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, version)).Groups[0];

        Assert.Equal((error, "Dead", version >= 6), (group.ErrorCode, group.GroupState, group.ErrorMessage is not null));
    }

    private ValueTask<OffsetDeleteResponse> Delete(string groupId, params (string Topic, int Partition)[] partitions) => Coordinator.OffsetDelete(
        new OffsetDeleteRequest
        {
            GroupId = groupId == GroupId ? groupId : SamePartitionAs(GroupId),
            Topics = [.. partitions.Select(entry => new OffsetDeleteRequest.OffsetDeleteRequestTopic
            {
                Name = entry.Topic,
                Partitions = [new() { PartitionIndex = entry.Partition }],
            })],
        });

    private async Task<ErrorCode[]> DeleteGroups(params string[] groupIds) =>
        [.. (await Coordinator.DeleteGroups(new DeleteGroupsRequest { GroupsNames = groupIds })).Results.Select(result => result.ErrorCode)];

    private string SamePartitionAs(string groupId) =>
        Enumerable.Range(0, int.MaxValue).Select(i => $"other-{i}").First(other => Coordinator.PartitionFor(other) == Coordinator.PartitionFor(groupId));
}
