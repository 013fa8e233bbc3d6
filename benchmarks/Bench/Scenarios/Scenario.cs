using Milena.Bench.Measuring;
using Milena.Bench.Processes;

namespace Milena.Bench.Scenarios;

/// <summary>Something that is measured. One a file; the list is in <see cref="All"/>.</summary>
/// <param name="Name">The word on the command line.</param>
/// <param name="About">One line for the help.</param>
/// <param name="Run">Measures and reports.</param>
internal sealed record Scenario(string Name, string About, Action<BenchContext> Run)
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("floor", "the floor program alone: for orientation", FloorAlone.Run),
        new("append", "the log's append path against plain sequential writes", AppendPath.Run),
        new("produce", "broker CPU per MB produced against the floor (P1, P2)", ProduceCpu.Run),
        new("fetch", "broker CPU per MB fetched from the page cache against the floor (P3)", FetchCpu.Run),
        new("both", "producing and fetching at once against the floor", BothAtOnce.Run),
        new("commit", "acknowledging after a sync against not waiting for it (group commit)", CommitCost.Run),
        new("transactions", "idempotent and transactional produce beside plain; transactions a second (P23)", Transactions.Run),
        new("latency", "one record at a time, end to end, against the floor (P11, P13)", Latency.Run),
        new("start", "start-up, from empty and with 1,000 partitions (P15, P16)", StartUp.Run),
        new("recovery", "start-up after kill -9 with a large log (P19)", Recovery.Run),
        new("groups", "1,000 groups whose 5,000 members send heartbeats; 10,000 commits a second", GroupMembers.Run),
        new("partitions", "10,000 partitions: starts, memory; producing to 1,000 against 10 (P20)", ManyPartitions.Run),
        new("compaction", "compacting 1 GB with 10 million keys: CPU, memory, and a producer beside it", Compaction.Run),
        new("memory", "resident memory: idle, 5,000 idle connections, full load (P17, P18)", Memory.Run),
    ];
}

/// <summary>What a scenario has to work with.</summary>
/// <param name="Milena">The executable.</param>
/// <param name="Root">A directory for data, on the disk that is to be measured.</param>
/// <param name="Quick">Fewer and shorter repetitions: shows that everything works, and roughly where it stands.</param>
/// <param name="Overrides">What the broker is told besides, as <c>name=value</c>.</param>
/// <param name="Report">Where the figures go.</param>
internal sealed record BenchContext(string Milena, string Root, bool Quick, IReadOnlyList<string> Overrides, Report Report)
{
    /// <summary>How many pairs are compared.</summary>
    public int Pairs => Quick ? 3 : 7;

    /// <summary>An empty directory.</summary>
    public string NewDirectory(string name)
    {
        var path = Path.Combine(Root, name);
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        return path;
    }

    public FloorProcess StartFloor() => new(NewDirectory("floor"));

    /// <summary>A broker that accepts connections.</summary>
    public MilenaProcess StartMilena(params string[] overrides)
    {
        var broker = new MilenaProcess(Milena, NewDirectory("milena"), [.. Overrides, .. overrides]);
        broker.WaitUntilAccepting();
        return broker;
    }

    /// <summary>
    /// Measures A and B in turn: A B A B. The machine's speed drifts, so only what was measured within the same seconds is compared.
    /// The first pair warms up and is thrown away.
    /// </summary>
    /// <returns>The results of both, and how many pairs were disturbed by other processes.</returns>
    public (List<T> A, List<T> B, int Disturbed) Compare<T>(Func<T> a, Func<T> b)
    {
        var results = (A: new List<T>(), B: new List<T>(), Disturbed: 0);
        for (var pair = 0; pair <= Pairs; pair++)
        {
            var others = new Disturbance(Child.OurCpuSeconds);
            var (oneA, oneB) = (a(), b());
            if (pair == 0)
                continue;
            results.A.Add(oneA);
            results.B.Add(oneB);
            if (others.Cores() > Disturbance.CoresMax)
                results.Disturbed++;
        }

        return results;
    }
}

internal static class Pairs
{
    /// <summary>Each of A by its partner of B.</summary>
    public static List<double> Ratios<T>(this (List<T> A, List<T> B, int Disturbed) pairs, Func<T, double> value) =>
        [.. pairs.A.Zip(pairs.B, (a, b) => value(a) / value(b))];
}
