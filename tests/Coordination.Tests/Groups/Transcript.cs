using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups;

/// <summary>
/// Runs a story of one group: lines that begin with "> " happen, the lines under each say what must come of it. A client that is
/// named in a story remembers the member id, generation and instance id that it was given last, as real clients do.
/// </summary>
internal sealed class Transcript
{
    private readonly GroupWorld world = new();
    private readonly Dictionary<string, (string MemberId, int Generation, string? Instance)> clients = [];
    private readonly StringBuilder output = new();

    public static string Folder([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "transcripts"));

    /// <summary>The story with what really happens under each line.</summary>
    public static string Run(string story)
    {
        var transcript = new Transcript();
        foreach (var line in story.Split('\n'))
        {
            if (line.StartsWith("> ", StringComparison.Ordinal))
                transcript.Step(line);
            else if (line.Length == 0 || line[0] == '#')
                transcript.output.Append(line).Append('\n');
        }
        return transcript.output.ToString().TrimEnd('\n') + "\n";
    }

    private void Step(string line)
    {
        output.Append(line).Append('\n');
        var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var options = words.Where(word => word.Contains('=')).Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var client = words.Skip(1).FirstOrDefault(word => !word.Contains('=')) ?? "";
        var known = clients.GetValueOrDefault(client, ("", -1, null));
        var instance = options.GetValueOrDefault("instance", known.Item3!);
        var memberId = options.GetValueOrDefault("member", known.Item1);
        var generation = int.Parse(options.GetValueOrDefault("generation", $"{known.Item2}"));
        switch (words[0])
        {
            case "config":
                world.Config = world.Config with
                {
                    MaxSize = int.Parse(options.GetValueOrDefault("size", $"{int.MaxValue}")),
                    InitialRebalanceDelayMs = int.Parse(options.GetValueOrDefault("delay", "3000")),
                };
                break;
            case "join":
                clients[client] = (memberId, generation, instance);
                world.Join(
                    client, memberId, instance, ProtocolsOf(options.GetValueOrDefault("protocols", "range:t")),
                    short.Parse(options.GetValueOrDefault("v", "9")), Ms(options.GetValueOrDefault("session", "10s")),
                    Ms(options.GetValueOrDefault("rebalance", "60s")), options.GetValueOrDefault("type", "consumer"));
                break;
            case "sync":
                world.Sync(client, memberId, generation, instance, null, options.GetValueOrDefault("assign") is { } assign
                    ? assign.Split(',').Select(part => part.Split(':')).ToDictionary(
                        pair => clients[pair[0]].MemberId, pair => (ReadOnlyMemory<byte>)GroupWorld.Bytes(pair[1]))
                    : null);
                break;
            case "heartbeat":
                Say($"{client}: {world.Heartbeat(memberId, generation, instance)}");
                break;
            case "leave":
                foreach (var result in world.Leave(new LeaveGroupRequest.MemberIdentity { MemberId = memberId, GroupInstanceId = instance }))
                    Say($"{client}: {result.ErrorCode}");
                break;
            case "commit":
                Commit(client, memberId, generation, instance, options);
                break;
            case "wait":
                world.Advance(Ms(words[1]));
                break;
            case "forget":
                clients.Remove(client);
                break;
            case "failover":
                world.Failover();
                break;
            default:
                throw new InvalidOperationException($"no such step: {line}");
        }
        Report();
    }

    private void Commit(string client, string memberId, int generation, string? instance, Dictionary<string, string> options)
    {
        var request = new OffsetCommitRequest
        {
            GroupId = GroupWorld.GroupId,
            MemberId = memberId,
            GroupInstanceId = instance,
            GenerationIdOrMemberEpoch = generation,
            Topics = [new() { Name = "t", Partitions = [new() { PartitionIndex = 0, CommittedOffset = long.Parse(options["offset"]) }] }],
        };
        var response = world.Apply(OffsetCommits.Decide(
            world.State, request, short.Parse(options.GetValueOrDefault("v", "9")), new OneTopic(), world.Config, world.Now));
        Say($"{client}: {response.Topics[0].Partitions[0].ErrorCode}");
    }

