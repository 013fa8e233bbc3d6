using System.Collections.Immutable;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>
/// The groups of one partition with everything around them taken away: decisions are applied at once and committed at once, time is
/// a number. It keeps a second state that sees nothing but the written records, through their bytes, and checks after every step
/// what must hold for all of them.
/// </summary>
internal sealed class GroupWorld
{
    public const string GroupId = "g";
    private readonly Dictionary<long, string> waiting = [];
    private readonly List<(string Client, object Answer)> answers = [];
    private readonly List<GroupRecord> written = [];
    private long lastCall;
    private long wakeAt = GroupTime.Never;
    private int generationSeen;

    public GroupConfig Config { get; set; } = new() { MinSessionTimeoutMs = 1 };

    public GroupTime Now { get; private set; } = new(1_000, 1_700_000_000_000);

    public GroupsState State { get; private set; } = GroupsState.Empty;

    /// <summary>What another coordinator would know.</summary>
    public GroupsState Durable { get; private set; } = GroupsState.Empty;

    public ClassicGroup? Group => (ClassicGroup?)State.Find(GroupId);

    /// <summary>Clients whose calls have no answer yet.</summary>
    public IEnumerable<string> Waiting => waiting.OrderBy(entry => entry.Key).Select(entry => entry.Value);

    public static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    /// <summary>What has been answered since this was asked last.</summary>
    public IReadOnlyList<(string Client, object Answer)> TakeAnswers() => Take(answers);

    /// <summary>What has been written since this was asked last.</summary>
    public IReadOnlyList<GroupRecord> TakeRecords() => Take(written);

    public void Join(
        string client, string memberId, string? instance = null, ImmutableArray<MemberProtocol>? protocols = null, short version = 9,
        int sessionMs = 10_000, int rebalanceMs = 60_000, string protocolType = "consumer")
    {
        var call = Park(client);
        var join = new JoinCall(
            call, memberId, instance, new GroupClient(client, "/127.0.0.1"), rebalanceMs, sessionMs, protocolType,
            protocols ?? [new MemberProtocol("range", Bytes("t"))], $"{instance ?? client}-{call}", version >= 4, version >= 9);
        if (Group is not null || (memberId.Length == 0 && new ClassicGroup(GroupId).Supports(protocolType, join.Protocols)))
            Turn(turn => turn.Join(join));
        else
        {
            waiting.Remove(call);
            answers.Add((client, new JoinGroupResponse { ErrorCode = memberId.Length > 0 ? ErrorCode.UnknownMemberId : ErrorCode.InconsistentGroupProtocol }));
        }
    }

    public void Sync(
        string client, string memberId, int generation, string? instance = null, string? protocol = null,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? assignments = null)
    {
        if (Group is null)
            return;
        var call = Park(client);
        Turn(turn => turn.Sync(new SyncCall(
            call, memberId, instance, generation, null, protocol, assignments ?? new Dictionary<string, ReadOnlyMemory<byte>>())));
    }

    public ErrorCode Heartbeat(string memberId, int generation, string? instance = null) =>
        Group?.Heartbeat(memberId, instance, generation, Now.Ms) ?? ErrorCode.UnknownMemberId;

    public LeaveGroupResponse.MemberResponse[] Leave(params LeaveGroupRequest.MemberIdentity[] leaving)
    {
        LeaveGroupResponse.MemberResponse[] results = [];
        if (Group is not null)
            Turn(turn => results = turn.Leave(leaving));
        return results;
    }

    /// <summary>Lets time pass, and whatever is due on the way happen in its order.</summary>
    public void Advance(long ms)
    {
        var end = Now.Ms + ms;
        while (wakeAt <= end)
        {
            MoveClock(Math.Max(wakeAt, Now.Ms));
            wakeAt = GroupTime.Never;
            if (Group is null)
                continue;
            Turn(turn => turn.Tick());
            Assert.True(Group.NextDeadlineMs() > Now.Ms, "a deadline that has passed is still there");
        }
        MoveClock(end);
    }

    public TResponse Apply<TResponse>(Decision<TResponse, GroupEvent> decision)
    {
        foreach (var step in decision.Records)
        {
            State = State.Apply(step);
            if (step is not GroupRecord record)
                continue;
            written.Add(record);
            Durable = Durable.Apply(ThroughBytes(record));
        }
        CheckInvariants();
        return decision.Response;
    }

    /// <summary>Another coordinator takes over: it knows what was written, and every call here is lost.</summary>
    public void Failover()
    {
        waiting.Clear();
        State = Durable;
        generationSeen = Group?.Generation ?? 0; // one that had not come to be is given again
        if (Group is { Members.IsEmpty: false })
            Turn(turn => turn.StartSessions());
    }

