using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>A consumer in a process of its own, told of by the lines it prints (their form stands in drivers/driver.py).</summary>
internal class ProcessConsumption : Consumption
{
    private readonly ChildProcess process;
    private bool hasEnded;

    public ProcessConsumption(string name, string program, IEnumerable<string> arguments) =>
        process = ChildProcess.Start(name, program, arguments, OnOutput, OnError);

    protected override string Diagnosis => $"{process.Name} said:\n{string.Join('\n', process.ErrorLines.TakeLast(20))}";

    /// <summary>Whether the program says itself that it reached its end.</summary>
    protected virtual bool SaysEnd => true;

    public override async Task Stop()
    {
        AskToStop(process);
        await Ended(Deadline.Default);
    }

    public override async Task Ended(TimeSpan within)
    {
        var exitCode = await process.Exit(within);
        if (exitCode != 0 || (SaysEnd && !hasEnded))
            throw new InvalidOperationException($"{process.Name} failed with {exitCode} after {Records.Count} records.\n{Diagnosis}");
    }

    public override ValueTask DisposeAsync() => process.DisposeAsync();

    protected virtual void AskToStop(ChildProcess process) => process.CloseInput();

    protected virtual void OnError(string line)
    {
    }

    protected virtual void OnOutput(string line)
    {
        switch (line)
        {
            case "E":
                hasEnded = true;
                break;
            case ['A', ' ', ..]:
                Assign(line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(Partitions));
                break;
            case ['R', ' ', ..]:
                var fields = line.Split(' ');
                Add(new Consumed(
                    fields[1], int.Parse(fields[2]), long.Parse(fields[3]), new Record(Record.Decode(fields[4]), Record.Decode(fields[5]))));
                break;
            default:
                throw new FormatException($"{process.Name} wrote a line that no driver writes: {line}");
        }
    }

    private static IEnumerable<(string Topic, int Partition)> Partitions(string assignment)
    {
        var parts = assignment.Split(':');
        return parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(partition => (parts[0], int.Parse(partition)));
    }
}
