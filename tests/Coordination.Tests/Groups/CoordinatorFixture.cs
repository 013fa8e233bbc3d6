using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>A coordinator that leads the partition of one group, with time and disk in the test's hand.</summary>
public abstract class CoordinatorFixture : IDisposable
{
    protected const string GroupId = "my-group";
    protected static readonly GroupClient Client = new("client", "/127.0.0.1");
    private protected readonly FakeTimeProvider Time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private protected readonly InMemoryLog Log = new();
    private protected readonly GroupCoordinator Coordinator;

    protected CoordinatorFixture(GroupConfig? config = null) => Coordinator = NewCoordinator(config);

    protected int Partition => Coordinator.PartitionFor(GroupId);

    public void Dispose()
    {
        Coordinator.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected GroupCoordinator NewCoordinator(GroupConfig? config = null) =>
        new(config ?? new GroupConfig(), new OneTopic(), Time, new Random(1), NullLogger<GroupCoordinator>.Instance);

    protected async Task ElectAsync(int epoch = 0) => Assert.True(await Coordinator.OnElected(Partition, epoch, Log));

    private protected Task<JoinGroupResponse> Join(string memberId, short version = 9, string? instance = null, CancellationToken token = default) =>
        Coordinator.JoinGroup(
            new JoinGroupRequest
            {
                GroupId = GroupId,
                MemberId = memberId,
                GroupInstanceId = instance,
                SessionTimeoutMs = 10_000,
                RebalanceTimeoutMs = 60_000,
                ProtocolType = "consumer",
                Protocols = [new() { Name = "range", Metadata = SubscriptionTo("t") }],
            },
            Client, version, token);

    private protected Task<SyncGroupResponse> Sync(JoinGroupResponse joined, CancellationToken token = default) => Coordinator.SyncGroup(
        new SyncGroupRequest
        {
            GroupId = GroupId,
            MemberId = joined.MemberId,
            GenerationId = joined.GenerationId,
            ProtocolType = joined.ProtocolType,
            ProtocolName = joined.ProtocolName,
            Assignments = [.. joined.Members.Select(member =>
                new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = member.MemberId, Assignment = GroupWorld.Bytes($"for {member.MemberId}") })],
        },
        token);

    private protected async Task<ErrorCode> Heartbeat(JoinGroupResponse joined) => (await Coordinator.Heartbeat(new HeartbeatRequest
    {
        GroupId = GroupId,
        MemberId = joined.MemberId,
        GenerationId = joined.GenerationId,
    })).ErrorCode;

    /// <summary>A first member that has gone through its first rebalance.</summary>
    private protected async Task<JoinGroupResponse> StableMemberAsync()
    {
        var id = await Join("");
        Assert.Equal(ErrorCode.MemberIdRequired, id.ErrorCode);
        var joining = Join(id.MemberId);
        Time.Advance(TimeSpan.FromSeconds(3));
        var joined = await joining;
        Assert.Equal(ErrorCode.None, joined.ErrorCode);
        Assert.Equal(ErrorCode.None, (await Sync(joined)).ErrorCode);
        return joined;
    }

    private protected ValueTask<OffsetCommitResponse> Commit(
        int partition, long offset, short version = 9, string topic = "t", JoinGroupResponse? member = null, string? metadata = null,
        long retentionMs = -1, string groupId = GroupId) => Coordinator.OffsetCommit(
        new OffsetCommitRequest
        {
            GroupId = groupId,
            MemberId = member?.MemberId ?? "",
            GenerationIdOrMemberEpoch = member?.GenerationId ?? -1,
            RetentionTimeMs = retentionMs,
            Topics =
            [
                new()
                {
                    Name = version < 10 ? topic : "",
                    TopicId = version < 10 ? default : OneTopic.Id,
                    Partitions = [new() { PartitionIndex = partition, CommittedOffset = offset, CommittedLeaderEpoch = 3, CommittedMetadata = metadata }],
                },
            ],
        },
        version);

    private protected async Task<OffsetFetchResponse> Fetch(params int[] partitions) => await Fetch(partitions, 7);

    private protected async Task<OffsetFetchResponse> Fetch(int partition, short version) => await Fetch([partition], version);

    private protected ValueTask<OffsetFetchResponse> Fetch(int[] partitions, short version) => Coordinator.OffsetFetch(
        new OffsetFetchRequest { GroupId = GroupId, Topics = [new() { Name = "t", PartitionIndexes = partitions }] }, version);

    private protected static ErrorCode ErrorOf(OffsetCommitResponse response) => response.Topics[0].Partitions[0].ErrorCode;

    private protected static byte[] SubscriptionTo(params string[] topics)
    {
        using var writer = new MessageWriter();
        writer.WriteInt16(0);
        new ConsumerProtocolSubscription { Topics = topics }.Write(writer, 0);
        return writer.ToArray();
    }
}
