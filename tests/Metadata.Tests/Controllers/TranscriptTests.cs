using System.Runtime.CompilerServices;
using System.Text;
using Milena.Metadata.Images;
using Milena.Metadata.Tests.Images;
using Milena.Protocol;
using Milena.Protocol.Messages;

namespace Milena.Metadata.Tests.Controllers;

/// <summary>
/// Runs each script of <c>transcripts/</c>: a command a line, and under it, indented, the answer and the records. With the
/// environment variable MILENA_ACCEPT=1 the files are rewritten, so that a change of behaviour is read as a difference.
/// </summary>
public class TranscriptTests
{
    public static TheoryData<string> Scripts => [.. Directory.GetFiles(Folder(), "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).Order()];

    [Theory]
    [MemberData(nameof(Scripts))]
    public void What_happens_is_what_the_transcript_says(string name)
    {
        var path = Path.Combine(Folder(), name + ".txt");
        var script = File.ReadAllLines(path);
        var cluster = new Cluster();
        var told = new StringBuilder();
        foreach (var line in script.Where(line => !line.StartsWith("  ", StringComparison.Ordinal)))
        {
            told.Append(line).Append('\n');
            if (line.Length == 0 || line[0] == '#')
                continue;
            told.Append("  -> ").Append(Run(cluster, line.Split(' '))).Append('\n');
            foreach (var record in cluster.Records)
                told.Append("  ").Append(Text(cluster, record)).Append('\n');
        }

        if (Environment.GetEnvironmentVariable("MILENA_ACCEPT") == "1")
            File.WriteAllText(path, told.ToString());
        Assert.Equal(string.Join('\n', script) + "\n", told.ToString());
    }

    private static string Run(Cluster cluster, string[] words)
    {
        var id = words.Length > 1 && int.TryParse(words[1], out var number) ? number : 0;
        string? Option(string name) => words.FirstOrDefault(word => word.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
        switch (words[0])
        {
            case "register":
                var registration = cluster.Register(
                    id, request => request.PreviousBrokerEpoch = long.Parse(Option("clean") ?? "-1"), int.Parse(Option("process") ?? "1"));
                return $"{registration.ErrorCode.Name()} epoch={registration.BrokerEpoch}";
            case "heartbeat":
                var beat = cluster.Heartbeat(id, wantFence: words.Contains("fence"), wantShutDown: words.Contains("leave"));
                return $"{beat.ErrorCode.Name()} fenced={beat.IsFenced} leave={beat.ShouldShutDown}";
            case "wait":
                cluster.NowMs += id;
                var fenced = cluster.Do(cluster.Controller.FenceStaleBroker(cluster.Image, cluster.Context));
                return fenced is null ? "nobody is fenced" : $"{fenced} is fenced";
            case "create":
                (string, string?)[] configs = [.. (Option("config") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => (pair.Split(':')[0], (string?)pair.Split(':')[1]))];
                var created = cluster.CreateTopic(words[1], int.Parse(Option("partitions") ?? "-1"), int.Parse(Option("replicas") ?? "-1"), configs);
                return $"{created.ErrorCode.Name()} partitions={created.NumPartitions} replicas={created.ReplicationFactor} {created.ErrorMessage}".TrimEnd();
            case "grow":
                var grow = new CreatePartitionsRequest { Topics = [new() { Name = words[1], Count = int.Parse(words[2]), Assignments = null }] };
                var grown = cluster.Do(cluster.Controller.CreatePartitions(cluster.Image, grow, cluster.Context)).Results[0];
                return $"{grown.ErrorCode.Name()} {grown.ErrorMessage}".TrimEnd();
            case "set":
                var set = new IncrementalAlterConfigsRequest
                {
                    Resources = [new() { ResourceType = 2, ResourceName = words[1], Configs = [new() { Name = words[2].Split('=')[0], Value = words[2].Split('=')[1] }] }],
                };
                var altered = cluster.Do(cluster.Controller.IncrementalAlterConfigs(cluster.Image, set, cluster.Context)).Responses[0];
                return $"{altered.ErrorCode.Name()} {altered.ErrorMessage}".TrimEnd();
            case "delete":
                var delete = new DeleteTopicsRequest { Topics = [new() { Name = words[1] }] };
                var deleted = cluster.Do(cluster.Controller.DeleteTopics(cluster.Image, delete, cluster.Context)).Responses[0];
                return $"{deleted.ErrorCode.Name()} {deleted.ErrorMessage}".TrimEnd();
            default:
                throw new FormatException($"no command {words[0]}");
        }
    }

    private static string Text(Cluster cluster, IMetadataRecord record) => record switch
    {
        RegisterBrokerRecord broker => $"RegisterBroker({broker.BrokerId}, epoch={broker.BrokerEpoch}, fenced={broker.Fenced})",
        BrokerRegistrationChangeRecord change => $"BrokerRegistrationChange({change.BrokerId}, fenced={change.Fenced}, leaving={change.InControlledShutdown})",
        TopicRecord topic => $"Topic({topic.Name})",
        ConfigRecord config => $"Config({config.ResourceName}, {config.Name}={config.Value ?? "null"})",
        PartitionRecord partition => $"Partition({partition.PartitionId}, replicas={Join(partition.Replicas)}, isr={Join(partition.Isr)}, leader={partition.Leader})",
        PartitionChangeRecord change => $"PartitionChange({Name(cluster, change)}-{change.PartitionId}{Part("isr", change.Isr)}"
            + $"{(change.Leader == PartitionImage.LeaderUnchanged ? "" : $", leader={change.Leader}")}{Part("elr", change.EligibleLeaderReplicas)}"
            + $"{Part("last", change.LastKnownElr)}{(change.LeaderRecoveryState < 0 ? "" : $", {(LeaderRecoveryState)change.LeaderRecoveryState}")})",
        RemoveTopicRecord => "RemoveTopic",
        ClearElrRecord cleared => $"ClearElr({cleared.TopicName})",
        _ => record.GetType().Name,
    };

    private static string Name(Cluster cluster, PartitionChangeRecord change) => cluster.Image.Topics.ById[change.TopicId].Name;

    private static string Part(string name, int[]? ids) => ids is null ? "" : $", {name}={Join(ids)}";

    private static string Join(int[] ids) => $"[{string.Join(' ', ids)}]";

    private static string Folder([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "transcripts"));
}
