using System.Runtime.CompilerServices;
using System.Text;
using Milena.Common;
using Milena.Coordination.Transactions;
using Milena.Protocol;

namespace Milena.Coordination.Tests.Transactions;

/// <summary>
/// Runs a story of transactions: lines that begin with "> " happen, the lines under each say what must come of it. A producer that is
/// named in a story remembers the id and epoch that it was given last, as real clients do. The last line of each step is where
/// every transactional id stands.
/// </summary>
internal sealed class TransactionTranscript
{
    private readonly TransactionWorld world = new();
    private readonly Dictionary<string, (string Id, short Version, long ProducerId, short Epoch)> producers = [];
    private readonly StringBuilder output = new();

    public static string Folder([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", "transcripts", "transactions"));

    /// <summary>The story with what really happens under each line.</summary>
    public static string Run(string story)
    {
        var transcript = new TransactionTranscript();
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
        string[] names = [.. words.Skip(1).Where(word => !word.Contains('='))];
        switch (words[0])
        {
            case "level":
                world.Version = short.Parse(names[0]);
                break;
            case "near-the-end": // the producer's epochs are nearly used up
                world.Seed(world.State.Find(names[0])! with { Epoch = short.Parse(options["epoch"]) });
                break;
            case "init":
                Init(names[0], options);
                break;
            case "init-again": // as the one that it is
                var (id, _, producerId, epoch) = producers[names[0]];
                Hear(names[0], world.Init(id, producerId, epoch), options);
                break;
            case "add":
                Say($"{names[0]}: {Add(names[0], names[1..])}");
                break;
            case "send":
                Send(names[0], names[1], names[2]);
                break;
            case "commit" or "abort":
                var producer = producers[names[0]];
                Hear(names[0], world.End(producer.Id, producer.ProducerId, producer.Epoch, words[0] == "commit", producer.Version), options);
                break;
            case "mark":
                Assert.True(world.Mark(names[0], names.Length > 1 ? Partition(names[1]) : null));
                break;
            case "mark-all":
                world.MarkAll();
                break;
            case "wait":
                foreach (var aborted in world.Advance(long.Parse(names[0].TrimEnd('s')) * 1_000))
                    Say($"{aborted} has taken too long");
                break;
            case "expire":
                Say($"{world.Expire(long.Parse(names[0].TrimEnd('s')) * 1_000)} gone");
                break;
            case "failover":
                world.Failover();
                break;
            case "read":
                foreach (var record in world.Partitions.Records)
                    Say($"{record.Partition}: {record.Text} {record.Outcome switch { true => "committed", false => "aborted", null => "open" }}");
                break;
            default:
                throw new ArgumentException(line);
        }

        foreach (var record in world.TakeRecords())
            Say($"writes {record.TransactionalId} {(record.Transaction is { } written ? Show(written) : "tombstone")}");
        if (!world.State.Transactions.IsEmpty)
            Say(string.Join("; ", world.State.Transactions.Values.Select(known => $"{known.Id} {known.Status}")));
    }

    private void Init(string name, Dictionary<string, string> options)
    {
        var id = options.GetValueOrDefault("id", "x");
        producers.TryAdd(name, (id, short.Parse(options.GetValueOrDefault("v", "2")), -1, -1));
        Hear(name, world.Init(id), options);
    }

    private void Hear(string name, ProducerIdentity answer, Dictionary<string, string> options)
    {
        if (options.ContainsKey("answer"))
        {
            Say($"{name}: hears nothing");
            return;
        }
        var producer = producers[name];
        Say($"{name}: {(answer.Error == ErrorCode.None ? $"{answer.ProducerId}/{answer.Epoch}" : $"{answer.Error}")}");
        if (answer.Error == ErrorCode.None)
            producers[name] = producer with { ProducerId = answer.ProducerId, Epoch = answer.Epoch };
    }

    private ErrorCode Add(string name, string[] partitions)
    {
        var (id, version, producerId, epoch) = producers[name];
        return world.Add(id, producerId, epoch, version, [.. partitions.Select(Partition)]);
    }

    // As the leader of the partition does: it has it added, or sees whether it was (KIP-890).
    private void Send(string name, string partition, string text)
    {
        var (id, version, producerId, epoch) = producers[name];
        var error = version >= Transaction.EpochBumpVersion ? Add(name, [partition]) : world.Verify(id, producerId, epoch, Partition(partition));
        if (error == ErrorCode.None)
            error = world.Partitions.Append(Partition(partition), producerId, epoch, text);
        Say($"{name}: {error}");
    }

    private static string Show(Transaction known) => string.Join(' ', new[]
    {
        $"{known.Status} {known.ProducerId}/{known.Epoch}",
        known.NextProducerId >= 0 ? $"next={known.NextProducerId}" : "",
        known.PreviousProducerId >= 0 ? $"previous={known.PreviousProducerId}" : "",
        string.Join(',', known.Partitions),
    }.Where(part => part.Length > 0));

    private static TopicPartition Partition(string text) =>
        new(text[..text.LastIndexOf('-')], int.Parse(text[(text.LastIndexOf('-') + 1)..]));

    private void Say(string text) => output.Append(text).Append('\n');
}
