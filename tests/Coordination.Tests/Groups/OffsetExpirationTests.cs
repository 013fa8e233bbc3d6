using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>Offsets are kept for ten minutes here, and looked at every minute.</summary>
public class OffsetExpirationTests() : CoordinatorFixture(
    new GroupConfig { OffsetsRetentionMs = 10 * 60_000, OffsetsRetentionCheckIntervalMs = 60_000 })
{
    private static readonly TimeSpan Retention = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Check = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Offsets_of_a_group_without_members_go_when_they_are_old_and_the_group_with_them()
    {
        await ElectAsync();
        await Commit(0, 1);
        Time.Advance(Retention - Check);
        await Commit(1, 2);
        Assert.Equal("1, 2", await CommittedAsync());

        Time.Advance(Check);
        Assert.Equal("-1, 2", await CommittedAsync());

        Time.Advance(Retention);
        Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest())).Groups);
    }

    [Fact]
    public async Task Offsets_of_a_group_at_work_stay_and_those_of_one_that_was_left_are_kept_from_then_on()
    {
        await ElectAsync();
        var member = await StableMemberAsync();
        await Commit(0, 1, member: member);
        for (var i = 0; i < 2 * Retention.TotalSeconds; i += 5)
        {
            Time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(ErrorCode.None, await Heartbeat(member));
        }
        Assert.Equal("1, -1", await CommittedAsync());

        await Coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = GroupId, Members = [new() { MemberId = member.MemberId }] }, 5);
        Time.Advance(Retention - Check);
        Assert.Equal("1, -1", await CommittedAsync());
        Time.Advance(Check * 2);
        Assert.Equal("-1, -1", await CommittedAsync());
    }

    [Fact]
    public async Task An_offset_can_bring_its_own_end()
    {
        await ElectAsync();
        await Commit(0, 1, version: 2, retentionMs: 60_000);
        await Commit(1, 2, version: 2, retentionMs: 120_000);

        Time.Advance(Check);

        Assert.Equal("-1, 2", await CommittedAsync());
    }

    [Fact]
    public async Task A_group_that_was_never_joined_goes_at_the_next_check()
    {
        await ElectAsync();
        Assert.Equal(ErrorCode.MemberIdRequired, (await Join("")).ErrorCode);

        Time.Advance(Check);

        Assert.Empty((await Coordinator.ListGroups(new ListGroupsRequest())).Groups);
    }

    private async Task<string> CommittedAsync() =>
        string.Join(", ", (await Fetch(0, 1)).Topics[0].Partitions.Select(partition => partition.CommittedOffset));
}
