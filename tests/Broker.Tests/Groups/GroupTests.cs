using System.Text;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Broker.Tests.Groups;

/// <summary>Classic groups through the wire. The rules of the group itself are tested where they are decided.</summary>
public sealed class GroupTests(SharedBroker shared)
{
    private readonly TestClient client = shared.Broker.Connect();

    [Fact]
    public async Task The_coordinator_is_found_in_every_version_and_its_topic_made_on_the_way()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        for (var version = 0; version <= 6; version++)
        {
            var response = await one.Send(
                version < 4 ? new FindCoordinatorRequest { Key = "g" } : new FindCoordinatorRequest { CoordinatorKeys = ["g", "", "h"] },
                version);
            if (version < 4)
                Assert.Equal(
                    (ErrorCode.None, 1, "127.0.0.1", broker.Port), (response.ErrorCode, response.NodeId, response.Host, response.Port));
            else
                Assert.Equal(["g/1", "/1", "h/1"], response.Coordinators.Select(found => $"{found.Key}/{found.NodeId}"));
        }
    }

    [Fact]
    public async Task Two_members_share_and_when_one_leaves_the_other_has_all()
    {
        var group = shared.NewName("group");
        await using var second = shared.Broker.Connect("second");
        var alone = await Join(client, group, memberId: await NewMember(client, group));
        Assert.Equal(
            (ErrorCode.None, 1, alone.MemberId, "range", 1),
            (alone.ErrorCode, alone.GenerationId, alone.Leader, alone.ProtocolName, alone.Members.Length));
        var assigned = await Sync(client, group, alone, (alone.MemberId, "everything"));
        Assert.Equal("everything", Text(assigned.Assignment));
        Assert.Equal(ErrorCode.None, (await Heartbeat(client, group, alone)).ErrorCode);

        // The second waits until the first has heard of it and joined again.
        var joining = Join(second, group, memberId: await NewMember(second, group));
        await Until(async () => (await Heartbeat(client, group, alone)).ErrorCode == ErrorCode.RebalanceInProgress);
        Assert.False(joining.IsCompleted);
        var leader = await Join(client, group, alone.MemberId);
        var follower = await joining;
        Assert.Equal((2, 2, leader.MemberId), (leader.GenerationId, follower.GenerationId, follower.Leader));
        Assert.Equal((2, 0), (leader.Members.Length, follower.Members.Length));
        Assert.Equal(["subscription", "subscription"], leader.Members.Select(member => Text(member.Metadata)));

        var following = Sync(second, group, follower);
        var leading = await Sync(client, group, leader, (leader.MemberId, "left"), (follower.MemberId, "right"));
        Assert.Equal(("left", "right"), (Text(leading.Assignment), Text((await following).Assignment)));
        Assert.Equal(ErrorCode.IllegalGeneration, (await Heartbeat(second, group, alone, follower.MemberId)).ErrorCode);

        Assert.Equal(
            ErrorCode.None,
            (await client.Send(new LeaveGroupRequest { GroupId = group, Members = [new() { MemberId = leader.MemberId }] })).Members[0].ErrorCode);
        Assert.Equal(ErrorCode.RebalanceInProgress, (await Heartbeat(second, group, follower)).ErrorCode);
        var last = await Join(second, group, follower.MemberId);
        Assert.Equal((3, follower.MemberId), (last.GenerationId, last.Leader));
    }

    [Fact]
    public async Task Old_members_join_without_being_asked_twice_and_leave_one_at_a_time()
    {
        for (var version = 0; version <= 3; version++)
        {
            var group = shared.NewName("group");
            var joined = await client.Send(JoinRequest(group, ""), version);
            Assert.Equal((ErrorCode.None, 1), (joined.ErrorCode, joined.GenerationId));
            var synced = await client.Send(SyncRequest(group, joined, (joined.MemberId, "all")), Math.Min(version, 2));
            Assert.Equal("all", Text(synced.Assignment));
            Assert.Equal(
                ErrorCode.None,
                (await client.Send(new HeartbeatRequest { GroupId = group, GenerationId = 1, MemberId = joined.MemberId }, Math.Min(version, 2))).ErrorCode);
            Assert.Equal(
                ErrorCode.None,
                (await client.Send(new LeaveGroupRequest { GroupId = group, MemberId = joined.MemberId }, Math.Min(version, 2))).ErrorCode);
            Assert.Equal(
                ErrorCode.UnknownMemberId,
                (await client.Send(new LeaveGroupRequest { GroupId = group, MemberId = joined.MemberId }, 2)).ErrorCode);
        }
    }

    [Fact]
    public async Task A_static_member_comes_back_to_its_place_without_a_rebalance_and_its_former_self_is_fenced()
    {
        var group = shared.NewName("group");
        var first = await Join(client, group, "", instance: "machine-1");
        await Sync(client, group, first, (first.MemberId, "mine"));
        var back = await Join(client, group, "", instance: "machine-1");
        Assert.Equal((ErrorCode.None, 1, true), (back.ErrorCode, back.GenerationId, back.SkipAssignment));
        Assert.NotEqual(first.MemberId, back.MemberId);
        Assert.Equal("mine", Text((await Sync(client, group, back)).Assignment));
        var former = await client.Send(
            new HeartbeatRequest { GroupId = group, GenerationId = 1, MemberId = first.MemberId, GroupInstanceId = "machine-1" });
        Assert.Equal(ErrorCode.FencedInstanceId, former.ErrorCode);
        var left = await client.Send(
            new LeaveGroupRequest { GroupId = group, Members = [new() { GroupInstanceId = "machine-1" }, new() { MemberId = "nobody" }] });
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownMemberId], left.Members.Select(member => member.ErrorCode));
    }

    [Fact]
    public async Task A_member_that_is_silent_for_its_session_is_removed()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        var joined = await Join(one, "g", await NewMember(one, "g"));
        await Sync(one, "g", joined, (joined.MemberId, "all"));
        broker.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(ErrorCode.None, (await Heartbeat(one, "g", joined)).ErrorCode);
        broker.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(ErrorCode.None, (await Heartbeat(one, "g", joined)).ErrorCode);
        broker.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(ErrorCode.UnknownMemberId, (await Heartbeat(one, "g", joined)).ErrorCode);
        Assert.Equal("Empty", (await one.Send(new DescribeGroupsRequest { Groups = ["g"] })).Groups[0].GroupState);
    }

    [Fact]
    public async Task A_member_whose_connection_breaks_while_it_waits_keeps_nobody_waiting()
    {
        var group = shared.NewName("group");
        var first = await Join(client, group, await NewMember(client, group));
        await Sync(client, group, first, (first.MemberId, "all"));
        var gone = shared.Broker.Connect();
        var waiting = Join(gone, group, await NewMember(gone, group));
        await Until(async () => (await Heartbeat(client, group, first)).ErrorCode == ErrorCode.RebalanceInProgress);
        await gone.DisposeAsync();
        await Assert.ThrowsAsync<Network.ConnectionBrokenException>(() => waiting);
        Assert.Equal(
            (ErrorCode.None, 2),
            (await Join(client, group, first.MemberId)) is var again ? (again.ErrorCode, again.GenerationId) : default);
    }

    [Fact]
    public async Task Offsets_are_kept_and_fetched_in_every_version()
    {
        var topic = await shared.NewTopic(client, partitions: 2);
        for (var version = 0; version <= 10; version++)
        {
            var group = shared.NewName("group");
            var commit = new OffsetCommitRequest
            {
                GroupId = group,
                Topics =
                [
                    new()
                    {
                        Name = topic.Name,
                        TopicId = topic.Id,
                        Partitions =
                        [
                            new()
                            {
                                PartitionIndex = 0,
                                CommittedOffset = 40 + version,
                                CommittedMetadata = "here",
                                CommittedLeaderEpoch = version >= 6 ? 3 : -1,
                            },
                            new() { PartitionIndex = 5, CommittedOffset = 1, CommittedMetadata = "" },
                        ],
                    },
                ],
            };
            var committed = await client.Send(commit, version);
            Assert.Equal(
                [ErrorCode.None, ErrorCode.UnknownTopicOrPartition],
                committed.Topics[0].Partitions.Select(partition => partition.ErrorCode));

            for (var fetch = 0; fetch <= 10; fetch++)
            {
                var found = await FetchOffsets(group, topic, fetch);
                Assert.Equal([(0, 40L + version, "here", ErrorCode.None), (1, -1L, "", ErrorCode.None)], found);
            }
        }
    }

    [Fact]
    public async Task A_members_commit_is_checked_against_its_generation()
    {
        var topic = await shared.NewTopic(client);
        var group = shared.NewName("group");
        var joined = await Join(client, group, await NewMember(client, group));
        await Sync(client, group, joined, (joined.MemberId, "all"));
        Assert.Equal(ErrorCode.None, await Commit(joined.GenerationId, joined.MemberId));
        Assert.Equal(ErrorCode.IllegalGeneration, await Commit(joined.GenerationId + 1, joined.MemberId));
        Assert.Equal(ErrorCode.UnknownMemberId, await Commit(joined.GenerationId, "stranger"));
        Assert.Equal(ErrorCode.UnknownMemberId, await Commit(-1, ""));

        async Task<ErrorCode> Commit(int generation, string member)
        {
            var response = await client.Send(new OffsetCommitRequest
            {
                GroupId = group,
                GenerationIdOrMemberEpoch = generation,
                MemberId = member,
                Topics = [new() { TopicId = topic.Id, Partitions = [new() { CommittedOffset = 1, CommittedMetadata = null }] }],
            });
            return response.Topics[0].Partitions[0].ErrorCode;
        }
    }

    [Fact]
    public async Task A_topic_id_that_nobody_knows_and_metadata_that_is_too_long_are_refused()
    {
        var topic = await shared.NewTopic(client);
        var response = await client.Send(new OffsetCommitRequest
        {
            GroupId = shared.NewName("group"),
            Topics =
            [
                new() { TopicId = TestTopic.Unknown.Id, Partitions = [new() { CommittedMetadata = null }] },
                new() { TopicId = topic.Id, Partitions = [new() { CommittedMetadata = new string('m', 4097) }] },
                new() { TopicId = topic.Id, Partitions = [new() { CommittedMetadata = new string('m', 4096) }] },
            ],
        });
        Assert.Equal(
            [ErrorCode.UnknownTopicId, ErrorCode.OffsetMetadataTooLarge, ErrorCode.None],
            response.Topics.Select(one => one.Partitions[0].ErrorCode));
        var unknown = await client.Send(new OffsetFetchRequest
        {
            Groups = [new() { GroupId = "g", Topics = [new() { TopicId = TestTopic.Unknown.Id, PartitionIndexes = [0] }] }],
        });
        Assert.Equal(
            (ErrorCode.UnknownTopicId, -1L),
            (unknown.Groups[0].Topics[0].Partitions[0].ErrorCode, unknown.Groups[0].Topics[0].Partitions[0].CommittedOffset));
    }

    [Fact]
    public async Task Groups_are_listed_described_and_deleted()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var one = broker.Connect();
        var topic = await one.CreateTopic("t");
        var joined = await Join(one, "busy", await NewMember(one, "busy"));
        await Sync(one, "busy", joined, (joined.MemberId, "all"));
        await one.Send(new OffsetCommitRequest
        {
            GroupId = "simple",
            Topics = [new() { TopicId = topic.Id, Partitions = [new() { CommittedOffset = 5, CommittedMetadata = null }] }],
        });

        for (var version = 0; version <= 5; version++)
        {
            var listed = (await one.Send(new ListGroupsRequest(), version)).Groups.OrderBy(group => group.GroupId).ToArray();
            Assert.Equal(["busy/consumer", "simple/"], listed.Select(group => $"{group.GroupId}/{group.ProtocolType}"));
            if (version >= 5)
                Assert.Equal([("Stable", "classic"), ("Empty", "classic")], listed.Select(group => (group.GroupState, group.GroupType)));
        }

        Assert.Equal(["busy"], (await one.Send(new ListGroupsRequest { StatesFilter = ["Stable"] })).Groups.Select(group => group.GroupId));
        Assert.Empty((await one.Send(new ListGroupsRequest { TypesFilter = ["share"] })).Groups);

        for (var version = 0; version <= 6; version++)
        {
            var describe = new DescribeGroupsRequest { Groups = ["busy", "nobody"], IncludeAuthorizedOperations = version >= 3 };
            var described = (await one.Send(describe, version)).Groups;
            var member = Assert.Single(described[0].Members);
            Assert.Equal(("Stable", "consumer", "range"), (described[0].GroupState, described[0].ProtocolType, described[0].ProtocolData));
            Assert.Equal(
                (joined.MemberId, "tests", "/in-memory", "subscription", "all"),
                (member.MemberId, member.ClientId, member.ClientHost, Text(member.MemberMetadata), Text(member.MemberAssignment)));
            Assert.Equal(
                (version >= 6 ? ErrorCode.GroupIdNotFound : ErrorCode.None, "Dead"), (described[1].ErrorCode, described[1].GroupState));
            Assert.Equal(version >= 3 ? 0b1101_0100_1000 : int.MinValue, described[0].AuthorizedOperations);
        }

        Assert.Equal(ErrorCode.GroupSubscribedToTopic, await DeleteOffset("busy", "t"));
        Assert.Equal(ErrorCode.None, await DeleteOffset("simple", "t"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await DeleteOffset("simple", "nothing"));
        Assert.Equal(ErrorCode.GroupIdNotFound, (await one.Send(new OffsetDeleteRequest { GroupId = "nobody" })).ErrorCode);
        var deleted = await one.Send(new DeleteGroupsRequest { GroupsNames = ["busy", "simple", "nobody"] });
        Assert.Equal(
            [ErrorCode.NonEmptyGroup, ErrorCode.None, ErrorCode.GroupIdNotFound], deleted.Results.Select(result => result.ErrorCode));

        async Task<ErrorCode> DeleteOffset(string group, string name) =>
            (await one.Send(new OffsetDeleteRequest { GroupId = group, Topics = [new() { Name = name, Partitions = [new()] }] })).Topics[0].Partitions[0].ErrorCode;
    }

    [Fact]
    public async Task The_offsets_of_a_deleted_topic_go_with_it()
    {
        var topic = await shared.NewTopic(client);
        var group = shared.NewName("group");
        await client.Send(new OffsetCommitRequest
        {
            GroupId = group,
            Topics = [new() { TopicId = topic.Id, Partitions = [new() { CommittedOffset = 5, CommittedMetadata = null }] }],
        });
        await client.Send(new DeleteTopicsRequest { Topics = [new() { Name = topic.Name }] });
        var fetch = new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = null }] };
        await Until(async () => (await client.Send(fetch, 9)).Groups[0].Topics.Length == 0);
    }

    private static async Task Until(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Yield();
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>What a member does first: it asks, and is told who it is.</summary>
    private static async Task<string> NewMember(TestClient client, string group)
    {
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = [group] });
        var asked = await client.Send(JoinRequest(group, ""));
        Assert.Equal(ErrorCode.MemberIdRequired, asked.ErrorCode);
        return asked.MemberId;
    }

    private static async Task<JoinGroupResponse> Join(TestClient client, string group, string memberId, string? instance = null)
    {
        await client.Send(new FindCoordinatorRequest { CoordinatorKeys = [group] });
        return await client.Send(JoinRequest(group, memberId, instance));
    }

    private static JoinGroupRequest JoinRequest(string group, string memberId, string? instance = null) => new()
    {
        GroupId = group,
        SessionTimeoutMs = 10_000,
        RebalanceTimeoutMs = 10_000,
        MemberId = memberId,
        GroupInstanceId = instance,
        ProtocolType = "consumer",
        Protocols = [new() { Name = "range", Metadata = "subscription"u8.ToArray() }],
    };

    private static Task<SyncGroupResponse> Sync(
        TestClient client, string group, JoinGroupResponse joined, params (string Member, string Assignment)[] assignments) =>
        client.Send(SyncRequest(group, joined, assignments));

    private static SyncGroupRequest SyncRequest(
        string group, JoinGroupResponse joined, params (string Member, string Assignment)[] assignments) =>
        new()
    {
        GroupId = group,
        GenerationId = joined.GenerationId,
        MemberId = joined.MemberId,
        Assignments =
        [
            .. assignments.Select(one => new SyncGroupRequest.SyncGroupRequestAssignment
            {
                MemberId = one.Member,
                Assignment = Encoding.UTF8.GetBytes(one.Assignment),
            }),
        ],
    };

    private static Task<HeartbeatResponse> Heartbeat(TestClient client, string group, JoinGroupResponse joined, string? memberId = null) =>
        client.Send(new HeartbeatRequest { GroupId = group, GenerationId = joined.GenerationId, MemberId = memberId ?? joined.MemberId });

    private async Task<(int, long, string?, ErrorCode)[]> FetchOffsets(string group, TestTopic topic, int version)
    {
        if (version < 8)
        {
            var old = await client.Send(
                new OffsetFetchRequest { GroupId = group, Topics = [new() { Name = topic.Name, PartitionIndexes = [0, 1] }] }, version);
            return
            [
                .. Assert.Single(old.Topics).Partitions.Select(
                    partition => (partition.PartitionIndex, partition.CommittedOffset, partition.Metadata, partition.ErrorCode)),
            ];
        }

        var response = await client.Send(
            new OffsetFetchRequest
            {
                Groups = [new() { GroupId = group, Topics = [new() { Name = topic.Name, TopicId = topic.Id, PartitionIndexes = [0, 1] }] }],
            },
            version);
        Assert.Equal(group, response.Groups[0].GroupId);
        return
        [
            .. Assert.Single(response.Groups[0].Topics).Partitions.Select(
                partition => (partition.PartitionIndex, partition.CommittedOffset, partition.Metadata, partition.ErrorCode)),
        ];
    }
}
