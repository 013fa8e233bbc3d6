using System.Text;
using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>kcat: librdkafka at the command line, as its users call it.</summary>
internal sealed class KcatClient : KafkaClient
{
    private const string Program = "/usr/bin/kcat";

    public override string Name => "kcat";

    /// <summary>More options, as in <c>-X name=value</c>.</summary>
    public IReadOnlyList<string> Properties { get; init; } = [];

    public override async Task Produce(
        string bootstrap, IReadOnlyList<Record> records, IReadOnlyList<(string Topic, string Codec)> targets, bool isIdempotent = false)
    {
        Packages.MustBeThere(Program);
        var isKeyed = records[0].Key is not null;
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(file, records.Select(record => Line(record, isKeyed)));
            foreach (var (topic, codec) in targets)
            {
                var (exitCode, output, errors) = await ChildProcess.Run(Program,
                [
                    "-P", "-b", bootstrap, "-t", topic, "-z", codec, "-l", file, "-X", "acks=all", "-X", $"enable.idempotence={isIdempotent}",
                    .. isKeyed ? ["-K", "\t"] : Array.Empty<string>(),
                    .. Options,
                ]);
                Assert.True(exitCode == 0, $"kcat could not produce: exit code {exitCode}\n{output}\n{errors}");
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    public override Consumption Consume(string bootstrap, IReadOnlyList<string> topics, string? group = null, int? count = null)
    {
        Packages.MustBeThere(Program);
        string[] source = group is null ? ["-C", "-t", topics.Single(), "-o", "beginning"] : ["-G", group];
        return new Reading(
        [
            .. source, "-b", bootstrap, "-u", "-f", "%t\t%p\t%o\t%K\t%k\t%S\t%s\n", "-X", "auto.offset.reset=earliest",
            "-X", "session.timeout.ms=10000", "-X", "auto.commit.interval.ms=200", "-X", "heartbeat.interval.ms=500",
            .. count is null ? Array.Empty<string>() : ["-c", $"{count}"],
            .. Options,
            .. group is null ? Array.Empty<string>() : topics,
        ]);
    }

    // Without a group it reads one topic.
    public override async Task<IReadOnlyList<Consumed>> Read(
        string bootstrap, IReadOnlyList<string> topics, int countEach, string? group = null, TimeSpan? within = null)
    {
        if (group is not null)
            return await base.Read(bootstrap, topics, countEach, group, within);
        var records = new List<Consumed>();
        foreach (var topic in topics)
            records.AddRange(await base.Read(bootstrap, [topic], countEach, group, within));
        return records;
    }

    private IEnumerable<string> Options => Properties.SelectMany(property => new[] { "-X", property });

    private static string Line(Record record, bool isKeyed)
    {
        var value = Encoding.UTF8.GetString(record.Value!);
        return isKeyed ? $"{Encoding.UTF8.GetString(record.Key!)}\t{value}" : value;
    }

    /// <summary>Reads kcat's own lines: records on standard output, rebalances on standard error.</summary>
    private sealed class Reading(IEnumerable<string> arguments) : ProcessConsumption("kcat", Program, arguments)
    {
        protected override bool SaysEnd => false;

        protected override void AskToStop(ChildProcess process) => process.Terminate();

        protected override void OnOutput(string line)
        {
            var fields = line.Split('\t');
            Add(new Consumed(
                fields[0], int.Parse(fields[1]), long.Parse(fields[2]), Record.Of(Field(fields[3], fields[4]), Field(fields[5], fields[6]))));
        }

        // % Group g rebalanced (memberid …): assigned: t [0], t [1]
        protected override void OnError(string line)
        {
            if (!line.StartsWith("% Group ", StringComparison.Ordinal))
                return;
            var at = line.IndexOf("): assigned: ", StringComparison.Ordinal);
            Assign(at < 0 ? [] : line[(at + "): assigned: ".Length)..].Split(", ").Select(Partition));
        }

        private static string? Field(string length, string text) => length == "-1" ? null : text;

        private static (string Topic, int Partition) Partition(string text) =>
            (text[..text.IndexOf(' ')], int.Parse(text.AsSpan((text.IndexOf('[') + 1)..^1)));
    }
}
