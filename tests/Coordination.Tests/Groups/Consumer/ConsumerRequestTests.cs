using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>ConsumerGroupHeartbeat and its kin as the broker hands them to the coordinator.</summary>
public class ConsumerRequestTests : CoordinatorFixture
{
    private static readonly Dictionary<string, ConsumerGroupHeartbeatRequest> Malformed = new()
    {
        { "no group", Joining(request => request.GroupId = "") },
        { "no member id", Joining(request => request.MemberId = "") },
        { "an empty instance id", Joining(request => request.InstanceId = "") },
        { "an empty rack", Joining(request => request.RackId = "") },
        { "no rebalance timeout", Joining(request => request.RebalanceTimeoutMs = -1) },
        { "partitions unknown when joining", Joining(request => request.TopicPartitions = null) },
        { "partitions owned when joining", Joining(request => request.TopicPartitions = [new() { TopicId = OneTopic.Id, Partitions = [0] }]) },
        { "no subscription", Joining(request => request.SubscribedTopicNames = null) },
        { "an empty expression only", Joining(request => (request.SubscribedTopicNames, request.SubscribedTopicRegex) = (null, "")) },
        { "away without an instance id", Joining(request => request.MemberEpoch = -2) },
        { "an epoch that means nothing", Joining(request => (request.MemberEpoch, request.InstanceId) = (-3, "i")) },
    };

