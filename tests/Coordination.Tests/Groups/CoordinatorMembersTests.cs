using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>The coordinator as the broker sees it: requests in, responses out, some of them much later.</summary>
public class CoordinatorMembersTests : CoordinatorFixture
{
    [Fact]
    public async Task A_member_joins_syncs_commits_and_leaves()
    {
        await ElectAsync();
        var member = await StableMemberAsync();

        Assert.Equal(ErrorCode.None, await Heartbeat(member));
        Assert.Equal(ErrorCode.None, ErrorOf(await Commit(0, 42, member: member)));
        var left = await Coordinator.LeaveGroup(
            new LeaveGroupRequest { GroupId = GroupId, Members = [new() { MemberId = member.MemberId }] }, version: 3);

        Assert.Equal(ErrorCode.None, left.ErrorCode);
        Assert.Equal(ErrorCode.None, left.Members[0].ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, await Heartbeat(member));
    }

    [Fact]
    public async Task A_member_is_named_after_its_client_or_its_instance()
    {
        await ElectAsync();

        Assert.Matches("^client-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", (await Join("")).MemberId);
        var joining = Join("", instance: "i1");
        Time.Advance(TimeSpan.FromSeconds(3));
        Assert.StartsWith("i1-", (await joining).MemberId);
    }

    [Fact]
    public async Task Two_members_share_what_the_leader_hands_out()
    {
        await ElectAsync();
        var first = await StableMemberAsync();
        var secondId = (await Join("")).MemberId;
        var second = Join(secondId);
        Assert.Equal(ErrorCode.RebalanceInProgress, await Heartbeat(first));

        var leader = await Join(first.MemberId);
        var follower = await second;
        Assert.Equal(2, leader.Members.Length);
        Assert.Empty(follower.Members);
        var followerSync = Sync(follower);
        Assert.False(followerSync.IsCompleted);
        await Sync(leader);

        Assert.Equal(GroupWorld.Bytes($"for {secondId}"), (await followerSync).Assignment.ToArray());
    }

