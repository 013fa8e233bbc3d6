using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>
/// Members on many threads at once, joining, committing and leaving as fast as they can. Time stands still, so whoever is not
/// answered by the others' calls would wait for ever.
/// </summary>
public class CrowdTests() : CoordinatorFixture(new GroupConfig { InitialRebalanceDelayMs = 0 })
{
    private const int Members = 8;
    private const int Rounds = 60;
    private int commits;

    [Fact]
    public async Task Every_call_of_a_crowd_is_answered_and_every_commit_is_kept()
    {
        await ElectAsync();

        await Task.WhenAll(Enumerable.Range(0, Members).Select(i => Task.Run(() => LiveAsync(i)))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.True(commits > 0);
        var group = (await Coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = [GroupId] }, 5)).Groups[0];
        Assert.Equal("Empty", group.GroupState);
        using var next = NewCoordinator();
        Assert.True(await next.OnElected(Partition, 1, Log));
        Assert.Equal(await OffsetsAsync(Coordinator), await OffsetsAsync(next));
    }

    private async Task LiveAsync(int client)
    {
        var memberId = "";
        for (var round = 0; round < Rounds; round++)
        {
            var joined = await Join(memberId);
            memberId = joined.ErrorCode == ErrorCode.UnknownMemberId ? "" : joined.MemberId;
            if (joined.ErrorCode == ErrorCode.None && (await Sync(joined)).ErrorCode == ErrorCode.None)
            {
                if (ErrorOf(await Commit(client % 4, round, member: joined)) == ErrorCode.None)
                    Interlocked.Increment(ref commits);
                await Heartbeat(joined);
            }
            if (memberId.Length > 0 && (round % 10 == client || round == Rounds - 1))
            {
                await Coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = GroupId, Members = [new() { MemberId = memberId }] }, 5);
                memberId = "";
            }
        }
    }

    private static async Task<string> OffsetsAsync(GroupCoordinator coordinator)
    {
        var fetched = await coordinator.OffsetFetch(new OffsetFetchRequest { Groups = [new() { GroupId = GroupId, Topics = null }] }, 9);
        return string.Join(' ', fetched.Groups[0].Topics.SelectMany(topic => topic.Partitions)
            .Select(partition => $"{partition.PartitionIndex}:{partition.CommittedOffset}"));
    }
}
