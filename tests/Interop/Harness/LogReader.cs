using System.Globalization;

namespace Milena.Interop.Harness;

/// <summary>A record as it lies on disk.</summary>
internal sealed record StoredRecord(
    string Topic, int Partition, long Offset, long ProducerId, int Sequence, string Codec, bool IsTransactional, Record Record);

/// <summary>
/// What <c>drivers/read_log.py</c> finds in a log directory. It was written from the description of the formats and knows nothing of
/// the broker's code, so the two do not make the same mistakes.
/// </summary>
internal sealed class LogReader
{
    private readonly List<string[]> lines;

    private LogReader(List<string[]> lines) => this.lines = lines;

    /// <summary>The records, partition by partition in the order in which they lie there.</summary>
    public IReadOnlyList<StoredRecord> Records =>
    [
        .. from fields in Lines("R")
           select new StoredRecord(
               fields[1], Int(fields[2]), Long(fields[3]), Long(fields[5]), Int(fields[7]), fields[8], fields[9] == "1",
               new Record(Record.Decode(fields[10]), Record.Decode(fields[11]))),
    ];

    /// <summary>Topic, partition, offset, producer id, epoch, ABORT or COMMIT, coordinator epoch.</summary>
    public IEnumerable<string[]> Markers => Lines("C").Select(fields => fields[1..]);

    /// <summary>Topic, partition, producer id, first offset, last offset, last stable offset.</summary>
    public IEnumerable<string[]> Aborted => Lines("A").Select(fields => fields[1..]);

    /// <summary>Start, end, last stable offset, recovery point and high watermark of a partition.</summary>
    public long[] Bounds(string topic, int partition) =>
        [.. Lines("L").Single(fields => fields[1] == topic && Int(fields[2]) == partition)[3..].Select(Long)];

    /// <summary>Reads the directory of a broker that does not run. Everything in it must agree with everything else.</summary>
    public static async Task<LogReader> Read(string directory, params string[] topics)
    {
        var (exitCode, output, errors) = await ChildProcess.Run(
            "/usr/bin/python3", ["read_log.py", directory, "--topics", string.Join(',', topics)]);
        var lines = output.Split('\n').Select(line => line.Split(' ')).ToList();
        var faults = lines.Where(fields => fields[0] == "!").Select(fields => string.Join(' ', fields));
        Assert.True(exitCode == 0 && lines[^1][0] == "E", $"{string.Join('\n', faults)}\n{errors}");
        return new LogReader(lines);
    }

    private IEnumerable<string[]> Lines(string kind) => lines.Where(fields => fields[0] == kind);

    private static int Int(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
