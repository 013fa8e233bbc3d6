using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>What is set for one group counts for it, from the moment it is set.</summary>
public class GroupOverridesTests : CoordinatorFixture
{
    private readonly Dictionary<(string Group, string Name), int> set;

    public GroupOverridesTests()
        : this([])
    {
    }

    private GroupOverridesTests(Dictionary<(string Group, string Name), int> set)
        : base(new GroupConfig { OfGroup = (group, name) => set.TryGetValue((group, name), out var value) ? value : null }) => this.set = set;

    [Fact]
    public async Task A_groups_own_session_and_heartbeat_interval_are_in_force_at_once()
    {
        await ElectAsync();
        Assert.Equal(5_000, (await Beat("m1", 0)).HeartbeatIntervalMs);

        set[(GroupId, "consumer.heartbeat.interval.ms")] = 7_000;
        set[(GroupId, "consumer.session.timeout.ms")] = 50_000;
        set[("another", "consumer.session.timeout.ms")] = 60_000;
        Assert.Equal(7_000, (await Beat("m1", 1)).HeartbeatIntervalMs);
        Time.Advance(TimeSpan.FromMilliseconds(49_999)); // the broker's own would have been 45,000
        Assert.Equal(ErrorCode.None, (await Beat("m1", 1)).ErrorCode);
        Time.Advance(TimeSpan.FromMilliseconds(50_000));
        Assert.Equal(ErrorCode.UnknownMemberId, (await Beat("m1", 1)).ErrorCode);
    }

    private ValueTask<ConsumerGroupHeartbeatResponse> Beat(string memberId, int epoch) => Coordinator.ConsumerGroupHeartbeat(
        new ConsumerGroupHeartbeatRequest
        {
            GroupId = GroupId,
            MemberId = memberId,
            MemberEpoch = epoch,
            RebalanceTimeoutMs = epoch == 0 ? 60_000 : -1,
            SubscribedTopicNames = epoch == 0 ? ["t"] : null,
            TopicPartitions = epoch == 0 ? [] : null,
        },
        Client, version: 1);
}
