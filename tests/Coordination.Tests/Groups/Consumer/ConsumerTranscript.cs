using System.Runtime.CompilerServices;
using System.Text;
using Milena.Common;
using Milena.Coordination.Groups;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Coordination.Tests.Groups.Consumer;

/// <summary>
/// Runs a story of one consumer group: lines that begin with "> " happen, the lines under each say what must come of it. A client that
/// is named in a story remembers the member id, epoch and instance id that it was given last, as real clients do; of the consumer
/// protocol it is if its first step was a <c>beat</c>, of the classic one if it was a <c>join</c>.
/// </summary>
internal sealed class ConsumerTranscript
{
    private readonly ConsumerWorld world = new();
    private readonly Dictionary<string, (string MemberId, int Epoch, string? Instance)> clients = [];
    private readonly StringBuilder output = new();

    public static string Folder([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "..", "transcripts", "consumer"));

    /// <summary>The story with what really happens under each line.</summary>
    public static string Run(string story)
    {
        var transcript = new ConsumerTranscript();
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
        var (knownId, knownEpoch, knownInstance) = clients.GetValueOrDefault(client, ("", 0, null));
        var instance = options.GetValueOrDefault("instance", knownInstance!);
        var memberId = options.GetValueOrDefault("member", knownId);
        var epoch = int.Parse(options.GetValueOrDefault("epoch", $"{knownEpoch}"));
        switch (words[0])
        {
            case "topics":
                foreach (var (topic, count) in options)
                    world.Topics.Set(topic, int.Parse(count));
                break;
            case "config":
                world.Config = world.Config with
                {
                    ConsumerMaxSize = int.Parse(options.GetValueOrDefault("size", $"{int.MaxValue}")),
                    MigrationPolicy = Enum.Parse<MigrationPolicy>(options.GetValueOrDefault("migration", "bidirectional"), ignoreCase: true),
                };
                break;
            case "beat":
                Beat(client, options.GetValueOrDefault("member", knownId.Length > 0 ? knownId : client), epoch, instance, options);
                break;
            case "leave" or "away" when !clients.ContainsKey(client) || clients[client].MemberId == client:
                Say(client, world.Beat(memberId, words[0] == "away" ? -2 : -1, instance: instance));
                if (words[0] == "away")
                    clients[client] = (memberId, 0, instance);
                break;
            case "leave":
                Say($"{client}: {world.Leave(memberId, instance)}");
                break;
            case "join":
                clients[client] = (memberId, knownEpoch, instance);
                world.Join(
                    client, memberId, Subscription(options.GetValueOrDefault("topics", "t"), options.GetValueOrDefault("owned", "-")), instance,
                    short.Parse(options.GetValueOrDefault("v", "9")), protocol: options.GetValueOrDefault("protocol", "range"),
                    protocolType: options.GetValueOrDefault("type", "consumer"));
                break;
            case "sync":
                world.Sync(client, memberId, epoch, instance, options.GetValueOrDefault("protocol"), options.GetValueOrDefault("assign") is { } assign
                    ? assign.Split('/').Select(part => part.Split(':')).ToDictionary(
                        pair => clients[pair[0]].MemberId,
                        pair => (ReadOnlyMemory<byte>)EmbeddedProtocol.WriteAssignment(Set(pair[1]), Subscription("t", "-"), world.Topics))
                    : null);
                break;
            case "heartbeat":
                Say($"{client}: {world.Heartbeat(memberId, epoch, instance)}");
                break;
            case "commit":
                var commit = words[2].Split('-', '@');
                Say($"{client}: {world.Commit(memberId, epoch, commit[0], int.Parse(commit[1]), long.Parse(commit[2]), short.Parse(options.GetValueOrDefault("v", "9")))}");
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

    private void Beat(string client, string memberId, int epoch, string? instance, Dictionary<string, string> options)
    {
        var isJoin = epoch == 0;
        var topics = options.GetValueOrDefault("topics", isJoin && !options.ContainsKey("regex") ? "t" : null!);
        var response = world.Beat(
            memberId, epoch, topics?.Split(','), isJoin ? PartitionSet.Empty : options.GetValueOrDefault("owned") is { } owned ? Set(owned) : null,
            instance, options.GetValueOrDefault("regex"), options.GetValueOrDefault("assignor"),
            options.GetValueOrDefault("rebalance") is { } time ? Ms(time) : isJoin ? 60_000 : -1);
        // An answer that is lost is one that its client does not know of.
        if (options.ContainsKey("lost"))
            clients[client] = (memberId, epoch, instance);
        else if (response.ErrorCode == ErrorCode.None)
            clients[client] = (memberId, response.MemberEpoch, instance);
        Say(client, response);
    }

    private void Report()
    {
        foreach (var (client, answer) in world.TakeAnswers())
            Say(answer is JoinGroupResponse join ? Describe(client, join) : Describe(client, (SyncGroupResponse)answer));
        foreach (var record in world.TakeRecords())
            Say("writes " + Describe(record));
        switch (world.Group)
        {
            case ConsumerGroup group:
                Say($"{group.StateName} epoch={group.Generation} target={group.TargetEpoch}{string.Concat(group.Members.Values.Select(Describe))}");
                break;
            case ClassicGroup group:
                Say($"classic {group.State} generation={group.Generation} members={string.Join(',', group.Members.Keys)}");
                break;
        }
    }

    private void Say(string client, ConsumerGroupHeartbeatResponse response) => Say(response.ErrorCode != ErrorCode.None
        ? $"{client}: {response.ErrorCode}"
        : $"{client}: epoch={response.MemberEpoch}" + (response.Assignment is { } assignment
            ? $" assigned={Text(PartitionSet.Of(assignment.TopicPartitions.SelectMany(topic => topic.Partitions.Select(p => new TopicIdPartition(topic.TopicId, p)))))}"
            : ""));

    private string Describe(ConsumerMember member) =>
        $" | {member.Id}@{member.Epoch} {Text(member.Assigned)}"
        + (member.PendingRevocation.IsEmpty ? "" : $" revoking={Text(member.PendingRevocation)}")
        + (member.State == ConsumerMemberState.UnreleasedPartitions ? " waiting" : "")
        + (member.UsesClassicProtocol ? " (classic)" : "");

    private string Describe(string client, JoinGroupResponse response)
    {
        if (response.ErrorCode is ErrorCode.None or ErrorCode.MemberIdRequired && clients.TryGetValue(client, out var known))
            clients[client] = known with { MemberId = response.MemberId, Epoch = response.GenerationId };
        return response.ErrorCode != ErrorCode.None
            ? $"{client}: {response.ErrorCode}" + (response.MemberId.Length > 0 ? $" member={response.MemberId}" : "")
            : $"{client}: joined as {response.MemberId} generation={response.GenerationId} {response.ProtocolType}/{response.ProtocolName} leader={response.Leader}";
    }

    private string Describe(string client, SyncGroupResponse response) => response.ErrorCode != ErrorCode.None
        ? $"{client}: {response.ErrorCode}"
        : $"{client}: assigned {Text(EmbeddedProtocol.ReadAssignment(response.Assignment, world.Topics)!)}";

    private string Describe(GroupRecord record) => (record.Key, record.Value) switch
    {
        (ConsumerGroupMetadataKey, ConsumerGroupMetadataValue value) => $"epoch {value.Epoch}",
        (ConsumerGroupMemberMetadataKey key, ConsumerGroupMemberMetadataValue value) =>
            $"member {key.MemberId} topics={string.Join(',', value.SubscribedTopicNames)}"
            + (value.SubscribedTopicRegex is { Length: > 0 } regex ? $" regex={regex}" : "")
            + (value.InstanceId is { } instance ? $" instance={instance}" : "")
            + (value.ServerAssignor is { } assignor ? $" assignor={assignor}" : "")
            + (value.ClassicMemberMetadata is null ? "" : " classic"),
        (ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue value) => $"target epoch {value.AssignmentEpoch}",
        (ConsumerGroupTargetAssignmentMemberKey key, ConsumerGroupTargetAssignmentMemberValue value) =>
            $"target {key.MemberId} {Text(PartitionSet.Of(value.TopicPartitions.SelectMany(topic => topic.Partitions.Select(p => new TopicIdPartition(topic.TopicId, p)))))}",
        (ConsumerGroupCurrentMemberAssignmentKey key, ConsumerGroupCurrentMemberAssignmentValue value) =>
            $"current {key.MemberId} epoch={value.MemberEpoch} previous={value.PreviousMemberEpoch} {(ConsumerMemberState)value.State} {Text(Set(value.AssignedPartitions))}"
            + (value.PartitionsPendingRevocation.Length > 0 ? $" revoking={Text(Set(value.PartitionsPendingRevocation))}" : ""),
        (ConsumerGroupRegularExpressionKey key, ConsumerGroupRegularExpressionValue value) =>
            $"regex {key.RegularExpression} = {string.Join(',', value.Topics)}",
        (ConsumerGroupMemberMetadataKey key, null) => $"no member {key.MemberId}",
        (ConsumerGroupTargetAssignmentMemberKey key, null) => $"no target {key.MemberId}",
        (ConsumerGroupCurrentMemberAssignmentKey key, null) => $"no current {key.MemberId}",
        (ConsumerGroupRegularExpressionKey key, null) => $"no regex {key.RegularExpression}",
        (ConsumerGroupTargetAssignmentMetadataKey, null) => "no target epoch",
        (ConsumerGroupMetadataKey, null) => "no epoch",
        (GroupMetadataKey, GroupMetadataValue value) => $"classic group generation={value.Generation} members="
            + string.Join(',', value.Members.Select(member => $"{member.MemberId}:{Text(EmbeddedProtocol.ReadAssignment(member.Assignment, world.Topics)!)}")),
        (GroupMetadataKey, null) => "no classic group",
        (OffsetCommitKey key, OffsetCommitValue value) => $"offset {key.Topic}-{key.Partition}={value.Offset}",
        var (key, value) => $"{key.GetType().Name} {value?.GetType().Name ?? "tombstone"}",
    };

    private byte[] Subscription(string topics, string owned) => VersionedData.Write(
        new ConsumerProtocolSubscription
        {
            Topics = topics.Split(','),
            OwnedPartitions = [.. Set(owned).GroupBy(partition => world.Topics.TopicName(partition.TopicId)!).Select(topic =>
                new ConsumerProtocolSubscription.TopicPartition { Topic = topic.Key, Partitions = [.. topic.Select(p => p.Partition)] })],
        },
        1);

    private PartitionSet Set(string text) => text == "-" ? PartitionSet.Empty : PartitionSet.Of(text.Split(',')
        .Select(part => part.Split('-')).Select(pair => new TopicIdPartition(world.Topics.TopicId(pair[0]), int.Parse(pair[1]))));

    private static PartitionSet Set(ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions[] topics) =>
        PartitionSet.Of(topics.SelectMany(topic => topic.Partitions.Select(p => new TopicIdPartition(topic.TopicId, p))));

    private string Text(PartitionSet partitions) => partitions.IsEmpty ? "-" : string.Join(',', partitions
        .Select(partition => $"{world.Topics.TopicName(partition.TopicId) ?? "gone"}-{partition.Partition}"));

    private static int Ms(string text) =>
        checked((int)(double.Parse(text[..^1], System.Globalization.CultureInfo.InvariantCulture) * 1_000));

    private void Say(string line) => output.Append(line).Append('\n');
}

public class ConsumerTranscriptTests
{
    public static TheoryData<string> Stories => [.. Directory.GetFiles(ConsumerTranscript.Folder(), "*.txt").Select(path => Path.GetFileName(path)).Order()];

    /// <summary>With MILENA_ACCEPT=1 the files are rewritten with what happens now; read the difference before keeping it.</summary>
    [Theory]
    [MemberData(nameof(Stories))]
    public void A_story_of_a_consumer_group_goes_as_it_is_told(string file)
    {
        var path = Path.Combine(ConsumerTranscript.Folder(), file);
        var story = File.ReadAllText(path);

        var told = ConsumerTranscript.Run(story);

        if (Environment.GetEnvironmentVariable("MILENA_ACCEPT") == "1")
            File.WriteAllText(path, told);
        else
            Assert.Equal(story, told);
    }
}
