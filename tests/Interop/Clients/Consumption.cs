using Milena.Interop.Harness;

namespace Milena.Interop.Clients;

/// <summary>A consumer at work: what it has read and what it is assigned, and waiting for either to become what it should.</summary>
internal abstract class Consumption : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly List<Consumed> records = [];
    private readonly Dictionary<int, long> positions = [];
    private readonly List<(Func<bool> Condition, TaskCompletionSource Met)> waiting = [];
    private IReadOnlySet<(string Topic, int Partition)> assignment = new HashSet<(string, int)>();

    /// <summary>All records so far, in the order they came.</summary>
    public IReadOnlyList<Consumed> Records
    {
        get
        {
            lock (gate)
                return [.. records];
        }
    }

    /// <summary>The partitions that the group has given to this member.</summary>
    public IReadOnlySet<(string Topic, int Partition)> Assignment
    {
        get
        {
            lock (gate)
                return assignment;
        }
    }

    /// <summary>What to show when a wait was in vain.</summary>
    protected abstract string Diagnosis { get; }

    /// <summary>Lets it commit, leave its group and end.</summary>
    public abstract Task Stop();

    /// <summary>Waits until it has ended by itself; throws if it failed.</summary>
    public abstract Task Ended(TimeSpan within);

    /// <summary>Waits until it has read so many records.</summary>
    public Task HasRead(int count) => Becomes(() => records.Count >= count, () => $"{count} records; it has {records.Count}");

    /// <summary>Waits until it has read each of these partitions, of one topic, up to its end.</summary>
    public Task HasReadTo(IReadOnlyDictionary<int, long> ends) => Becomes(
        () => ends.All(end => positions.GetValueOrDefault(end.Key) >= end.Value),
        () => $"the ends {Show(ends)}; it is at {Show(positions)}");

    /// <summary>Waits until it is assigned so many partitions.</summary>
    public Task IsAssigned(int count) => Becomes(() => assignment.Count == count, () => $"{count} partitions; it has {assignment.Count}");

    public abstract ValueTask DisposeAsync();

    protected void Add(Consumed record)
    {
        lock (gate)
        {
            records.Add(record);
            positions[record.Partition] = record.Offset + 1;
            Wake();
        }
    }

    protected void Assign(IEnumerable<(string Topic, int Partition)> partitions)
    {
        lock (gate)
        {
            assignment = partitions.ToHashSet();
            Wake();
        }
    }

    private async Task Becomes(Func<bool> condition, Func<string> what)
    {
        var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (condition())
                return;
            waiting.Add((condition, met));
        }
        try
        {
            await met.Task.WaitAsync(Deadline.Default);
        }
        catch (TimeoutException)
        {
            string expected;
            lock (gate)
                expected = what();
            throw new TimeoutException($"The consumer waits for {expected}.\n{Diagnosis}");
        }
    }

    private static string Show(IReadOnlyDictionary<int, long> offsets) =>
        string.Join(' ', offsets.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}:{pair.Value}"));

    private void Wake()
    {
        for (var i = waiting.Count - 1; i >= 0; i--)
        {
            if (!waiting[i].Condition())
                continue;
            waiting[i].Met.SetResult();
            waiting.RemoveAt(i);
        }
    }
}
