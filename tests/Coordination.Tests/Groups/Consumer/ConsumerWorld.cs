using System.Collections.Immutable;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>The cluster's topics, in the test's hand.</summary>
internal sealed class FakeTopics : IGroupTopics
{
    private readonly SortedDictionary<string, (Uuid Id, int Partitions)> topics = new(StringComparer.Ordinal);
    private ulong lastId;

    public IEnumerable<string> Names => topics.Keys;

    public object Stamp { get; private set; } = new();

    /// <summary>Creates a topic, gives it more partitions, or deletes it (0). A topic that is created again has another id.</summary>
    public void Set(string name, int partitions)
    {
        if (partitions == 0)
            topics.Remove(name);
        else
            topics[name] = (topics.TryGetValue(name, out var known) ? known.Id : new Uuid(7, ++lastId), partitions);
        Stamp = new object();
    }

    public int PartitionCount(string topic) => topics.TryGetValue(topic, out var found) ? found.Partitions : 0;

    public Uuid TopicId(string topic) => topics.TryGetValue(topic, out var found) ? found.Id : Uuid.Zero;

    public string? TopicName(Uuid topicId) => topics.FirstOrDefault(topic => topic.Value.Id == topicId).Key;
}

/// <summary>
/// A group that members of both protocols may be in, with everything around it taken away: decisions are applied at once and
/// committed at once, time is a number. It keeps a second state that sees nothing but the written records, through their bytes, and
/// checks after every step what must hold for all of them.
/// </summary>
internal sealed class ConsumerWorld
{
    public const string GroupId = "g";
    private readonly Dictionary<long, string> waiting = [];
    private readonly List<(string Client, object Answer)> answers = [];
    private readonly List<GroupRecord> written = [];
    private long lastCall;
    private long wakeAt = GroupTime.Never;
    private int generationSeen;

    public FakeTopics Topics { get; } = new();

    public GroupConfig Config { get; set; } = new() { MinSessionTimeoutMs = 1, InitialRebalanceDelayMs = 0 };

    public GroupTime Now { get; private set; } = new(1_000, 1_700_000_000_000);

    public GroupsState State { get; private set; } = GroupsState.Empty;

    /// <summary>What another coordinator would know.</summary>
    public GroupsState Durable { get; private set; } = GroupsState.Empty;

    public Group? Group => State.Find(GroupId);

    public ConsumerGroup Consumers => (ConsumerGroup)Group!;

    /// <summary>Clients whose calls have no answer yet.</summary>
    public IEnumerable<string> Waiting => waiting.OrderBy(entry => entry.Key).Select(entry => entry.Value);

    private ConsumerParts Parts => new(Config, Topics, ConsumerAssignors.Of(Config.ConsumerAssignors));