    public static TheoryData<string> Faults => [.. Malformed.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_malformed_heartbeat_is_refused_with_words_and_makes_no_group(string fault)
    {
        await ElectAsync();
        var response = await Beat(Malformed[fault]);
        Assert.Equal(ErrorCode.InvalidRequest, response.ErrorCode);
        Assert.NotNull(response.ErrorMessage);
        await AssertNoGroups();
    }

    [Fact]
    public async Task Assignors_and_expressions_that_do_not_exist_are_refused()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.UnsupportedAssignor, (await Beat(Joining(request => request.ServerAssignor = "roundrobin"))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRegularExpression, (await Beat(Joining(request => request.SubscribedTopicRegex = "(a"))).ErrorCode);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await Beat(Joining(request => request.MemberEpoch = 4))).ErrorCode);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await Beat(Joining(request => request.MemberEpoch = -1))).ErrorCode);
        await AssertNoGroups();
    }

    [Fact]
    public async Task A_client_of_version_0_is_named_by_the_coordinator()
    {
        await ElectAsync();
        var response = await Beat(Joining(request => request.MemberId = ""), version: 0);
        Assert.Equal((ErrorCode.None, 1, 5_000), (response.ErrorCode, response.MemberEpoch, response.HeartbeatIntervalMs));
        Assert.True(Common.Uuid.TryParse(response.MemberId, out _));
    }

    [Fact]
    public async Task A_group_is_listed_and_deleted_by_the_same_rules_as_others()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.None, (await Beat(Joining())).ErrorCode);
        var listed = Assert.Single((await Coordinator.ListGroups(new ListGroupsRequest { TypesFilter = ["Consumer"] })).Groups);
        Assert.Equal((GroupId, "consumer", "Stable", "consumer"), (listed.GroupId, listed.ProtocolType, listed.GroupState, listed.GroupType));
        Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest { TypesFilter = ["classic"] })).Groups);
        var described = (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, 6)).Groups[0];
        Assert.Equal((ErrorCode.GroupIdNotFound, "Dead"), (described.ErrorCode, described.GroupState));
        Assert.Equal(ErrorCode.NonEmptyGroup, await Delete());

        Assert.Equal(ErrorCode.None, (await Beat(Joining(request => request.MemberEpoch = -1))).ErrorCode);
        Assert.Equal(ErrorCode.None, await Delete());
        Assert.Equal(ErrorCode.GroupIdNotFound, await Delete());
        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 1, Log));
        Assert.Empty((await next.ListGroups(new ListGroupsRequest())).Groups);
    }

    [Fact]
    public async Task Members_read_offsets_at_their_epoch_only()
    {
        await ElectAsync();
        await Beat(Joining());
        Assert.Equal(ErrorCode.None, await FetchAs("m", 1));
        Assert.Equal(ErrorCode.StaleMemberEpoch, await FetchAs("m", 2));
        Assert.Equal(ErrorCode.UnknownMemberId, await FetchAs("stranger", 1));
        Assert.Equal(ErrorCode.None, await FetchAs(null, -1));

        async Task<ErrorCode> FetchAs(string? memberId, int epoch) => (await Coordinator.OffsetFetch(
            new OffsetFetchRequest { Groups = [new() { GroupId = GroupId, MemberId = memberId, MemberEpoch = epoch, Topics = [new() { Name = "t", PartitionIndexes = [0] }] }] },
            9)).Groups[0].ErrorCode;
    }

    [Fact]
    public async Task Offsets_of_topics_that_are_subscribed_to_stay()
    {
        await ElectAsync();
        await Beat(Joining());
        Assert.Equal(ErrorCode.GroupSubscribedToTopic, await DeleteOffset());
        await Beat(Joining(request => request.MemberEpoch = -1));
        Assert.Equal(ErrorCode.None, await DeleteOffset());

        async Task<ErrorCode> DeleteOffset() => (await Coordinator.OffsetDelete(
            new OffsetDeleteRequest { GroupId = GroupId, Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0 }] }] })).Topics[0].Partitions[0].ErrorCode;
    }

    [Fact]
    public async Task An_empty_group_goes_when_its_offsets_have_expired()
    {
        await ElectAsync();
        await Beat(Joining());
        Assert.Equal(ErrorCode.None, ErrorOf(await Coordinator.OffsetCommit(
            new OffsetCommitRequest
            {
                GroupId = GroupId,
                MemberId = "m",
                GenerationIdOrMemberEpoch = 1,
                Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = 5 }] }],
            },
            9)));
        await Beat(Joining(request => request.MemberEpoch = -1));
        Time.Advance(TimeSpan.FromDays(6));
        Assert.Single((await Coordinator.ListGroups(new ListGroupsRequest())).Groups);
        Time.Advance(TimeSpan.FromDays(2));
        await AssertNoGroups();
    }

    [Fact]
    public async Task Nothing_has_happened_when_the_log_takes_no_records()
    {
        await ElectAsync();
        await Beat(Joining());
        Log.Refusal = ErrorCode.NotEnoughReplicas;
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await Beat(Joining(request => request.MemberId = "other"))).ErrorCode);
        Log.Refusal = ErrorCode.None;
        Assert.Equal(ErrorCode.UnknownMemberId, (await Beat(Joining(request => (request.MemberId, request.MemberEpoch) = ("other", 2)))).ErrorCode);
        var alone = await Beat(Joining());
        Assert.Equal((1, 4), (alone.MemberEpoch, alone.Assignment!.TopicPartitions[0].Partitions.Length));
    }

    [Fact]
    public async Task A_silent_member_goes_when_the_clock_says_so_and_not_before()
    {
        await ElectAsync();
        await Beat(Joining());
        Time.Advance(TimeSpan.FromSeconds(44));
        Assert.Equal(ErrorCode.None, (await Beat(Staying())).ErrorCode);
        Time.Advance(TimeSpan.FromSeconds(44));
        Assert.Equal(ErrorCode.None, (await Beat(Staying())).ErrorCode);
        Time.Advance(TimeSpan.FromSeconds(45));
        Assert.Equal(ErrorCode.UnknownMemberId, (await Beat(Staying())).ErrorCode);
    }

    [Fact]
    public async Task A_classic_member_in_a_consumer_group_goes_through_the_same_calls_as_ever()
    {
        await ElectAsync();
        await Beat(Joining());
        var id = await Join("");
        Assert.Equal(ErrorCode.MemberIdRequired, id.ErrorCode);
        var joined = await Join(id.MemberId);
        Assert.Equal((ErrorCode.None, 2, "consumer", "range", ""), (joined.ErrorCode, joined.GenerationId, joined.ProtocolType, joined.ProtocolName, joined.Leader));
        Assert.Equal(ErrorCode.None, (await Sync(joined)).ErrorCode);
        Assert.Equal(ErrorCode.None, await Heartbeat(joined));
        Assert.Equal(ErrorCode.None, ErrorOf(await Commit(0, 42, member: joined)));
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ErrorCode.UnknownMemberId, await Heartbeat(joined));
    }

    private static ConsumerGroupHeartbeatRequest Joining(Action<ConsumerGroupHeartbeatRequest>? change = null)
    {
        var request = new ConsumerGroupHeartbeatRequest
        {
            GroupId = GroupId,
            MemberId = "m",
            RebalanceTimeoutMs = 60_000,
            SubscribedTopicNames = ["t"],
            TopicPartitions = [],
        };
        change?.Invoke(request);
        return request;
    }

    private static ConsumerGroupHeartbeatRequest Staying() => new() { GroupId = GroupId, MemberId = "m", MemberEpoch = 1 };

    private async Task<ConsumerGroupHeartbeatResponse> Beat(ConsumerGroupHeartbeatRequest request, short version = 1) =>
        await Coordinator.ConsumerGroupHeartbeat(request, Client, version);

    private async Task<ErrorCode> Delete() =>
        (await Coordinator.DeleteGroups(new DeleteGroupsRequest { GroupsNames = [GroupId] })).Results[0].ErrorCode;

    private async Task AssertNoGroups() => Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest())).Groups);
}