    public void Turn(Action<ClassicTurn> act)
    {
        var turn = new ClassicTurn(Group ?? new ClassicGroup(GroupId), Config, Now);
        if (Group is null)
            turn.Create();
        act(turn);
        var turned = Apply(turn.Decide(0));
        foreach (var reply in turned.Replies)
        {
            Assert.True(waiting.Remove(reply.Call, out var client), $"call {reply.Call} is answered twice, or never was");
            answers.Add((client, reply is JoinReply join ? join.Response : ((SyncReply)reply).Response));
        }
        wakeAt = Math.Min(wakeAt, turn.WakeAtMs);
        Assert.True(wakeAt <= Group!.NextDeadlineMs(), "a deadline was set that nobody will wake for");
    }

    private void CheckInvariants()
    {
        if (Group is not { } group)
        {
            generationSeen = 0;
            return;
        }
        Assert.True(group.Generation >= generationSeen, "the generation goes back");
        generationSeen = group.Generation;
        Assert.Equal(group.Members.Count(member => member.Value.IsAwaitingJoin), group.MembersAwaitingJoin);
        Assert.Equal(group.Members.Values.All(member => member.HasSynced), group.HasAllMembersSynced);
        Assert.All(group.Members.Values, member => Assert.True(!member.IsAwaitingJoin || !member.IsAwaitingSync));
        Assert.All(group.Instances, entry => Assert.Equal(entry.Key, group.Members[entry.Value].InstanceId));
        Assert.Equal(group.Instances.Count, group.Members.Values.Count(member => member.IsStatic));
        Assert.Equal(group.Members.IsEmpty, group.Leader is null);
        if (group.Leader is not null)
            Assert.True(group.Members.ContainsKey(group.Leader), "the leader is not a member");

        var calls = group.Members.Values.SelectMany(member => new[] { member.JoinCall, member.SyncCall }).Where(call => call != 0);
        Assert.Equal(calls.Count(), calls.Distinct().Count());
        switch (group.State)
        {
            case ClassicGroupState.Empty:
                Assert.Empty(group.Members);
                break;
            case ClassicGroupState.CompletingRebalance or ClassicGroupState.Stable:
                Assert.NotEmpty(group.Members);
                Assert.All(group.Members.Values, member => Assert.Contains(member.Protocols, protocol => protocol.Name == group.Protocol));
                break;
        }

        var stored = (ClassicGroup)Durable.Find(GroupId)!;
        Assert.True(stored.Generation <= group.Generation);
        if (group.State is ClassicGroupState.Stable or ClassicGroupState.Empty)
            AssertSameDurablePart(group, stored);
    }

    private static void AssertSameDurablePart(ClassicGroup live, ClassicGroup stored)
    {
        Assert.Equal(
            (live.State, live.Generation, live.ProtocolType, live.Protocol, live.Leader, live.StateTimestampMs),
            (stored.State, stored.Generation, stored.ProtocolType, stored.Protocol, stored.Leader, stored.StateTimestampMs));
        Assert.Equal(live.Members.Keys, stored.Members.Keys);
        foreach (var (id, member) in live.Members)
        {
            var other = stored.Members[id];
            Assert.Equal(
                (member.InstanceId, member.ClientId, member.ClientHost, member.RebalanceTimeoutMs, member.SessionTimeoutMs),
                (other.InstanceId, other.ClientId, other.ClientHost, other.RebalanceTimeoutMs, other.SessionTimeoutMs));
            Assert.Equal(member.MetadataOf(live.Protocol).ToArray(), other.MetadataOf(live.Protocol).ToArray());
            Assert.Equal(member.Assignment.ToArray(), other.Assignment.ToArray());
        }
    }

    private static GroupRecord ThroughBytes(GroupRecord record)
    {
        var key = GroupRecords.ReadKey(GroupRecords.WriteKey(record.Key))!;
        var value = record.Value is null ? null : GroupRecords.ReadValue(key.Type, GroupRecords.WriteValue(record.Value, record.Version));
        return record with { Key = key, Value = value };
    }

    private long Park(string client)
    {
        waiting.Add(++lastCall, client);
        return lastCall;
    }

    private void MoveClock(long ms) => Now = new GroupTime(ms, Now.UnixMs + ms - Now.Ms);

    private static List<T> Take<T>(List<T> list)
    {
        var taken = list.ToList();
        list.Clear();
        return taken;
    }
}