    /// <summary>How often each kind of thing has come to pass.</summary>
    public SortedDictionary<string, int> Seen { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<(string Client, object Answer)> TakeAnswers() => Take(answers);

    public IReadOnlyList<GroupRecord> TakeRecords() => Take(written);

    /// <summary>A heartbeat of the consumer protocol; the defaults are those of one that says nothing new.</summary>
    /// <param name="isRefused">The log takes no records: nothing comes of it.</param>
    public ConsumerGroupHeartbeatResponse Beat(
        string memberId, int epoch, string[]? topics = null, PartitionSet? owned = null, string? instance = null, string? regex = null,
        string? assignor = null, int rebalanceMs = -1, string? rack = null, bool isRefused = false) => Turn(
        scene => scene.Heartbeat(new ConsumerHeartbeat(
            memberId, epoch, instance, rack, new GroupClient(memberId, "/127.0.0.1"), rebalanceMs,
            topics is null ? null : EmbeddedProtocol.Sorted(topics), regex, assignor, owned)),
        isRefused);

    /// <summary>The first heartbeat of a member, which says everything.</summary>
    public ConsumerGroupHeartbeatResponse Enter(
        string memberId, string[]? topics = null, string? instance = null, string? regex = null, string? assignor = null, int rebalanceMs = 60_000) =>
        Beat(memberId, 0, topics ?? (regex is null ? ["t"] : null), PartitionSet.Empty, instance, regex, assignor, rebalanceMs);

    public void Join(
        string client, string memberId, ReadOnlyMemory<byte> subscription, string? instance = null, short version = 9, int sessionMs = 10_000,
        int rebalanceMs = 60_000, string protocol = "range", string protocolType = "consumer")
    {
        var call = Park(client);
        var error = Turn(scene => scene.Join(new JoinCall(
            call, memberId, instance, new GroupClient(client, "/127.0.0.1"), rebalanceMs, sessionMs, protocolType,
            [new MemberProtocol(protocol, subscription)], $"{instance ?? client}-{call}", version >= 4, version >= 9)));
        if (error != ErrorCode.None && waiting.Remove(call))
            answers.Add((client, new JoinGroupResponse { ErrorCode = error }));
    }

    public void Sync(
        string client, string memberId, int generation, string? instance = null, string? protocol = null,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? assignments = null)
    {
        var call = Park(client);
        var error = Turn(scene => scene.Sync(new SyncCall(
            call, memberId, instance, generation, null, protocol, assignments ?? new Dictionary<string, ReadOnlyMemory<byte>>())));
        if (error != ErrorCode.None && waiting.Remove(call))
            answers.Add((client, new SyncGroupResponse { ErrorCode = error }));
    }

    public ErrorCode Heartbeat(string memberId, int generation, string? instance = null) => Turn(scene => scene.Group switch
    {
        ClassicGroup group => group.Heartbeat(memberId, instance, generation, Now.Ms),
        ConsumerGroup group => scene.Begin(group).Heartbeat(memberId, instance, generation),
        _ => ErrorCode.UnknownMemberId,
    });

    public ErrorCode Leave(string memberId, string? instance = null) =>
        Turn(scene => scene.Leave([new LeaveGroupRequest.MemberIdentity { MemberId = memberId, GroupInstanceId = instance }]))[0].ErrorCode;

    public ErrorCode Commit(string memberId, int epoch, string topic, int partition, long offset, short version = 9) =>
        Apply(OffsetCommits.Decide(
            State,
            new OffsetCommitRequest
            {
                GroupId = GroupId,
                MemberId = memberId,
                GenerationIdOrMemberEpoch = epoch,
                Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = partition, CommittedOffset = offset }] }],
            },
            version, Topics, Config, Now)).Topics[0].Partitions[0].ErrorCode;

    /// <summary>Lets time pass, and whatever is due on the way happen in its order.</summary>
    public void Advance(long ms)
    {
        var end = Now.Ms + ms;
        while (wakeAt <= end)
        {
            MoveClock(Math.Max(wakeAt, Now.Ms));
            wakeAt = GroupTime.Never;
            Turn(scene =>
            {
                if (scene.Group is ClassicGroup classic)
                    scene.Begin(classic).Tick();
                else if (scene.Group is ConsumerGroup consumer)
                    scene.Begin(consumer).Tick();
                return 0;
            });
            Assert.True(NextDeadlineMs > Now.Ms, "a deadline that has passed is still there");
        }
        MoveClock(end);
    }

    public TResponse Apply<TResponse>(Decision<TResponse, GroupEvent> decision)
    {
        var before = Group;
        foreach (var step in decision.Records)
        {
            State = State.Apply(step);
            if (step is not GroupRecord record)
                continue;
            written.Add(record);
            Durable = Durable.Apply(ThroughBytes(record));
        }
        CheckInvariants();
        See((before, Group) switch
        {
            (ClassicGroup { Members.IsEmpty: false }, ConsumerGroup) => "upgrade",
            (ConsumerGroup { IsEmpty: false }, ClassicGroup) => "downgrade",
            ({ MemberCount: 0 }, _) when before.GetType() != Group?.GetType() => "conversion",
            _ => Group?.StateName ?? "none",
        });
        return decision.Response;
    }

    /// <summary>Another coordinator takes over: it knows what was written, and every call here is lost.</summary>
    public void Failover()
    {
        waiting.Clear();
        State = Durable;
        generationSeen = GenerationToExceed; // one that had not come to be is given again
        Turn(scene =>
        {
            if (scene.Group is ClassicGroup { Members.IsEmpty: false } classic)
                scene.Begin(classic).StartSessions();
            else if (scene.Group is ConsumerGroup consumer)
                scene.Begin(consumer).StartSessions();
            return 0;
        });
    }

    public TResponse Turn<TResponse>(Func<GroupScene, TResponse> act, bool isRefused = false)
    {
        var scene = new GroupScene(GroupId, Group, Parts, Now);
        var response = act(scene);
        if (scene.Turn is not { } turn)
            return response;
        var decision = turn.Decide(response);
        if (isRefused)
            return response;
        var turned = Apply(decision);
        foreach (var reply in turned.Replies)
        {
            Assert.True(waiting.Remove(reply.Call, out var client), $"call {reply.Call} is answered twice, or never was");
            answers.Add((client, reply is JoinReply join ? join.Response : ((SyncReply)reply).Response));
        }
        wakeAt = Math.Min(wakeAt, turn.WakeAtMs);
        Assert.True(wakeAt <= NextDeadlineMs, "a deadline was set that nobody will wake for");
        return turned.Response;
    }

    /// <summary>The same records once more, in the order that compaction leaves: the last of each key, where it stands.</summary>
    public static GroupsState Compacted(IReadOnlyList<GroupRecord> records)
    {
        var last = new Dictionary<string, GroupRecord>();
        foreach (var record in records)
            last[Convert.ToHexString(GroupRecords.WriteKey(record.Key))] = record;
        var kept = last.Values.ToHashSet(ReferenceEqualityComparer.Instance);
        return records.Where(kept.Contains).Aggregate(GroupsState.Empty, (state, record) => state.Apply(record));
    }

    public static void AssertSameDurablePart(ConsumerGroup live, ConsumerGroup stored)
    {
        Assert.Equal((live.Generation, live.MetadataHash, live.TargetEpoch), (stored.Generation, stored.MetadataHash, stored.TargetEpoch));
        Assert.Equal(live.Members.Keys, stored.Members.Keys);
        Assert.All(live.Members, entry => Assert.True(
            entry.Value.HasSameDescription(stored.Members[entry.Key]) && entry.Value.HasSamePosition(stored.Members[entry.Key]),
            $"member {entry.Key} is not the same after replay"));
        Assert.Equal(live.Instances, stored.Instances);
        Assert.Equal(live.Targets, stored.Targets);
        Assert.Equal(live.Owners.OrderBy(owner => owner.Key.ToString()), stored.Owners.OrderBy(owner => owner.Key.ToString()));
        Assert.Equal(live.Regexes.Keys, stored.Regexes.Keys);
        Assert.All(live.Regexes, entry => Assert.Equal(entry.Value.Topics, stored.Regexes[entry.Key].Topics));
    }

    public void See(string what) => Seen[what] = Seen.GetValueOrDefault(what) + 1;

    // A group that nobody is in makes room for one of the other kind, which begins anew.
    private int GenerationToExceed => Group is null or { MemberCount: 0 } ? 0 : Group.Generation;

    private long NextDeadlineMs => Group switch
    {
        ClassicGroup group => group.NextDeadlineMs(),
        ConsumerGroup group => group.NextDeadlineMs(),
        _ => GroupTime.Never,
    };

    private void CheckInvariants()
    {
        var lastSeen = generationSeen;
        generationSeen = GenerationToExceed;
        if (Group is not ConsumerGroup group)
            return;
        Assert.True(group.Generation >= lastSeen, "the group's epoch goes back");
        Assert.True(group.TargetEpoch <= group.Generation, "the target is ahead of the group");
        Assert.All(group.Members.Values, member => Assert.True(member.Epoch <= group.TargetEpoch, $"{member.Id} is ahead of the target"));

        var owned = group.Members.Values.SelectMany(member => member.Assigned.Concat(member.PendingRevocation).Select(partition => (partition, member.Id))).ToArray();
        Assert.True(owned.Length == owned.DistinctBy(pair => pair.partition).Count(), "a partition has two owners");
        Assert.Equal(owned.Length, group.Owners.Count);
        Assert.All(owned, pair => Assert.Equal(pair.Id, group.Owners[pair.partition]));
        Assert.All(group.Members.Values, member => Assert.True(member.Assigned.IsSubsetOf(PartitionSet.Of(member.AssignedAt.Keys))));
        Assert.Equal(group.Members.Values.Count(member => member.InstanceId is not null), group.Instances.Count);
        Assert.All(group.Instances, entry => Assert.Equal(entry.Key, group.Members[entry.Value].InstanceId));
        Assert.All(group.Targets.Keys, member => Assert.True(group.Members.ContainsKey(member), "a target without a member"));
        Assert.All(group.Regexes.Keys, regex => Assert.Contains(group.Members.Values, member => member.TopicRegex == regex));
        AssertSameDurablePart(group, (ConsumerGroup)Durable.Find(GroupId)!);
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