    [Fact]
    public async Task A_silent_member_is_dropped_when_its_session_ends()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(ErrorCode.None, await Heartbeat(member));

        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal("Stable", await StateAsync());
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("Empty", await StateAsync());
    }

    [Fact]
    public async Task A_heartbeat_writes_nothing_and_allocates_little()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        var appends = Log.Appends;
        var request = new HeartbeatRequest { GroupId = GroupId, MemberId = member.MemberId, GenerationId = member.GenerationId };
        for (var i = 0; i < 100; i++)
            await Coordinator.Heartbeat(request);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++)
        {
            var answer = Coordinator.Heartbeat(request);
            Assert.True(answer.IsCompletedSuccessfully);
        }

        Assert.Equal(appends, Log.Appends);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1_000, 1, 400);
    }

    [Fact]
    public async Task Calls_that_wait_are_sent_away_when_the_partition_is_lost()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        var second = Join((await Join("")).MemberId);

        Coordinator.OnResigned(Partition, leaderEpoch: 1);

        Assert.Equal(ErrorCode.NotCoordinator, (await second).ErrorCode);
        Assert.Equal(ErrorCode.NotCoordinator, await Heartbeat(member));
        Assert.Equal(ErrorCode.NotCoordinator, (await Join("")).ErrorCode);
    }

    [Fact]
    public async Task Calls_that_wait_are_sent_away_when_what_was_written_cannot_be_committed()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        var second = Join((await Join("")).MemberId);
        Log.CommitsAtOnce = false;
        var commit = Commit(0, 1, member: member);

        Log.EndWaits(ErrorCode.NotLeaderOrFollower);

        Assert.Equal(ErrorCode.NotCoordinator, ErrorOf(await commit));
        Assert.Equal(ErrorCode.NotCoordinator, (await second).ErrorCode);
    }

    [Fact]
    public async Task A_client_that_is_gone_is_not_waited_with()
    {
        await ElectAsync();
        await StableMemberAsync();
        var memberId = (await Join("")).MemberId;
        using var connection = new CancellationTokenSource();
        var second = Join(memberId, token: connection.Token);

        await connection.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        // It may come back: the member is still there.
        var third = Join(memberId);
        Assert.False(third.IsCompleted);
        Assert.Equal("PreparingRebalance", await StateAsync());
    }

    [Fact]
    public async Task A_new_coordinator_goes_on_where_the_old_one_was()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        await Commit(2, 42, member: member);

        using var next = NewCoordinator();
        Coordinator.OnResigned(Partition);
        Assert.True(await next.OnElected(Partition, 1, Log));

        var heartbeat = await next.Heartbeat(
            new HeartbeatRequest { GroupId = GroupId, MemberId = member.MemberId, GenerationId = member.GenerationId });
        Assert.Equal(ErrorCode.None, heartbeat.ErrorCode);
        var offsets = await next.OffsetFetch(
            new OffsetFetchRequest { GroupId = GroupId, Topics = [new() { Name = "t", PartitionIndexes = [2, 3] }] }, version: 7);
        Assert.Equal([42, -1], offsets.Topics[0].Partitions.Select(partition => partition.CommittedOffset));
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Empty", (await next.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, 5)).Groups[0].GroupState);
    }

    [Fact]
    public async Task While_loading_members_may_live_on_and_others_wait()
    {
        var gate = new TaskCompletionSource();
        Log.ReadGate = gate.Task;
        var opening = Coordinator.OnElected(Partition, 0, Log);

        Assert.Equal(ErrorCode.None, await Heartbeat(new JoinGroupResponse { MemberId = "anybody" }));
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Join("")).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, ErrorOf(await Commit(0, 1)));
        Assert.Equal(ErrorCode.CoordinatorLoadInProgress, (await Coordinator.ListGroups(new ListGroupsRequest())).ErrorCode);

        gate.SetResult();
        Assert.True(await opening);
        Assert.Equal(ErrorCode.MemberIdRequired, (await Join("")).ErrorCode);
    }

    [Fact]
    public async Task Assignments_that_cannot_be_written_are_told_to_all_and_the_group_starts_over()
    {
        await ElectAsync();
        var first = await StableMemberAsync();
        var second = Join((await Join("")).MemberId);
        var leader = await Join(first.MemberId);
        var followerSync = Sync(await second);

        Log.Refusal = ErrorCode.NotEnoughReplicas;
        var leaderSync = await Sync(leader);

        Assert.Equal(ErrorCode.CoordinatorNotAvailable, leaderSync.ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await followerSync).ErrorCode);
        Assert.Equal("PreparingRebalance", await StateAsync());
    }

    [Fact]
    public async Task A_group_that_cannot_be_written_is_not_made()
    {
        await ElectAsync();
        Log.Refusal = ErrorCode.NotEnoughReplicas;

        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await Join("")).ErrorCode);

        Assert.Equal("Dead", await StateAsync());
    }

    [Fact]
    public async Task What_is_due_and_cannot_be_written_is_tried_again()
    {
        await ElectAsync();
        await StableMemberAsync();
        Log.Refusal = ErrorCode.NotEnoughReplicas;
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Stable", await StateAsync());

        Log.Refusal = ErrorCode.None;
        // Refused work ends on another thread, which sets the timer: let the clock go until it has.
        for (var i = 0; i < 1_000 && await StateAsync() != "Empty"; i++)
        {
            await Task.Yield();
            Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal("Empty", await StateAsync());
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(6, "")]
    [InlineData(7, null)]
    public async Task A_protocol_name_is_null_only_where_it_may_be(short version, string? name)
    {
        Assert.Equal(name, (await Join("", version)).ProtocolName);
        await ElectAsync();
        Assert.Equal(name, (await Join("unknown", version)).ProtocolName);
    }

    [Fact]
    public async Task Requests_are_checked_before_they_reach_a_group()
    {
        await ElectAsync();
        var request = new JoinGroupRequest { GroupId = GroupId, SessionTimeoutMs = 5_999 };
        Assert.Equal(ErrorCode.InvalidSessionTimeout, (await Coordinator.JoinGroup(request, Client, 9)).ErrorCode);
        request.SessionTimeoutMs = 1_800_001;
        Assert.Equal(ErrorCode.InvalidSessionTimeout, (await Coordinator.JoinGroup(request, Client, 9)).ErrorCode);
        request.SessionTimeoutMs = 6_000;
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, (await Coordinator.JoinGroup(request, Client, 9)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, (await Coordinator.JoinGroup(new JoinGroupRequest(), Client, 9)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, (await Coordinator.SyncGroup(new SyncGroupRequest())).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, (await Coordinator.Heartbeat(new HeartbeatRequest())).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, (await Coordinator.LeaveGroup(new LeaveGroupRequest(), 5)).ErrorCode);
        Assert.Equal("Dead", await StateAsync());
    }

    [Fact]
    public async Task Sync_names_the_protocol_and_is_refused_when_that_is_another()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        member.ProtocolName = "sticky";
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, (await Sync(member)).ErrorCode);
        member.ProtocolName = null;
        member.ProtocolType = null;
        Assert.Equal(ErrorCode.None, (await Sync(member)).ErrorCode);
    }

    [Fact]
    public async Task A_member_of_an_old_version_leaves_alone_and_is_answered_at_the_top()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        var unknown = await Coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = GroupId, MemberId = "x" }, version: 2);
        Assert.Equal(ErrorCode.UnknownMemberId, unknown.ErrorCode);
        Assert.Empty(unknown.Members);

        var left = await Coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = GroupId, MemberId = member.MemberId }, version: 0);
        Assert.Equal(ErrorCode.None, left.ErrorCode);
        Assert.Empty(left.Members);
    }

    [Fact]
    public async Task Leaving_a_group_that_is_not_there_is_an_error_of_each_member()
    {
        await ElectAsync();
        var left = await Coordinator.LeaveGroup(
            new LeaveGroupRequest { GroupId = GroupId, Members = [new() { MemberId = "a" }, new() { GroupInstanceId = "i" }] }, version: 5);

        Assert.Equal(ErrorCode.None, left.ErrorCode);
        Assert.Equal([ErrorCode.UnknownMemberId, ErrorCode.UnknownMemberId], left.Members.Select(member => member.ErrorCode));
        Assert.Equal("i", left.Members[1].GroupInstanceId);
    }

    [Fact]
    public async Task Epochs_of_the_past_change_nothing()
    {
        await ElectAsync(epoch: 5);
        var member = await StableMemberAsync();

        Assert.False(await Coordinator.OnElected(Partition, 5, Log));
        Coordinator.OnResigned(Partition, leaderEpoch: 4);

        Assert.Equal(ErrorCode.None, await Heartbeat(member));
    }

    [Fact]
    public async Task A_partition_that_is_lost_while_it_loads_is_not_served()
    {
        var gate = new TaskCompletionSource();
        Log.ReadGate = gate.Task;
        var opening = Coordinator.OnElected(Partition, 0, Log);

        Coordinator.OnResigned(Partition, leaderEpoch: 1);
        gate.SetException(new IOException("the log is closed"));

        Assert.False(await opening);
        Assert.Equal(ErrorCode.NotCoordinator, (await Join("")).ErrorCode);
    }

    [Fact]
    public async Task A_partition_that_cannot_be_read_is_not_served()
    {
        Log.ReadGate = Task.FromException(new IOException("disk"));

        await Assert.ThrowsAsync<IOException>(() => Coordinator.OnElected(Partition, 0, Log));

        Assert.Equal(ErrorCode.NotCoordinator, (await Join("")).ErrorCode);
    }

    [Fact]
    public async Task A_closed_coordinator_serves_nobody()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        var second = Join((await Join("")).MemberId);

        Coordinator.Close();

        Assert.Equal(ErrorCode.NotCoordinator, (await second).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, await Heartbeat(member));
        Assert.False(await Coordinator.OnElected(Partition, 1, Log));
    }

    private async Task<string> StateAsync() =>
        (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, version: 5)).Groups[0].GroupState;
}