    private void Report()
    {
        foreach (var (client, answer) in world.TakeAnswers())
            Say(answer is JoinGroupResponse join ? Describe(client, join) : Describe(client, (SyncGroupResponse)answer));
        foreach (var record in world.TakeRecords())
            Say("writes " + Describe(record));
        if (world.Group is { } group)
        {
            var waits = string.Join(',', world.Waiting);
            var pending = string.Join(',', group.PendingMembers.Keys);
            Say($"{group.State} generation={group.Generation} members={string.Join(',', group.Members.Keys)}"
                + (pending.Length > 0 ? $" pending={pending}" : "") + (waits.Length > 0 ? $" waiting={waits}" : ""));
        }
    }

    private string Describe(string client, JoinGroupResponse response)
    {
        if (response.ErrorCode is ErrorCode.None or ErrorCode.MemberIdRequired && clients.TryGetValue(client, out var known))
            clients[client] = known with { MemberId = response.MemberId, Generation = response.GenerationId };
        if (response.ErrorCode != ErrorCode.None)
            return $"{client}: {response.ErrorCode}" + (response.MemberId.Length > 0 ? $" member={response.MemberId}" : "");
        var members = string.Join(',', response.Members.Select(member =>
            $"{member.MemberId}{(member.GroupInstanceId is null ? "" : $"[{member.GroupInstanceId}]")}:{Text(member.Metadata)}"));
        return $"{client}: joined as {response.MemberId} generation={response.GenerationId} {response.ProtocolType}/{response.ProtocolName} leader={response.Leader}"
            + (members.Length > 0 ? $" members={members}" : "") + (response.SkipAssignment ? " skip-assignment" : "");
    }

    private static string Describe(string client, SyncGroupResponse response) => response.ErrorCode != ErrorCode.None
        ? $"{client}: {response.ErrorCode}"
        : $"{client}: assigned '{Text(response.Assignment)}'";

    private static string Describe(GroupRecord record) => (record.Key, record.Value) switch
    {
        (GroupMetadataKey, GroupMetadataValue value) =>
            $"group v{record.Version} generation={value.Generation} {value.ProtocolType}/{value.Protocol} leader={value.Leader} members="
            + string.Join(',', value.Members.Select(member => $"{member.MemberId}:{Text(member.Subscription)}:'{Text(member.Assignment)}'")),
        (OffsetCommitKey key, OffsetCommitValue value) => $"offset v{record.Version} {key.Topic}-{key.Partition}={value.Offset}",
        var (key, value) => $"{key.GetType().Name} {value?.GetType().Name ?? "tombstone"}",
    };

    private static ImmutableArray<MemberProtocol> ProtocolsOf(string text) =>
        [.. text.Split(',').Select(part => part.Split(':')).Select(pair => new MemberProtocol(pair[0], GroupWorld.Bytes(pair[1])))];

    private static int Ms(string text) =>
        text.EndsWith("ms") ? int.Parse(text[..^2]) : checked((int)(double.Parse(text[..^1], System.Globalization.CultureInfo.InvariantCulture) * 1_000));

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private void Say(string line) => output.Append(line).Append('\n');
}

/// <summary>A cluster with the topic t of four partitions.</summary>
internal sealed class OneTopic : IGroupTopics
{
    public static readonly Common.Uuid Id = new(7, 7_000);

    public int PartitionCount(string topic) => topic == "t" ? 4 : 0;

    public Common.Uuid TopicId(string topic) => topic == "t" ? Id : Common.Uuid.Zero;

    public string? TopicName(Common.Uuid topicId) => topicId == Id ? "t" : null;

    public IEnumerable<string> Names => ["t"];

    public object Stamp => typeof(OneTopic);
}
